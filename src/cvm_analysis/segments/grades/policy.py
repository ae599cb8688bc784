"""The effective grade: what a customer is told, review after review, by the rules of moving.

A score moves every day; a grade that moved with it would be worth nothing. It moves on review dates
only, goes at once to the grade that the score then says (over several grades if need be), and may
be held back by the rules of a `Policy`. What holds it back is said.
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
from cvm_analysis.segments.scores import score as reached
from cvm_analysis.typed import settings

FIRST, SAME, UP, DOWN = "first", "same", "up", "down"
MARGIN, MIN_STAY = "kept_margin", "kept_min_stay"
PROTECTION, NOTICE = "kept_protection", "kept_notice"
GIVEN = (FIRST, UP, DOWN)  # the reviews that give a customer a grade
_WHY = (NOT_GRADED, FIRST, SAME, UP, DOWN, MARGIN, MIN_STAY, PROTECTION, NOTICE)
_NONE, _LONG_AGO = -1, 1_000_000

Limits = Mapping[str, float]


@settings
class Policy:
    """How slowly grades move; all nought: the effective grade is always the one by score.

    min_stay : reviews after a move, up or down, in which there is no other
    protection : reviews after a move up in which there is no move down
    notice : reviews in a row below the grade before the one that moves the customer down
    margin : points beyond the limit that a move takes, up as well as down
    """

    min_stay: Annotated[int, Field(ge=0)] = 0
    protection: Annotated[int, Field(ge=0)] = 0
    notice: Annotated[int, Field(ge=0)] = 0
    margin: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 0.0


def replay(scores: pd.DataFrame, limits: Sequence[Limits], policy: Policy) -> pd.DataFrame:
    """Go through the reviews in order and give every customer their effective grade.

    At the first review with a score the grade is the one by score. Later the customer moves up to
    the best grade whose limit the score reaches with `margin` points to spare, and down to the
    best grade whose limit it misses by at most that; so without a margin to where the score says.
    A review without a score changes nothing: the grade given last stays, it neither adds to nor
    interrupts reviews in a row below the grade, but it is a review that passes.

    Parameters
    ----------
    scores : one row per customer, one column per review date in order; 0..100, NaN: no score then
    limits : for each of these dates, grade -> least score, best first; the last grade takes all.
        A new version may have other grades: who holds one it does not know is graded as at first.

    Returns
    -------
    One row per customer and date, indexed by customer_id and day.
    score_grade : grade the score says; `not_graded` where there is none
    grade : effective grade; `not_graded` for who never had a score
    why : first, same, up, down; kept_margin, kept_min_stay, kept_protection, kept_notice: the score
        says another grade, but the first of these rules that holds keeps this one; not_graded

    Raises
    ------
    ConfigError : the policy is impossible
    """
    every = sorted({grade for each in limits for grade in each})
    state = _start(len(scores))
    shape = (len(scores), len(limits))
    score_grade, grade, why = (np.empty(shape, dtype=np.int8) for _ in range(3))
    for at, each in enumerate(limits):
        levels = np.array([*(every.index(name) for name in [*each][::-1]), _NONE])  # worst first
        place = np.full(len(every) + 1, _NONE)  # of each grade, and of none, among these levels
        place[levels[:-1]] = range(len(each))
        values = scores.iloc[:, at]
        state = replace(state, level=place[state.level])
        state, why[:, at] = _review(state, values, each, policy)
        state = replace(state, level=levels[state.level])
        score_grade[:, at], grade[:, at] = levels[_level(values, each, 0.0)], state.level
    names, reasons = (np.array(codes, dtype=object) for codes in ([*every, NOT_GRADED], _WHY))
    columns = {
        "score_grade": names[score_grade],
        "grade": names[grade],
        "review_decision": reasons[why],
    }
    index = pd.MultiIndex.from_product([scores.index, scores.columns], names=["customer_id", "day"])
    return pd.DataFrame({name: cells.ravel() for name, cells in columns.items()}, index)


@dataclass(frozen=True)
class _State:
    """What a review must know of the earlier ones, one entry per customer.

    level: within a review rising from 0, the last grade; between reviews, where the next one may
    have other grades, the place in the list of all; -1: never graded.
    """

    level: Ints
    since_move: Ints  # reviews since the last move, up or down
    since_up: Ints
    below: Ints  # reviews in a row with a score below the grade


def _start(n: int) -> _State:
    never = np.full(n, _LONG_AGO)
    return _State(np.full(n, _NONE), never, never, np.zeros(n, dtype=int))


def _review(
    state: _State, values: pd.Series, limits: Limits, policy: Policy
) -> tuple[_State, Ints]:
    """One review: the state after it, and for each customer the place of the reason in _WHY."""
    said, up, down = (_level(values, limits, m) for m in (0.0, policy.margin, -policy.margin))
    level, scored = state.level, said != _NONE
    first = scored & (level == _NONE)
    old = scored & ~first
    above, under = old & (up > level), old & (down < level)
    below = np.where(under, state.below + 1, np.where(old, 0, state.below))
    young = state.since_move < policy.min_stay
    safe, noted = state.since_up < policy.protection, below <= policy.notice
    why = _reason(
        {
            NOT_GRADED: ~scored,
            FIRST: first,
            SAME: said == level,
            MARGIN: ~above & ~under,
            MIN_STAY: young,
            PROTECTION: under & safe,
            NOTICE: under & noted,
            UP: above,
            DOWN: under,
        }
    )
    went_up, went_down = why == _WHY.index(UP), why == _WHY.index(DOWN)
    moved = went_up | went_down
    after = _State(
        np.select([first, went_up, went_down], [said, up, down], level),
        np.where(moved, 0, state.since_move + 1),
        np.where(went_up, 0, state.since_up + 1),
        np.where(moved | first, 0, below),
    )
    return after, why


def _reason(holds: Mapping[str, Bools]) -> Ints:
    """The first reason that holds, for each customer."""
    return np.select(list(holds.values()), [_WHY.index(name) for name in holds], _NONE)


def _level(values: pd.Series, limits: Limits, margin: float) -> Ints:
    """The level reached with so many points to spare: 0 is the last grade; -1 without a score.

    A grade that ties left empty is reached together with the next better one.
    """
    cuts = pd.Series(limits, dtype=float).ffill().iloc[:-1] + margin
    return np.where(values.isna(), _NONE, reached(values, cuts.to_numpy()).to_numpy() - 1)
