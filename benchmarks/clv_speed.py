"""How fast are purchase histories, fits and scores: beside lifetimes, and as customers grow?

    python benchmarks/clv_speed.py histories [customers] [repetitions]   1,000,000, 3
    python benchmarks/clv_speed.py bg_nbd [customers] [repetitions]      1,000,000, 3
    python benchmarks/clv_speed.py pareto_nbd [customers] [repetitions]  100,000, 3
    python benchmarks/clv_speed.py growth [most customers] [repetitions] 1,000,000, 3
    python benchmarks/clv_speed.py scoring [customers] [repetitions]     1,000,000, 3

`histories` gives every side the same Parquet file of invented transactions, about five a customer,
each time in a new interpreter: to one row per customer of x, t_x, T and mean repeat spend. The
sides take turns. The clock starts after the imports, each side's own; peak memory is the process's,
and less what it has once it has imported. DuckDB's varies by some 50 MB from run to run.
The fits get the same customers on every side. lifetimes knows no distinct histories but takes
weights; it is timed with a row per customer, as its guide does it, and with ours as weighted rows.

Seconds are by the clock and of the processors: the latter say the same on a busy machine.
"""

from __future__ import annotations

import datetime as dt
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = dt.date(2025, 12, 31)
LONGEST = 730  # days since the first purchase
RATES, DROP_OUT = (0.6, 4.0), (0.6, 12.0)  # shape, scale in weeks
HORIZON = 52
CHUNK = 500_000  # customers written at a time


def draw_customers(n: int, draws: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days observed, days stayed and repeat purchases of Pareto/NBD customers."""
    days = draws.integers(7, LONGEST, n)
    weekly = draws.gamma(RATES[0], 1 / RATES[1], n)
    leaving = np.maximum(draws.gamma(DROP_OUT[0], 1 / DROP_OUT[1], n), 1e-12)
    stayed = np.minimum(days, 7 * draws.exponential(1 / leaving))
    return days, stayed, draws.poisson(weekly * stayed / 7)


def log(path: Path, n: int) -> None:
    """Write invented transactions of n customers, about five each, in no order."""
    import duckdb

    draws = np.random.default_rng(20260101)
    found = []
    for start in range(0, n, CHUNK):
        size = min(CHUNK, n - start)
        days, stayed, x = draw_customers(size, draws)
        again = np.repeat(np.arange(size), x)
        later = np.ceil(stayed[again] * draws.random(len(again)))
        ids = np.concatenate([np.arange(size), again]) + start
        since = np.concatenate([np.zeros(size), later])
        when = np.datetime64(DAY) - (np.concatenate([days, days[again]]) - since).astype(int)
        found.append(pd.DataFrame({"number": ids, "ordered_at": when.astype("datetime64[s]")}))
    table = pd.concat(found).sample(frac=1, random_state=1)
    table["amount"] = np.round(draws.lognormal(3.5, 1, len(table)), 2) + 0.01
    duckdb.sql(
        "copy (select 'C' || lpad(number::varchar, 9, '0') as customer_id, ordered_at, amount "
        f"from \"table\") to '{path}' (format parquet)"
    )


def invented(n: int) -> pd.DataFrame:
    """x, t_x, T of n customers without a log."""
    days, stayed, x = draw_customers(n, np.random.default_rng(20260102))
    last = np.random.default_rng(1).random(n) ** (1 / np.maximum(x, 1)) * stayed
    return pd.DataFrame({"x": x, "t_x": np.where(x > 0, np.ceil(last), 0) / 7, "T": days / 7})


# Sides: each runs in an interpreter of its own and returns what to print beside its seconds.


def ours(path: str) -> pd.DataFrame:
    """The function the benchmark is about."""
    import ibis

    from cvm_analysis import customers

    found = customers.histories(ibis.read_parquet(path), DAY).to_pyarrow()
    return found.to_pandas(deduplicate_objects=False)  # ids are all different


def duckdb_by_hand(path: str) -> pd.DataFrame:
    """The same query as somebody would write it."""
    import duckdb

    return duckdb.sql(
        f"""
        with days as (
            select customer_id, ordered_at::date as day, sum(amount) as spend
            from '{path}' where ordered_at::date <= date '{DAY}' and amount > 0
            group by customer_id, day
        )
        select customer_id, count(*) - 1 as x,
            (max(day) - min(day)) / 7 as t_x, (date '{DAY}' - min(day)) / 7 as T,
            (sum(spend) - arg_min(spend, day)) / nullif(count(*) - 1, 0) as spend_per_repeat_day
        from days group by customer_id
        """
    ).df()


def lifetimes(path: str) -> pd.DataFrame:
    """Its summary, mean spend included."""
    from lifetimes.utils import summary_data_from_transaction_data

    table = pd.read_parquet(path)
    return summary_data_from_transaction_data(
        table, "customer_id", "ordered_at", "amount", observation_period_end=DAY
    )


SIDES = {each.__name__: each for each in (ours, duckdb_by_hand, lifetimes)}


def ready(name: str) -> None:
    """Import what a side needs."""
    import pyarrow.parquet  # noqa: F401

    if name == "lifetimes":
        import lifetimes.utils  # noqa: F401
    else:
        import duckdb

        duckdb.connect()
    if name == "ours":
        import ibis

        from cvm_analysis import customers  # noqa: F401

        ibis.duckdb.connect()


def side(name: str, path: str) -> None:
    """Run one side once, in this interpreter; print seconds and memory as JSON."""
    ready(name)
    before = _peak()
    found: list[pd.DataFrame] = []
    seconds = _seconds(lambda: found.append(SIDES[name](path)))
    peak = _peak()
    names = ["x", "t_x", "T"] if name != "lifetimes" else ["frequency", "recency", "T"]
    weeks = found[0][names].sum().to_numpy() / ([1, 1, 1] if name != "lifetimes" else [1, 7, 7])
    print(json.dumps([*seconds, peak - before, peak, weeks.tolist()]))


def beside(n: int, repetitions: int) -> None:
    """Print seconds and memory of each side, and the ratios."""
    runs: dict[str, list[list[Any]]] = {name: [] for name in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "transactions.parquet"
        log(path, n)
        import pyarrow.parquet as pq

        print(f"{n:,} customers, {pq.read_metadata(path).num_rows:,} transactions")
        for turn in range(repetitions):
            for name, found in runs.items():
                if turn and name == "lifetimes":
                    continue
                command = [sys.executable, __file__, "side", name, str(path)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found.append(json.loads(done.stdout.splitlines()[-1]))
    sums = np.array([found[0][4] for found in runs.values()])
    if not np.allclose(sums, sums[0], rtol=1e-9):
        raise SystemExit(f"the sides do not agree on the sums of x, t_x and T: {sums}")
    middle = {
        name: [statistics.median(column) for column in list(zip(*found, strict=True))[:4]]
        for name, found in runs.items()
    }
    for name, (clock, processors, more, peak) in middle.items():
        by = [
            f"{theirs / mine:.2f}"
            for theirs, mine in zip(middle[name], middle["ours"], strict=True)
        ]
        print(
            f"{name:<15} {clock:7.2f} s, {processors:7.2f} s of the processors, {more:6.0f} MB "
            f"({peak:6.0f} MB with imports); / ours: {', '.join(by)}"
        )


def fits(model: str, n: int, repetitions: int) -> None:
    """Print seconds of a model's fit, by day and by week, and of lifetimes'."""
    from lifetimes import BetaGeoFitter, ParetoNBDFitter

    from cvm_analysis.clv import bg_nbd, histories, pareto_nbd

    module, peer = {
        "bg_nbd": (bg_nbd, BetaGeoFitter),
        "pareto_nbd": (pareto_nbd, ParetoNBDFitter),
    }[model]
    table = invented(n)
    rows = {"customers": table} | {
        resolution: histories.distinct(table, resolution)[0] for resolution in ("day", "week")
    }
    print(f"{model} of {n:,} customers; rows { ({name: len(h) for name, h in rows.items()}) }")

    def theirs(h: pd.DataFrame) -> Callable[[], Any]:
        weights = h.get("n")
        return lambda: peer().fit(h["x"], h["t_x"], h["T"], weights=weights)

    parts = {
        "ours, by week": lambda: module.fit(rows["week"]),
        "ours, by day": lambda: module.fit(rows["day"]),
        "distinct, by week": lambda: histories.distinct(table, "week"),
        "distinct, by day": lambda: histories.distinct(table, "day"),
        "lifetimes, customers": theirs(rows["customers"]),
        "lifetimes, by day, weighted": theirs(rows["day"]),
        "lifetimes, by week, weighted": theirs(rows["week"]),
    }
    found = {
        name: _medians(part, 1 if name.startswith("lifetimes") else repetitions)
        for name, part in parts.items()
    }
    weekly, daily = found["ours, by week"], found["ours, by day"]
    for name, (clock, processors) in found.items():
        print(
            f"{name:<30} {clock:8.3f} s, {processors:8.3f} s of the processors; times ours by week "
            f"{processors / weekly[1]:.1f}, by day {processors / daily[1]:.1f}"
        )


def growth(most: int, repetitions: int) -> None:
    """Print seconds of each model's fit at week resolution, from 100,000 customers on."""
    from cvm_analysis.clv import bg_nbd, histories, pareto_nbd

    before: dict[str, float] = {}
    n = 100_000
    while n <= most:
        h, _ = histories.distinct(invented(n), "week")
        for module in (bg_nbd, pareto_nbd):
            name = module.__name__.rpartition(".")[2]
            clock, processors = _medians(lambda m=module, h=h: m.fit(h), repetitions)
            times = processors / before.get(name, np.nan)
            before[name] = processors
            print(
                f"{name:<11} {n:>10,} customers, {len(h):>8,} histories: {clock:7.3f} s, "
                f"{processors:7.3f} s of the processors, times {times:.1f}"
            )
        n *= 10


def scoring(n: int, repetitions: int) -> None:
    """Print seconds of P(alive) and expected purchases of every customer, from x, t_x and T on."""
    from cvm_analysis.clv import bg_nbd, histories, pareto_nbd

    table = invented(n)
    weekly, _ = histories.distinct(table, "week")
    for module in (pareto_nbd, bg_nbd):
        model = module.fit(weekly)

        def scored(model: Any = model) -> None:
            h, key = histories.distinct(table)
            scores = pd.DataFrame(
                {"p_alive": model.p_alive(h), "expected": model.expected_purchases(h, HORIZON)}
            )
            scores.take(key.to_numpy()).set_axis(key.index)

        clock, processors = _medians(scored, repetitions)
        print(f"{model.code:<11} {clock:6.2f} s, {processors:6.2f} s of the processors")


def _peak() -> float:
    """The most memory this process has held, in MB (Linux; ru_maxrss counts the parent's too)."""
    status = Path("/proc/self/status").read_text()
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024


def _medians(part: Callable[[], object], repetitions: int) -> tuple[float, float]:
    clock, processors = zip(*(_seconds(part) for _ in range(repetitions)), strict=True)
    return statistics.median(clock), statistics.median(processors)


def _seconds(part: Callable[[], object]) -> tuple[float, float]:
    gc.collect()
    start = time.perf_counter(), time.process_time()
    part()
    return time.perf_counter() - start[0], time.process_time() - start[1]


def main(asked: list[str]) -> None:
    """Run the benchmark asked for, or one side of it."""
    what, *rest = asked or ["growth"]
    if what == "side":
        return side(*rest)
    n = int(rest[0]) if rest else (100_000 if what == "pareto_nbd" else 1_000_000)
    repetitions = int(rest[1]) if rest[1:] else 3
    if what in ("bg_nbd", "pareto_nbd"):
        fits(what, n, repetitions)
    else:
        {"histories": beside, "growth": growth, "scoring": scoring}[what](n, repetitions)
    packages = ("duckdb", "ibis-framework", "lifetimes", "numpy", "pandas", "scipy")
    print({each: version(each) for each in packages})


if __name__ == "__main__":
    main(sys.argv[1:])
