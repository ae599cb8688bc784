"""Time and memory of Cox's model at 1,000,000 customers x 12 features.

    python benchmarks/churn_scale.py growth [most customers]   1,000,000
    python benchmarks/churn_scale.py errors [rows]             2,000, beside lifelines

`growth` draws customers at a landmark, fits the time to their next purchase and scores all at three
horizons, at a tenth of the customers and at all, each in a new interpreter. It fails above 60 s of
processor time for a fit, 20 s for the scores, or 6 GB. Ways: `plain`, the model as published;
`fit`, as the notebooks call it, with tests for nonlinear and time-varying effects, one of each
planted; `clustered`, the same with a customer_id for every row, each customer twice.

`errors` compares standard errors clustered by customer, and their time, with lifelines'
`cluster_col`; without ties it fails above a relative difference of a millionth.

Seconds are by the clock and of the processors; the latter do not depend on other load.
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

    from cvm_analysis.survival.cox import Cox

HORIZONS = (90, 180, 365)
OBSERVED = 400  # days after the landmark
LIMITS = {"fit": 60, "score": 20, "memory": 6_000}  # s, s, MB
NEAR = 1e-6
EFFECTS = {
    "silence_gaps": -0.5,
    "rate": 0.4,
    "tenure_weeks": 0.1,
    "net_sales_per_order": 0.05,
    "only_once": -0.4,
    "rate_trend": 0.2,
    "n_categories": 0.1,
    "discount_share": 0.05,
    "late_share": -0.1,
    "complaints_open": -0.3,
    "nps": 0.03,
    "channel=store": 0.15,
}


def features(n: int, draws: np.random.Generator) -> pd.DataFrame:
    """Twelve features of n customers, some of them related, as `churn.features` has them."""
    rate = draws.normal(2.5, 1.2, n)
    only_once = draws.random(n) < 0.35
    silence = np.log2(1 + draws.gamma(0.9, 1.5, n)) + 0.1 * (rate - 2.5)
    return pd.DataFrame(
        {
            "silence_gaps": silence,
            "rate": rate,
            "tenure_weeks": np.log2(1 + draws.integers(1, 200, n)),
            "net_sales_per_order": draws.normal(6, 1.5, n) - 0.2 * rate,
            "only_once": only_once.astype(float),
            "rate_trend": np.where(only_once, 0, draws.normal(0, 1, n)),
            "n_categories": 1.0 + draws.binomial(5, 0.3, n),
            "discount_share": 10 * draws.beta(1, 4, n),
            "late_share": 10 * np.where(draws.random(n) < 0.8, 0, draws.random(n)),
            "complaints_open": draws.poisson(0.05, n).astype(float),
            "nps": draws.integers(0, 11, n).astype(float),
            "channel=store": (draws.random(n) < 0.4).astype(float),
        }
    )


def outcomes(rows: pd.DataFrame, draws: np.random.Generator) -> pd.DataFrame:
    """Days to the next purchase, about half within OBSERVED days.

    The effect of silence_gaps is nonlinear; that of `only_once` ends after 120 days.
    """
    centred = rows - rows.mean()
    log = centred @ pd.Series(EFFECTS) - 0.3 * centred["silence_gaps"] ** 2
    patience = draws.exponential(size=len(rows))
    early = 0.0025 * np.exp(log.to_numpy())
    later = early * np.exp(-EFFECTS["only_once"] * centred["only_once"].to_numpy())
    first = patience / early
    day = np.ceil(np.where(first <= 120, first, 120 + (patience - 120 * early) / later))
    return pd.DataFrame(
        {"duration": np.clip(day, 1, OBSERVED), "event": (day <= OBSERVED).astype(int)}, rows.index
    )


# Ways: each fits the same rows.


def plain(rows: pd.DataFrame, outcome: pd.DataFrame) -> Cox:
    """The model as it is published."""
    from cvm_analysis.survival import cox

    return cox.fit_plain(rows, outcome)


def fit(rows: pd.DataFrame, outcome: pd.DataFrame) -> Cox:
    """The model with its tests."""
    from cvm_analysis.survival import cox

    return cox.fit(rows, outcome)


def clustered(rows: pd.DataFrame, outcome: pd.DataFrame) -> Cox:
    """The same with errors by customer."""
    from cvm_analysis.survival import cox

    names = pd.Series(np.arange(len(rows)) // 2, rows.index)
    return cox.fit(rows, outcome, customers=names)


WAYS = {each.__name__: each for each in (plain, fit, clustered)}


def side(way: str, customers: str) -> None:
    """Fit and score once, in this interpreter; print seconds, memory and what was found."""
    import lifelines  # noqa: F401, imported before the clock starts

    from cvm_analysis.survival import cox  # noqa: F401

    draws = np.random.default_rng(20260101)
    rows = features(int(customers), draws)
    outcome = outcomes(rows, draws)
    before = _peak()
    made: list[Cox] = []
    fitted = _seconds(lambda: made.append(WAYS[way](rows, outcome)))
    tables: list[pd.DataFrame] = []
    scored = _seconds(lambda: tables.append(made[0].survival(rows, HORIZONS)))
    off = {
        str(h): round(float(tables[0][h].mean() - (outcome["duration"] > h).mean()), 4)
        for h in HORIZONS
    }
    about = {"nonlinear": [*made[0].nonlinear], "stratified": [*made[0].stratified], "off": off}
    print(json.dumps([fitted, scored, before, _peak(), about]))


def growth(most: int) -> None:
    """Print seconds and memory of each way, and by how much they grow; fail beyond the limits."""
    beyond = []
    for way in WAYS:
        spent = []
        for n in (most // 10, most):
            command = [sys.executable, __file__, "side", way, str(n)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            fitted, scored, before, peak, about = json.loads(done.stdout.splitlines()[-1])
            spent.append((fitted[1], scored[1]))
            print(
                f"{way:<10} {n:>10,} customers: fit {_said(fitted)}, scores {_said(scored)}; "
                f"{peak:,.0f} MB at the most, {before:,.0f} MB before; {about}"
            )
            used = {"fit": fitted[1], "score": scored[1], "memory": peak}
            beyond += [f"{way}, {n:,}: {k} {v:.0f}" for k, v in used.items() if v > LIMITS[k]]
        times = [large / small for small, large in zip(*spent, strict=True)]
        print(f"{way:<10} ten times the customers: fit x {times[0]:.1f}, scores x {times[1]:.1f}")
    print({each: version(each) for each in ("lifelines", "numpy", "pandas")})
    if beyond:
        raise SystemExit(f"beyond {LIMITS}: {beyond}")


def errors(n: int) -> None:
    """Print how far our clustered errors are from lifelines', and what either costs.

    Where durations are equal, ours follow Efron's treatment of ties as the coefficients do, and
    lifelines' do not; where all differ they must agree.
    """
    apart = {}
    for size in (n, 10 * n):
        draws = np.random.default_rng(20260102)
        rows = features(size, draws)
        by_day = outcomes(rows, draws)
        all_differ = by_day.assign(duration=by_day["duration"] - 0.9 * draws.random(size))
        names = pd.Series(np.arange(size) // 3, rows.index, name="customer")
        for kind, outcome in {"whole days": by_day, "all different": all_differ}.items():
            apart[size, kind] = beside_lifelines(rows, outcome, names, kind)
    if not max(found for (_, kind), found in apart.items() if kind == "all different") <= NEAR:
        raise SystemExit(f"more than {NEAR:g}")


def beside_lifelines(
    rows: pd.DataFrame, outcome: pd.DataFrame, names: pd.Series, kind: str
) -> float:
    """Print seconds of both; return the largest difference of a standard error, as a share."""
    from lifelines import CoxPHFitter

    from cvm_analysis.survival import cox

    table = rows.join(outcome).join(names)
    how = {"cluster_col": "customer", "fit_options": {"precision": 1e-9, "r_precision": 1e-13}}
    peer, own = CoxPHFitter(), []
    theirs = _seconds(lambda: peer.fit(table, "duration", "event", **how))
    ours = _seconds(lambda: own.append(cox.fit_plain(rows, outcome, customers=names)))
    error = own[0].hazards["std_error"]
    apart = float((error / peer.standard_errors_[error.index] - 1).abs().max())
    print(
        f"{len(rows):>6,} rows, durations {kind}: errors differ by {apart:.1e} of their size at "
        f"the most; lifelines {_said(theirs)}; ours {_said(ours)}; lifelines / ours "
        f"{theirs[0] / ours[0]:.1f}, of the processors {theirs[1] / ours[1]:.1f}"
    )
    return apart


def _said(seconds: tuple[float, float]) -> str:
    return f"{seconds[0]:.2f} s, {seconds[1]:.2f} s of the processors"


def _seconds(part: Callable[[], object]) -> tuple[float, float]:
    gc.collect()
    start = time.perf_counter(), time.process_time()
    part()
    return time.perf_counter() - start[0], time.process_time() - start[1]


def _peak() -> float:
    """The most memory that this process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(asked: list[str]) -> None:
    """Run the benchmark asked for, or one side of it."""
    what, *rest = asked or ["growth"]
    if what == "side":
        side(*rest)
    elif what == "growth":
        growth(int(rest[0]) if rest else 1_000_000)
    else:
        errors(int(rest[0]) if rest else 2_000)


if __name__ == "__main__":
    main(sys.argv[1:])
