"""Effects that bend: a restricted cubic spline where a straight line misses what the data show.

Source: Harrell (2015), "Regression Modeling Strategies", 2nd ed., Springer, section 2.4.5 (the
spline, straight beyond its outer knots) and 2.4.6 (where the knots lie). A formula of lifelines
(`cr`) makes such curves of knots that are given; whether the data ask for any is told here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.survival import risk_sets
from cvm_analysis.survival.logrank import holm

_SHARES = ((0.05, 0.35, 0.65, 0.95), (0.10, 0.50, 0.90))  # of the rows below each knot
_MATTERS = 0.1  # a bend that moves the log hazard of the usual row by less does not
_LEVEL = 0.05  # of the test, after Holm

Knots = dict[str, tuple[float, ...]]  # feature -> where its pieces meet


def knots(values: pd.Series) -> tuple[float, ...]:
    """Four knots at quantiles, three where four would coincide; none where three would.

    Nor for a feature with no more values than knots: it has no shape between them.
    """
    for shares in _SHARES:
        found = np.quantile(values, shares)
        if len(np.unique(found)) == len(shares) < values.nunique():
            return tuple(found.tolist())
    return ()


def terms(rows: pd.DataFrame, nonlinear: Mapping[str, tuple[float, ...]]) -> pd.DataFrame:
    """The features, each that bends followed by its further terms: age, age', age''."""
    columns: dict[str, Array] = {}
    for name in rows:
        values = rows[name].to_numpy()
        curves = _curves(values, nonlinear[name]) if name in nonlinear else []
        columns |= {name + "'" * k: column for k, column in enumerate([values, *curves])}
    return pd.DataFrame(columns, index=rows.index)


def term_feature(names: Iterable[str], nonlinear: Mapping[str, tuple[float, ...]]) -> pd.Series:
    """The feature each term belongs to, indexed by term."""
    count = {name: max(len(nonlinear.get(name, ())) - 1, 1) for name in names}
    found = {name + "'" * k: name for name, n in count.items() for k in range(n)}
    return pd.Series(found, dtype=object)


def nonlinear_features(
    rows: pd.DataFrame, log_hazard: Array, observed: pd.DataFrame, room: int
) -> Knots:
    """Which features bend, and their knots: each tested against the model without any bend.

    Parameters
    ----------
    rows : the features of the model, one row each
    log_hazard : of each row, at the maximum without bends
    observed : the same rows: entry, duration, event, stratum
    room : how many more terms the events can tell; the clearest bends come first

    Returns
    -------
    feature -> knots, for features whose further terms pass the score test (5 %, Holm over the
    features) and matter: nonlinear and straight differ by 0.1 of the log hazard (standard deviation).
    """
    every = {name: found for name in rows if (found := knots(rows[name]))}
    if not every or room < 1:
        return {}
    found = _tested(rows, every, log_hazard, observed)
    matter = found[(holm(found["p"]) < _LEVEL) & (found["moved"] >= _MATTERS)].sort_values("p")
    fits = matter["df"].cumsum() <= room
    return {name: every[name] for name in matter.index[fits]}


def _tested(
    rows: pd.DataFrame, every: Knots, log_hazard: Array, observed: pd.DataFrame
) -> pd.DataFrame:
    """One row per feature with knots: p and df of its bend, and how far the bend moves rows."""
    from scipy.stats import chi2

    wide, owner = terms(rows, every), term_feature(rows, every)
    x = (wide - wide.mean()).to_numpy()
    gradient, information = risk_sets.total(risk_sets.build(x, log_hazard, observed))
    straight = [wide.columns.get_loc(name) for name in rows]
    table = {}
    for name in every:
        extra = [k for k, term in enumerate(wide) if owner[term] == name and term != name]
        used = straight + extra
        tested = np.arange(len(straight), len(used))
        chisq, step = risk_sets.score_statistic(
            gradient[used], information[np.ix_(used, used)], tested
        )
        bend, line = x[:, extra] @ step, x[:, wide.columns.get_loc(name)]
        moved = np.std(bend - line * (line @ bend) / (line @ line))
        table[name] = (chi2.sf(chisq, len(extra)), len(extra), moved)
    return pd.DataFrame.from_dict(table, orient="index", columns=["p", "df", "moved"])


def _curves(values: Array, at: tuple[float, ...]) -> list[Array]:
    """The terms that make a straight effect a cubic spline, 0 up to the first knot."""
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
