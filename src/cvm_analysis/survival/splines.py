"""Restricted cubic splines for nonlinear effects, and the test whether an effect needs one.

Source: Harrell (2015), "Regression Modeling Strategies", 2nd ed., Springer, section 2.4.5 (the
spline, linear beyond its outer knots) and 2.4.6 (the places of the knots). Own code because
lifelines makes such curves of given knots (`cr`) but tests none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.survival import risk_sets
from cvm_analysis.survival.logrank import holm

_SHARES = ((0.05, 0.35, 0.65, 0.95), (0.10, 0.50, 0.90))  # of the rows below each knot
_MIN_CHANGE = 0.1  # of the log hazard (standard deviation), to be acted on
_LEVEL = 0.05  # of the test, after Holm

Knots = dict[str, tuple[float, ...]]  # feature -> where its pieces meet


def knots(values: pd.Series) -> tuple[float, ...]:
    """Choose four knots at quantiles, three where four would coincide, else none.

    None also for a feature with no more values than knots.
    """
    for shares in _SHARES:
        found = np.quantile(values, shares)
        if len(np.unique(found)) == len(shares) < values.nunique():
            return tuple(found.tolist())
    return ()


def terms(rows: pd.DataFrame, nonlinear: Mapping[str, tuple[float, ...]]) -> pd.DataFrame:
    """Return the features, nonlinear ones followed by their spline terms: age, age', age''."""
    columns: dict[str, Array] = {}
    for name in rows:
        values = rows[name].to_numpy()
        curves = _curves(values, nonlinear[name]) if name in nonlinear else []
        columns |= {name + "'" * k: column for k, column in enumerate([values, *curves])}
    return pd.DataFrame(columns, index=rows.index)


def term_feature(names: Iterable[str], nonlinear: Mapping[str, tuple[float, ...]]) -> pd.Series:
    """Return the feature of each term, indexed by term."""
    count = {name: max(len(nonlinear.get(name, ())) - 1, 1) for name in names}
    found = {name + "'" * k: name for name, n in count.items() for k in range(n)}
    return pd.Series(found, dtype=object)


def nonlinear_features(
    rows: pd.DataFrame, log_hazard: Array, observed: pd.DataFrame, room: int
) -> Knots:
    """Find nonlinear features and their knots, each tested against the linear model.

    Parameters
    ----------
    rows : the features of the model, one row each
    log_hazard : of each row, at the maximum of the linear model
    observed : the same rows: entry, duration, event, stratum
    room : how many more terms the events allow; the smallest p comes first

    Returns
    -------
    feature -> knots, for features whose spline terms pass the score test (5 %, Holm) and change the
    log hazard by 0.1 or more (standard deviation of the difference).
    """
    every = {name: found for name in rows if (found := knots(rows[name]))}
    if not every or room < 1:
        return {}
    found = _tested(rows, every, log_hazard, observed)
    clear = found[(holm(found["p"]) < _LEVEL) & (found["change"] >= _MIN_CHANGE)].sort_values("p")
    fits = clear["df"].cumsum() <= room
    return {name: every[name] for name in clear.index[fits]}


def _tested(
    rows: pd.DataFrame, every: Knots, log_hazard: Array, observed: pd.DataFrame
) -> pd.DataFrame:
    """One row per feature with knots: p and df of its spline terms, and their effect (change)."""
    from scipy.stats import chi2

    wide, owner = terms(rows, every), term_feature(rows, every)
    x = (wide - wide.mean()).to_numpy()
    gradient, information = risk_sets.total(risk_sets.build(x, log_hazard, observed))
    linear = [wide.columns.get_loc(name) for name in rows]
    table = {}
    for name in every:
        extra = [k for k, term in enumerate(wide) if owner[term] == name and term != name]
        used = linear + extra
        tested = np.arange(len(linear), len(used))
        chisq, step = risk_sets.score_statistic(
            gradient[used], information[np.ix_(used, used)], tested
        )
        bend, line = x[:, extra] @ step, x[:, wide.columns.get_loc(name)]
        change = np.std(bend - line * (line @ bend) / (line @ line))
        table[name] = (chi2.sf(chisq, len(extra)), len(extra), change)
    return pd.DataFrame.from_dict(table, orient="index", columns=["p", "df", "change"])


def _curves(values: Array, at: tuple[float, ...]) -> list[Array]:
    """The spline terms of a feature, 0 up to the first knot."""
    *inner, before, last = at
    unit = (last - at[0]) ** 2

    def cubed(knot: float) -> Array:
        part: Array = np.maximum(values - knot, 0.0)
        return part * part * part  # a power takes ten times as long

    end, end_before, gap = cubed(last), cubed(before), last - before
    return [
        (cubed(knot) - end_before * (last - knot) / gap + end * (before - knot) / gap) / unit
        for knot in inner
    ]
