"""The cheapest single change with which each customer reaches the next grade."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cvm_analysis.segments.grades import points
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard

ROUNDED = 0.4999 * 10.0**-points.DECIMALS  # so much less than a threshold still reaches it
ALMOST = 1e-9  # steps; so much more than a whole number is that number


def cheapest(
    card: Scorecard, measures: pd.DataFrame, scores: pd.Series, thresholds: Mapping[str, float]
) -> pd.DataFrame:
    """Find each graded customer's next grade, and the cheapest change of one value that reaches it.

    With points p and weight w of an indicator, and known weight K of the customer, it needs
    p + points_to_next x K / w points; the value with that many is the band's edge, or the point
    on the scale, and the change is rounded up to whole steps. With `per` it is `column` that
    changes. A missing value cannot be improved. Of equal costs the first indicator is taken.
    A column that two indicators use is priced for the one alone.

    card : fitted
    measures : one row per customer, those of the scores
    scores, thresholds : as `points.score` and `grade.thresholds` make them

    Returns
    -------
    One row per graded customer; all columns are empty for the best possible grade
        next_grade : code; points_to_next : from the score to its threshold
        indicator : code of the one to change; value, to_value : of its column, now and changed;
        cost : in the config's currency; these four are empty where no single change is enough
    """
    graded = scores.reindex(measures.index)
    own, graded = measures[graded.notna()], graded[graded.notna()]
    names, least = _next(graded, thresholds)
    assigned = points.assign_points(card, own)
    short = (least - points.contributions(card, assigned).sum(axis=1)).to_numpy()
    known = points.known_weight(card, assigned).to_numpy()
    found = pd.DataFrame(
        {"next_grade": names, "points_to_next": (least - graded).round(points.DECIMALS)}
    )
    best = pd.DataFrame({"indicator": None, "value": np.nan, "to_value": np.nan, "cost": np.inf},
                        own.index)  # fmt: skip
    for each in card.indicators:
        if each.unit_cost is None:
            continue
        now = assigned[each.code].to_numpy()
        exact, rounded = (now + (short - less) * known / each.weight for less in (0.0, ROUNDED))
        value, to_value = _change(each, own, exact, rounded)
        cost = np.abs(to_value - value) * each.unit_cost
        new = {"indicator": each.code, "value": value, "to_value": to_value, "cost": cost}
        cheaper = cost < best["cost"].to_numpy()
        best = best.assign(**{c: np.where(cheaper, new[c], best[c]) for c in best})
    return found.assign(**best.replace({"cost": {np.inf: np.nan}}))


def _next(scores: pd.Series, thresholds: Mapping[str, float]) -> tuple[pd.Series, pd.Series]:
    """The next better grade of each customer and its threshold; empty for the best grade."""
    least = pd.Series(thresholds, dtype=float).dropna()[::-1]
    at = np.searchsorted(least.to_numpy(), scores.to_numpy(float), side="right")
    grades = np.array([*least.index, None], dtype=object)[at]
    return pd.Series(grades, scores.index), pd.Series(np.append(least, np.nan)[at], scores.index)


def _change(
    each: Indicator, measures: pd.DataFrame, exact: np.ndarray, rounded: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The value of each customer's column now, and the one with the points needed; NaN: none.

    exact : points needed; rounded : the fewest that suffice after rounding of the score
    """
    value = points.numbers(measures, each.column)[0]
    divisor = points.numbers(measures, each.per)[0] if each.per else np.ones(len(measures))
    sign = 1 if each.better == "high" else -1
    goal = _edge(each, rounded) if each.scale is None else _on_scale(each.scale, exact, rounded)
    to_value = needed = _at_least(goal, divisor, sign)
    if each.step is not None:
        steps = np.ceil(sign * (needed - value) / each.step - ALMOST)
        to_value = sign * np.maximum(sign * (value + sign * steps * each.step), sign * needed)
    return value, np.where(divisor > 0, to_value, np.nan)


def _edge(each: Indicator, needed: np.ndarray) -> np.ndarray:
    """The value at the edge of the nearest band with the points needed."""
    if not each.bands:
        return np.full(len(needed), np.nan)
    values, in_points = np.array(sorted(each.bands, key=lambda band: band[1]), dtype=float).T
    return np.append(values, np.nan)[np.searchsorted(in_points, needed, side="left")]


def _on_scale(scale: tuple[float, float], exact: np.ndarray, rounded: np.ndarray) -> np.ndarray:
    worst, best = scale
    goal = worst + np.minimum(exact, 100) / 100 * (best - worst)
    return np.where(rounded <= 100, goal, np.nan)


def _at_least(goal: np.ndarray, divisor: np.ndarray, sign: int) -> np.ndarray:
    """The column's value whose share reaches the goal, to the last digit."""
    found = goal * divisor
    worse = sign * (found / np.where(divisor > 0, divisor, np.nan) - goal) < 0
    return np.where(worse, np.nextafter(found, sign * np.inf), found)
