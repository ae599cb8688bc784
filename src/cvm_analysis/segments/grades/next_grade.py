"""What the next grade takes: for each customer the cheapest single change that reaches it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cvm_analysis.segments.grades import points
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard

ROUNDED = 0.4999 * 10.0**-points.DECIMALS  # so much less than a limit still counts as reaching it
ALMOST = 1e-9  # steps; so much more than a whole number of them is that number


def cheapest(
    card: Scorecard, measures: pd.DataFrame, scores: pd.Series, limits: Mapping[str, float]
) -> pd.DataFrame:
    """Find each graded customer's next grade, and the cheapest change of one value that reaches it.

    With points p and weight w of an indicator, and known weight K of the customer, it needs
    p + points_to_next x K / w points; the value worth that many is the band's edge, or the point
    on the scale, and the change is rounded up to whole steps. With `per` it is `column` that
    changes. A missing value cannot be improved. Of equal costs the indicator named first is taken.
    A column that a second indicator looks at is priced as if only the first did.

    Parameters
    ----------
    card : settled
    measures : one row per customer, those the scores were made of
    scores : as `points.score` makes them
    limits : as `grade.thresholds` settles them

    Returns
    -------
    One row per graded customer; all columns empty for who has the best grade there is
        next_grade : code; points_to_next : from the score to its limit
        indicator : code of the one to change; value, to_value : of its column, now and changed;
        cost : in the config's currency; these four are empty where no single change is enough
    """
    graded = scores.reindex(measures.index)
    own, graded = measures[graded.notna()], graded[graded.notna()]
    names, least = _next(graded, limits)
    given = points.assign_points(card, own)
    short = (least - points.contributions(card, given).sum(axis=1)).to_numpy()
    known = points.known_weight(card, given).to_numpy()
    found = pd.DataFrame(
        {"next_grade": names, "points_to_next": (least - graded).round(points.DECIMALS)}
    )
    best: dict[str, np.ndarray] = _nothing(len(graded))
    for each in card.indicators:
        if each.unit_cost is None:
            continue
        now = given[each.code].to_numpy()
        exact, rounded = (now + (short - less) * known / each.weight for less in (0.0, ROUNDED))
        value, to_value = _change(each, own, exact, rounded)
        best = _cheaper(best, each, value, to_value)
    return found.assign(**best)


def _next(scores: pd.Series, limits: Mapping[str, float]) -> tuple[pd.Series, pd.Series]:
    """The next better grade of each customer and its limit; empty for who has the best."""
    possible = [(least, grade) for grade, least in limits.items() if not math.isnan(least)][::-1]
    at = np.searchsorted([least for least, _ in possible], scores.to_numpy(float), side="right")
    grades = np.array([*(grade for _, grade in possible), None], dtype=object)[at]
    least = np.array([*(least for least, _ in possible), np.nan])[at]
    return pd.Series(grades, scores.index, dtype=object), pd.Series(least, scores.index)


def _nothing(n: int) -> dict[str, np.ndarray]:
    empty = {column: np.full(n, np.nan) for column in ("value", "to_value", "cost")}
    return {"indicator": np.full(n, None, dtype=object), **empty}


def _change(
    each: Indicator, measures: pd.DataFrame, exact: np.ndarray, rounded: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The value of each customer's column, and the one that is worth the points needed; NaN: none.

    exact : points needed; rounded : the fewest that rounding of the score still lets pass
    """
    value = points.numbers(measures, each.column)[0]
    divisor = points.numbers(measures, each.per)[0] if each.per else np.ones(len(measures))
    sign = 1 if each.better == "high" else -1
    goal = _edge(each, rounded) if each.scale is None else _on_scale(each.scale, exact, rounded)
    needed = _at_least(goal, divisor, sign)
    to_value = needed
    if each.step is not None:
        steps = np.ceil(sign * (needed - value) / each.step - ALMOST)
        to_value = sign * np.maximum(sign * (value + sign * steps * each.step), sign * needed)
    return value, np.where(divisor > 0, to_value, np.nan)


def _edge(each: Indicator, needed: np.ndarray) -> np.ndarray:
    """The value at the edge of the nearest band worth the points needed."""
    if not each.bands:
        return np.full(len(needed), np.nan)
    values, worth = np.array(sorted(each.bands, key=lambda band: band[1]), dtype=float).T
    return np.append(values, np.nan)[np.searchsorted(worth, needed, side="left")]


def _on_scale(scale: tuple[float, float], exact: np.ndarray, rounded: np.ndarray) -> np.ndarray:
    worst, best = scale
    goal = worst + np.minimum(exact, 100) / 100 * (best - worst)
    return np.where(rounded <= 100, goal, np.nan)


def _at_least(goal: np.ndarray, divisor: np.ndarray, sign: int) -> np.ndarray:
    """The column's value of which the share is no worse than the goal, to the last digit."""
    found = goal * divisor
    worse = sign * (found / np.where(divisor > 0, divisor, np.nan) - goal) < 0
    return np.where(worse, np.nextafter(found, sign * np.inf), found)


def _cheaper(
    best: dict[str, np.ndarray], each: Indicator, value: np.ndarray, to_value: np.ndarray
) -> dict[str, np.ndarray]:
    cost = np.abs(to_value - value) * (each.unit_cost or 0.0)
    cheaper = cost < np.where(np.isnan(best["cost"]), np.inf, best["cost"])
    code = np.full(len(cost), each.code, dtype=object)
    new = {"indicator": code, "value": value, "to_value": to_value, "cost": cost}
    return {column: np.where(cheaper, new[column], best[column]) for column in best}
