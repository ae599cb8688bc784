"""Does a feature act with the same force all along? The score test of proportional hazards.

Source: Grambsch & Therneau (1994), "Proportional Hazards Tests and Diagnostics Based on Weighted
Residuals", Biometrika 81, 515-526; as the exact score test that R's survival takes since version
3: coefficients that change with g(time) are added, and the test is of their being 0. lifelines has
the approximation of before, in which every event tells as much as any other.
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
_MATTERS = float(np.log(1.25))  # a ratio that changes by less over time does not
_FEW = 5  # values a feature has at most to be taken value by value


def test(
    sets: Sequence[RiskSets], term_features: pd.Series, observed: pd.DataFrame, transform: str = "km"
) -> pd.DataFrame:
    """Test each feature, and all together, for effects that change with time.

    Parameters
    ----------
    sets : the risk sets of all rows at the maximum of the likelihood
    term_features : the feature each term belongs to, in the order of the terms
    observed : all rows: entry, duration, event
    transform : g: km (1 - the share of all still without the event just before), rank (of the
        durations), identity, log (durations above 0)

    Returns
    -------
    One row per feature and one named `all`: chisq, df, p (as if all rows were independent), and
    drift: by how much the log hazard ratio of the usual step (standard deviation of the feature's
    part) differs between the first and the last tenth of the events; empty for `all`.
    """
    from scipy.stats import chi2

    g = _centred(transform, observed)
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
    """Features that fail (5 %, Holm over the features) and drift by a quarter or more, worst first.

    tested : as `test` returns it. A test alone would condemn every feature of a large table.
    """
    features = tested.drop(index=ALL)
    bad = features[(holm(features["p"]) < _LEVEL) & (features["drift"].abs() >= _MATTERS)]
    return list(bad.sort_values("p").index)


def cut_points(values: pd.Series) -> tuple[float, ...]:
    """Where to cut a feature into groups, each from one point up to the next.

    Its own values if they are five or fewer, else thirds of the rows.
    """
    levels = np.unique(values)
    if len(levels) > _FEW:
        levels = np.unique([levels[0], *np.quantile(values, [1 / 3, 2 / 3])])
    return tuple(levels[1:].tolist())


def _changing(sets: Sequence[RiskSets], g: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Gradient and information of the terms and of the terms times g(time), in this order."""
    _, plain = risk_sets.total(sets)
    gradient, mixed = risk_sets.total(sets, g)
    _, squared = risk_sets.total(sets, lambda times: g(times) ** 2)
    information = np.block([[plain, mixed], [mixed, squared]])
    return np.concatenate([np.zeros_like(gradient), gradient]), information


def _spread(sets: Sequence[RiskSets], own: Ints, step: Array) -> float:
    """Standard deviation of a feature's part of the log hazard; with its sign if straight."""
    part = np.concatenate([one.x[:, own] @ step for one in sets])
    return float(np.std(part) * (np.sign(step[0]) if len(step) == 1 else 1.0))


def _events(observed: pd.DataFrame) -> Array:
    return observed["duration"].to_numpy(float)[(observed["event"] == 1).to_numpy()]


def _centred(transform: str, observed: pd.DataFrame) -> Callable[[Array], Array]:
    """The transform of time, less its mean over the events."""
    g = _TRANSFORMS[transform](observed)
    mean = g(_events(observed)).mean()
    return lambda times: g(times) - mean


def _km(observed: pd.DataFrame) -> Callable[[Array], Array]:
    times, deaths = np.unique(_events(observed), return_counts=True)
    ended = np.searchsorted(times, observed["duration"].to_numpy(), side="right")
    begun = np.searchsorted(times, observed["entry"].to_numpy(), side="right")
    at_risk = np.cumsum(np.bincount(begun, minlength=len(times) + 1)) - np.cumsum(
        np.bincount(ended, minlength=len(times) + 1)
    )
    before = np.concatenate([[1.0], np.cumprod(1 - deaths / at_risk[:-1])])
    return lambda asked: 1 - before[np.searchsorted(times, asked, side="left")]


def _rank(observed: pd.DataFrame) -> Callable[[Array], Array]:
    durations = np.sort(observed["duration"].to_numpy())

    def middle(asked: Array) -> Array:
        first, last = (np.searchsorted(durations, asked, side) for side in ("left", "right"))
        found: Array = (first + last + 1) / 2
        return found

    return middle


_TRANSFORMS: dict[str, Callable[[pd.DataFrame], Callable[[Array], Array]]] = {
    "km": _km,
    "rank": _rank,
    "identity": lambda observed: lambda times: times,
    "log": lambda observed: np.log,
}
