"""Score test of proportional hazards: is the effect of a feature constant over time?

Source: Grambsch & Therneau (1994), "Proportional Hazards Tests and Diagnostics Based on Weighted
Residuals", Biometrika 81, 515-526; as the exact score test of R's survival since version 3:
coefficients times g(time) are added, and tested for 0. Own code because lifelines has the earlier
approximation, in which all events weigh the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.survival import risk_sets
from cvm_analysis.survival.logrank import holm
from cvm_analysis.survival.risk_sets import RiskSets

ALL = "all"
_LEVEL = 0.05  # of the test, after Holm
_MIN_DRIFT = float(np.log(1.25))  # of the log hazard ratio, to be acted on
_MAX_LEVELS = 5  # a feature with more values is cut into thirds


def test(
    sets: Sequence[RiskSets], term_features: pd.Series, observed: pd.DataFrame
) -> pd.DataFrame:
    """Test each feature, and all together, for effects that change over time.

    Parameters
    ----------
    sets : the risk sets of all rows at the maximum of the likelihood
    term_features : the feature of each term, in the order of the terms
    observed : all rows: entry, duration, event

    Returns
    -------
    One row per feature and one named `all`: chisq, df, p (as if rows were independent), drift:
    change of the log hazard ratio per standard deviation between the first and the last tenth of
    the events; empty for `all`. g is 1 - the Kaplan-Meier share just before (R's `km`).
    """
    from scipy.stats import chi2

    g = _centred_km(observed)
    gradient, information = _changing(sets, g)
    n = len(term_features)
    wanted = {name: np.flatnonzero(term_features == name) for name in pd.unique(term_features)}
    early, late = np.quantile(g(_events(observed)), [0.1, 0.9])
    table = {}
    for name, own in {**wanted, ALL: np.arange(n)}.items():
        used = np.concatenate([np.arange(n), n + own])
        chisq, step = risk_sets.score_statistic(
            gradient[used], information[np.ix_(used, used)], np.arange(n, len(used))
        )
        drift = np.nan if name is ALL else (late - early) * _spread(sets, own, step)
        table[name] = (chisq, len(own), chi2.sf(chisq, len(own)), drift)
    return pd.DataFrame.from_dict(table, orient="index", columns=["chisq", "df", "p", "drift"])


def nonproportional(tested: pd.DataFrame) -> list[str]:
    """List features that fail (5 %, Holm) and drift by a quarter or more, worst first.

    tested : as `test` returns; by the test alone every feature of a large table would fail.
    """
    features = tested.drop(index=ALL)
    bad = features[(holm(features["p"]) < _LEVEL) & (features["drift"].abs() >= _MIN_DRIFT)]
    return list(bad.sort_values("p").index)


def cut_points(values: pd.Series) -> tuple[float, ...]:
    """Choose cut points of a feature: each value if five or fewer, else thirds of the rows."""
    levels = np.unique(values)
    if len(levels) > _MAX_LEVELS:
        levels = np.unique([levels[0], *np.quantile(values, [1 / 3, 2 / 3])])
    return tuple(levels[1:].tolist())


def _changing(sets: Sequence[RiskSets], g: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Gradient and information of the terms, then of the terms times g(time)."""
    _, plain = risk_sets.total(sets)
    gradient, mixed = risk_sets.total(sets, g)
    _, squared = risk_sets.total(sets, lambda times: g(times) ** 2)
    information = np.block([[plain, mixed], [mixed, squared]])
    return np.concatenate([np.zeros_like(gradient), gradient]), information


def _spread(sets: Sequence[RiskSets], own: Ints, step: Array) -> float:
    """Standard deviation of a feature's contribution to the log hazard; signed if it is linear."""
    part = np.concatenate([one.x[:, own] @ step for one in sets])
    return float(np.std(part) * (np.sign(step[0]) if len(step) == 1 else 1.0))


def _events(observed: pd.DataFrame) -> Array:
    return observed["duration"].to_numpy(float)[(observed["event"] == 1).to_numpy()]


def _centred_km(observed: pd.DataFrame) -> Callable[[Array], Array]:
    """1 - the Kaplan-Meier share just before each time, less its mean over the events."""
    times, deaths = np.unique(_events(observed), return_counts=True)
    ended = np.searchsorted(times, observed["duration"].to_numpy(), side="right")
    begun = np.searchsorted(times, observed["entry"].to_numpy(), side="right")
    at_risk = np.cumsum(np.bincount(begun, minlength=len(times) + 1)) - np.cumsum(
        np.bincount(ended, minlength=len(times) + 1)
    )
    before = np.concatenate([[1.0], np.cumprod(1 - deaths / at_risk[:-1])])
    mean = (1 - before[np.searchsorted(times, _events(observed), side="left")]).mean()
    return lambda asked: 1 - before[np.searchsorted(times, asked, side="left")] - mean
