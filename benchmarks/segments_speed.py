"""How fast are RFM, the classes and a scorecard, compared with a peer, and for more customers?

    python benchmarks/segments_speed.py rfm [repetitions]      compared with OpenRetailScience
    python benchmarks/segments_speed.py growth [repetitions]   100,000 and 1,000,000 customers

`rfm` gives both sides the same Parquet file of invented order lines, in turns, each time in a new
interpreter; the clock starts after the imports. Ours: an Ibis aggregate to one row per order,
then per customer (returns netted), cut points by the share strictly worse, scores. Theirs:
RFMSegmentation on the same Ibis table: an aggregate per customer, then NTILE. It needs an
environment of its own; the variable PEER_PYTHON names its interpreter.

Seconds are wall-clock and CPU time; the latter does not depend on the load of the machine.
"""

from __future__ import annotations

import datetime as dt
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

DAY = dt.date(2025, 12, 31)
LINES, BUYERS = 2_000_000, 200_000
PEER = "openretailscience"
INSTALL = f"""{PEER} is not installed where PEER_PYTHON says; it is no part of this project's own
environment. Install it apart from it:
    python3.11 -m venv ../peer && ../peer/bin/pip install {PEER}
    PEER_PYTHON=../peer/bin/python python benchmarks/segments_speed.py rfm"""


def lines(path: Path) -> None:
    """Write invented order lines: two a order, most customers with few orders, some returns."""
    import numpy as np
    import pandas as pd

    draws = np.random.default_rng(20260101)
    n_orders = LINES // 2
    who = (BUYERS * draws.random(n_orders) ** 2).astype(int)
    when = pd.Timestamp("2022-01-01") + pd.to_timedelta(draws.integers(0, 1460, n_orders), "D")
    table = pd.DataFrame({"who": who, "ordered_at": when, "order": np.arange(n_orders)})
    table = table.loc[np.repeat(table.index, 2)]
    amount = np.round(draws.lognormal(4, 1, len(table)), 2)
    amount[draws.random(len(table)) < 0.03] *= -1
    pd.DataFrame(
        {
            "customer_id": "C" + table["who"].astype(str).str.zfill(12),
            "region": "east",
            "ordered_at": table["ordered_at"],
            "order_id": "N" + table["order"].astype(str).str.zfill(10),
            "amount": amount,
        }
    ).to_parquet(path, index=False)


def ours(path: str) -> pd.DataFrame:
    """RFM scores from order lines: what RFM needs of each customer, and no more."""
    import ibis

    from cvm_analysis.customers import rfm_measures
    from cvm_analysis.segments import rfm

    customers = rfm_measures(ibis.read_parquet(path), DAY).to_pandas()
    return rfm.score(customers.set_index("customer_id"))


def ours_from_full_table(path: str) -> pd.DataFrame:
    """RFM scores from all columns of table `customers`, gaps and last year's sales included."""
    import ibis

    from cvm_analysis.customers import as_of
    from cvm_analysis.segments import rfm

    customers = as_of(ibis.read_parquet(path), DAY).to_pandas()
    return rfm.score(customers.set_index("customer_id"))


def theirs(path: str) -> pd.DataFrame:
    """RFM scores of OpenRetailScience on the same table, five groups each."""
    import ibis
    from openretailscience.segmentation.rfm import RFMSegmentation

    names = {"transaction_date": "ordered_at", "transaction_id": "order_id", "unit_spend": "amount"}
    table = ibis.read_parquet(path).rename(names)
    return RFMSegmentation(table, DAY, r_segments=5, f_segments=5, m_segments=5).df


SIDES = {each.__name__: each for each in (ours, ours_from_full_table, theirs)}


def side(name: str, path: str) -> None:
    """Run one side once, in this interpreter; print both seconds and the versions as JSON."""
    import ibis
    import pandas  # noqa: F401, imported before the clock starts, as is what each side needs

    if name == "theirs":
        import openretailscience.segmentation.rfm  # noqa: F401
    else:
        import cvm_analysis.customers
        import cvm_analysis.segments.rfm  # noqa: F401
    ibis.duckdb.connect()
    seconds = _seconds(lambda: SIDES[name](path))
    packages = ("duckdb", "ibis-framework", "pandas", *((PEER,) if name == "theirs" else ()))
    print(json.dumps([*seconds, {each: version(each) for each in packages}]))


def compare_with_peer(repetitions: int) -> None:
    """Print the median seconds of each side and the ratio to the peer's."""
    peer = os.environ.get("PEER_PYTHON", sys.executable)
    look = f"import importlib.util as u, sys; sys.exit(u.find_spec({PEER!r}) is None)"
    if subprocess.run([peer, "-c", look], check=False).returncode:
        raise SystemExit(INSTALL)
    runs: dict[str, list[tuple[float, float, dict[str, str]]]] = {name: [] for name in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "transactions.parquet"
        lines(path)
        for _ in range(repetitions):
            for name, found in runs.items():
                python = peer if name == "theirs" else sys.executable
                command = [python, __file__, "side", name, str(path)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found.append(json.loads(done.stdout.splitlines()[-1]))
    found = {name: _medians(each) for name, each in runs.items()}
    for name, (clock, processors) in found.items():
        print(
            f"{name:<26} {clock:6.2f} s, {processors:6.2f} s of the processors; {runs[name][0][2]}"
        )
    by_clock, by_processors = (found["ours"][i] / found["theirs"][i] for i in range(2))
    print(f"ours / theirs: {by_clock:.2f} by the clock, {by_processors:.2f} of the processors")


def _medians(runs: Iterable[tuple]) -> tuple[float, float]:
    clock, processors, *_ = zip(*runs, strict=True)
    return statistics.median(clock), statistics.median(processors)


def _seconds(part: Callable[[], object]) -> tuple[float, float]:
    gc.collect()
    start = time.perf_counter(), time.process_time()
    part()
    return time.perf_counter() - start[0], time.process_time() - start[1]


def invented(n: int) -> pd.DataFrame:
    """Columns of table `customers` of invented retail customers, half with one purchase."""
    import numpy as np
    import pandas as pd

    draws = np.random.default_rng(20260101)
    x = draws.geometric(0.5, n) - 1
    T = draws.uniform(0, 200, n)
    t_x = np.where(x > 0, T * draws.random(n), 0)
    gap = np.where(x > 0, np.ceil(t_x * 7 / np.maximum(x, 1)), np.nan)
    spend = np.round(draws.lognormal(5, 1, n) * (x + 1), 2)
    return pd.DataFrame(
        {
            "customer_type": "retail",
            "n_orders": x + 1,
            "n_purchase_days": x + 1,
            "x": x,
            "t_x": t_x,
            "T": T,
            "days_since_last": np.round((T - t_x) * 7).astype(int),
            "net_sales": spend,
            "net_sales_per_order": spend / (x + 1),
            "net_sales_365d": np.round(spend * draws.random(n), 2),
            "return_share": np.where(draws.random(n) < 0.1, draws.random(n), 0),
            "gap_median_days": gap,
            "gap_last_days": gap * draws.uniform(0.2, 3, n),
            "gap_cv": np.where(x > 1, draws.gamma(2, 0.4, n), np.nan),
            "n_categories": draws.integers(1, 6, n),
            "nps": np.where(draws.random(n) < 0.2, draws.integers(0, 11, n), np.nan),
        },
        index=pd.Index(["C" + str(i).zfill(12) for i in range(n)], name="customer_id"),
    )


def parts(customers: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Both times of each part, including learned thresholds."""
    from cvm_analysis.segments import classes, loyalty, rfm
    from cvm_analysis.segments.grades import grade, points
    from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard

    names = {f"r{r}_f{f}": {"r": r, "f": f} for r in range(1, 6) for f in range(1, 6)}
    rules = rfm.Rfm(names)
    weights = {"repeat": 0.3, "tenure": 0.25, "regularity": 0.2, "breadth": 0.15, "nps": 0.1}
    card = Scorecard(
        "retail",
        DAY,
        (
            Indicator("spend", "net_sales_365d", 0.5, bins=20),
            Indicator("orders", "n_orders", 0.2, bands=((2, 30), (5, 100))),
            Indicator("returns", "return_share", 0.2, better="low", scale=(0.2, 0)),
            Indicator("nps", "nps", 0.1, scale=(0, 10), missing=50),
        ),
        {"A": 0.1, "B": 0.3, "C": 0.6},
        by_quota=True,
    )
    bought = customers["n_orders"] > 0
    households = customers.assign(customer_type="retail")
    loyal_rules = loyalty.Loyalty(weights=weights)

    def scored() -> None:
        found = rfm.score(customers)
        rfm.name(found, customers, rules)

    def levels(column: str) -> None:
        thresholds = classes.thresholds(customers[column], "auto", "auto")
        classes.assign_level(customers[column], bought, thresholds)

    def loyal() -> None:
        found = loyalty.index(households, loyalty.fit_cards(households, loyal_rules))
        loyalty.assign(customers, found, loyalty.thresholds(found, "auto", "auto"))

    def graded() -> None:
        score = points.score(points.fit_bins(card, customers), customers)
        grade.assign(score, grade.thresholds(card, score))

    timed = {
        "RFM: cut points, scores, names": scored,
        "frequency": lambda: levels("n_orders"),
        "amount": lambda: levels("net_sales"),
        "life cycle": lambda: classes.life_cycle(customers, classes.usual_gap(customers)),
        "loyalty: index and classes": loyal,
        "a scorecard of four indicators": graded,
    }
    return {name: _seconds(part) for name, part in timed.items()}


def growth(repetitions: int) -> None:
    """Print the median seconds of each part for 100,000 and 1,000,000 customers, and the ratio."""
    found = {}
    for n in (100_000, 1_000_000):
        customers = invented(n)
        runs = [parts(customers) for _ in range(repetitions)]
        found[n] = {name: _medians(run[name] for run in runs) for name in runs[0]}
        clock, processors = zip(*found[n].values(), strict=True)
        found[n]["together"] = (sum(clock), sum(processors))
    small, large = found.values()
    for name, (clock, processors) in large.items():
        before = small[name]
        print(
            f"{name:<32} {before[0]:6.3f} s {clock:6.2f} s x {clock / before[0]:4.1f}; of the "
            f"processors {before[1]:6.3f} s {processors:6.2f} s x {processors / before[1]:4.1f}"
        )
    print({each: version(each) for each in ("numpy", "pandas")})


def main(asked: list[str]) -> None:
    """Run the benchmark asked for, or one side of it."""
    what, *rest = asked or ["growth"]
    if what == "side":
        side(*rest)
    else:
        {"rfm": compare_with_peer, "growth": growth}[what](int(rest[0]) if rest else 5)


if __name__ == "__main__":
    main(sys.argv[1:])
