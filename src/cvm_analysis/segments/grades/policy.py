"""The effective grade: the grade of a customer from review to review, by the rules of a policy.

A score changes every day; a grade changes on review dates only, at once to the grade of the score
(over several grades if need be), unless a rule of a `Policy` keeps it. The rule is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from cvm_analysis.arrays import Bools, Ints
from cvm_analysis.segments.grades.grade import NOT_GRADED
from cvm_analysis.segments.grades.points import DECIMALS
from cvm_analysis.segments.scores import score as reached
from cvm_analysis.typed import settings

FIRST, SAME, UP, DOWN = "first", "same", "up", "down"
MARGIN, MIN_STAY = "kept_margin", "kept_min_stay"
PROTECTION, NOTICE = "kept_protection", "kept_notice"
GIVEN = (FIRST, UP, DOWN)  # decisions that assign a grade
_DECISIONS = (NOT_GRADED, FIRST, SAME, UP, DOWN, MARGIN, MIN_STAY, PROTECTION, NOTICE)
_NONE, _LONG_AGO = -1, 1_000_000

Thresholds = Mapping[str, float]


@settings
class Policy:
    """How slowly grades change; all zero: the effective grade is always the one by score.

    min_stay : reviews after a change in which there is no other
    protection : reviews after an upgrade in which there is no downgrade
    notice : reviews in a row below the grade before the one that downgrades the customer
    margin : points beyond the threshold that a change needs, up as well as down
    """

    min_stay: Annotated[int, Field(ge=0)] = 0
    protection: Annotated[int, Field(ge=0)] = 0
    notice: Annotated[int, Field(ge=0)] = 0
    margin: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 0.0


def replay(scores: pd.DataFrame, thresholds: Sequence[Thresholds], policy: Policy) -> pd.DataFrame:
    """Replay the reviews in order and assign every customer their effective grade.

    At the first review with a score the grade is the one by score. Later the customer rises to
    the best grade whose threshold the score exceeds by `margin` points, and falls to the best grade
    whose threshold it misses by no more than that.
    A review without a score changes nothing: the last grade stays, it neither adds to nor
    interrupts reviews in a row below the grade, but it counts as a review that has passed.

    scores : one row per customer, one column per review date in order; 0..100, NaN: no score then
    thresholds : for each of these dates, grade -> least score, best first; the last grade is for
        all others. Where a new version lacks a customer's grade, they are graded as at first.

    Returns
    -------
    One row per customer and date, indexed by customer_id and day.
    score_grade : grade by score; `not_graded` without a score
    grade : effective grade; `not_graded` if there was never a score
    review_decision : first, same, up, down; kept_margin, kept_min_stay, kept_protection,
        kept_notice: the first of these rules that keeps the grade; not_graded
    """
    every = sorted({grade for each in thresholds for grade in each})
    shape = (len(scores), len(thresholds))
    none, never, zero = (np.full(len(scores), value) for value in (_NONE, _LONG_AGO, 0))
    state = _State(none, never, never, zero)
    score_grade, grade, decision = (np.empty(shape, dtype=np.int8) for _ in range(3))
    for at, each in enumerate(thresholds):
        levels = np.array([*(every.index(name) for name in [*each][::-1]), _NONE])  # worst first
        place = np.full(len(every) + 1, _NONE)  # of each grade, and of none, among these levels
        place[levels[:-1]] = range(len(each))
        values = scores.iloc[:, at]
        state = replace(state, level=place[state.level])
        state, decision[:, at] = _review(state, values, each, policy)
        state = replace(state, level=levels[state.level])
        score_grade[:, at], grade[:, at] = levels[_level(values, each, 0.0)], state.level
    names, reasons = (np.array(codes, dtype=object) for codes in ([*every, NOT_GRADED], _DECISIONS))
    columns = {"score_grade": names[score_grade], "grade": names[grade]}
    columns["review_decision"] = reasons[decision]
    index = pd.MultiIndex.from_product([scores.index, scores.columns], names=["customer_id", "day"])
    return pd.DataFrame({name: cells.ravel() for name, cells in columns.items()}, index)


def reviews_to_rise(history: pd.DataFrame, policy: Policy) -> pd.Series:
    """Count the reviews until each customer's grade may rise: 1 is the next one.

    It is more while `min_stay` holds; protection and notice delay downgrades only.

    history : customer_id and review_decision of each review, those of a customer in order
    """
    ago = history.groupby("customer_id").cumcount(ascending=False)
    changed = history["review_decision"].isin([UP, DOWN])
    last = ago[changed].groupby(history["customer_id"]).min()
    known = last.reindex(pd.unique(history["customer_id"])).fillna(_LONG_AGO)
    return (policy.min_stay - known + 1).clip(lower=1).astype(int).rename_axis("customer_id")


@dataclass(frozen=True)
class _State:
    """What a review needs from the earlier ones, one entry per customer.

    level: within a review rising from 0, the last grade; between reviews the place in the list of
    all grades; -1: never graded.
    """

    level: Ints
    since_change: Ints  # reviews since the last change
    since_up: Ints
    below: Ints  # reviews in a row with a score below the grade


def _review(
    state: _State, values: pd.Series, thresholds: Thresholds, policy: Policy
) -> tuple[_State, Ints]:
    """One review: the state after it, and for each customer the place in _DECISIONS."""
    margins = (0.0, policy.margin, -policy.margin)
    by_score, up, down = (_level(values, thresholds, margin) for margin in margins)
    level, scored = state.level, by_score != _NONE
    first = scored & (level == _NONE)
    old = scored & ~first
    above, under = old & (up > level), old & (down < level)
    below = np.where(under, state.below + 1, np.where(old, 0, state.below))
    young = state.since_change < policy.min_stay
    safe, noted = state.since_up < policy.protection, below <= policy.notice
    decision = _first_true(
        {
            NOT_GRADED: ~scored,
            FIRST: first,
            SAME: by_score == level,
            MARGIN: ~above & ~under,
            MIN_STAY: young,
            PROTECTION: under & safe,
            NOTICE: under & noted,
            UP: above,
            DOWN: under,
        }
    )
    went_up, went_down = decision == _DECISIONS.index(UP), decision == _DECISIONS.index(DOWN)
    changed = went_up | went_down
    after = _State(
        np.select([first, went_up, went_down], [by_score, up, down], level),
        np.where(changed, 0, state.since_change + 1),
        np.where(went_up, 0, state.since_up + 1),
        np.where(changed | first, 0, below),
    )
    return after, decision


def _first_true(conditions: Mapping[str, Bools]) -> Ints:
    """The first decision whose condition is true, for each customer."""
    places = [_DECISIONS.index(name) for name in conditions]
    return np.select(list(conditions.values()), places, _NONE)


def _level(values: pd.Series, thresholds: Thresholds, margin: float) -> Ints:
    """The level reached with so many points to spare: 0 is the last grade; -1 without a score.

    A grade that ties make impossible is reached together with the next better one.
    """
    cuts = (pd.Series(thresholds, dtype=float).ffill().iloc[:-1] + margin).round(DECIMALS)
    return np.where(values.isna(), _NONE, reached(values, cuts.to_numpy()).to_numpy() - 1)
