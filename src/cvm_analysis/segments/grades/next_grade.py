"""The next grade of each customer under the policy, and the cheapest change that earns it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cvm_analysis.segments.grades import grade, points
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard

ROUNDED = 0.4999 * 10.0**-points.DECIMALS  # so much less than the score needed still reaches it
ALMOST = 1e-9  # steps; so much more than a whole number is that number


def find_next(
    scores: pd.Series, last: pd.Series, thresholds: Mapping[str, float], margin: float
) -> pd.DataFrame:
    """Find the grade above each customer's effective grade, and the score that it takes.

    A customer rises at a review if the score exceeds the threshold by `margin`; one without a grade
    yet, or with a grade that the scorecard no longer has, is graded by the score alone. A grade
    that ties make impossible is passed over.

    scores : one per graded customer, 0..100
    last : effective grade after the last review; customers without one may be missing
    thresholds : as `grade.thresholds` makes them
    margin : points; see `policy.Policy`

    Returns
    -------
    One row per graded customer; next_grade : code, None for the best possible grade; score_needed :
    empty where there is no next grade, or where it would be more than 100
    """
    names, least = [*thresholds][::-1], np.array([*thresholds.values(), np.nan])
    least[:-1] = least[-2::-1]  # worst first, like the names
    held = last.reindex(scores.index)
    is_held = held.isin(names)
    level = held.where(is_held, grade.assign(scores, thresholds)).map(names.index).to_numpy(int)
    at = np.array([_next_possible(least, place) for place in range(len(names))])[level]
    needed = (least[at] + np.where(is_held, margin, 0.0)).round(points.DECIMALS)
    found = {"next_grade": np.array([*names, None], dtype=object)[at]}
    found["score_needed"] = np.where(needed <= 100, needed, np.nan)
    return pd.DataFrame(found, scores.index)


def cheapest(
    card: Scorecard, measures: pd.DataFrame, scores: pd.Series, needed: pd.Series
) -> pd.DataFrame:
    """Find the cheapest change of one value with which each customer has the score needed.

    With points p and weight w of an indicator, and known weight K of the customer, it needs
    p + (score_needed - score) x K / w points; the value with that many is the band's edge, or the
    point on the scale, and the change is rounded up to whole steps. With `per` it is `column` that
    changes. A missing value cannot be improved. Of equal costs the first indicator is taken.
    A column that two indicators use is priced for the one alone.

    card : fitted
    measures : one row per customer, those of the scores
    scores : as `points.score` makes them; needed : score_needed of `find_next`

    Returns
    -------
    One row per graded customer
        indicator : code of the one to change; value, to_value : of its column, now and changed;
        cost : in the config's currency; all are empty where the score suffices, no score is
        needed, or no single change is enough
    """
    graded = scores.reindex(measures.index)
    own, graded = measures[graded.notna()], graded[graded.notna()]
    least = needed.reindex(graded.index)
    least = least.where(least > graded)
    assigned = points.assign_points(card, own)
    short = (least - points.contributions(card, assigned).sum(axis=1)).to_numpy()
    known = points.known_weight(card, assigned).to_numpy()
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
    return best.replace({"cost": {np.inf: np.nan}})


def _next_possible(least: np.ndarray, place: int) -> int:
    """The place of the next better grade with a threshold; the last place, of none, without."""
    better = np.flatnonzero(~np.isnan(least[place + 1 :]))
    return place + 1 + int(better[0]) if len(better) else len(least) - 1


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
