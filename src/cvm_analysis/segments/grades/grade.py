"""From scores to grades: by the points a grade needs, or by quota."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pandas as pd

from cvm_analysis.segments import scores as shares
from cvm_analysis.segments.grades.points import DECIMALS
from cvm_analysis.segments.grades.scorecard import NOT_GRADED, Scorecard

__all__ = ["NOT_GRADED", "assign", "thresholds"]
FINEST = 1_000_000  # shares are fractions with at most this denominator: 0.1 + 0.3 is 2 / 5


def thresholds(card: Scorecard, scores: pd.Series) -> dict[str, float]:
    """Find the least score of each grade, best first; the last one's is 0.

    By quota, a customer with a grade scores strictly better than at least the share of all lower
    grades; equal scores share the lower grade. So no more customers than asked for have a grade or
    a better one; a grade that ties make impossible has the threshold NaN.

    scores : one per customer, 0..100; NaN is not counted
    """
    if not card.by_quota:
        return {grade: round(float(least), DECIMALS) for grade, least in card.grades.items()}
    names = list(card.grades)
    exact = [Fraction(share) for share in list(card.grades.values())[::-1]]
    below = [share.limit_denominator(FINEST) for share in itertools.accumulate(exact[:-1])]
    cuts = shares.cut_points(scores, [share.as_integer_ratio() for share in below])
    return dict(zip(names, _without_empty(cuts[::-1]), strict=True))


def assign(scores: pd.Series, thresholds: Mapping[str, float]) -> pd.Series:
    """Assign the best grade whose threshold each score reaches; `not_graded` for NaN.

    scores : one per customer, 0..100
    thresholds : least score of each grade, best first, as `thresholds` makes them; NaN: impossible
    """
    possible = [(least, grade) for grade, least in thresholds.items() if not math.isnan(least)][
        ::-1
    ]
    names = np.array([NOT_GRADED, *(grade for _, grade in possible)], dtype=object)
    values = scores.to_numpy(float)
    reached = np.searchsorted([least for least, _ in possible], values, side="right")
    codes = names[np.where(np.isnan(values), 0, reached)]
    return pd.Series(codes, index=scores.index, name="grade", dtype=object)


def _without_empty(cuts: list[float]) -> list[float]:
    """Set equal thresholds to NaN but for the best grade; the last grade is for the rest."""
    found: list[float] = []
    for cut in cuts:
        found.append(float("nan") if cut in found else cut)
    return [*found, 0.0]
