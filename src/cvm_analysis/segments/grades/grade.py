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
    cuts = shares.cut_points(scores, [share.as_integer_ratio() for share in below])[::-1]
    possible = [math.nan if cut in cuts[:i] else cut for i, cut in enumerate(cuts)]
    return dict(zip(names, [*possible, 0.0], strict=True))


def assign(scores: pd.Series, thresholds: Mapping[str, float]) -> pd.Series:
    """Assign the best grade whose threshold each score reaches; `not_graded` for NaN.

    scores : one per customer, 0..100
    thresholds : least score of each grade, best first, as `thresholds` makes them; NaN: impossible
    """
    least = pd.Series(thresholds, dtype=float).dropna()[::-1]
    names = np.array([NOT_GRADED, *least.index], dtype=object)
    values = scores.to_numpy(float)
    reached = np.searchsorted(least.to_numpy(), values, side="right")
    codes = names[np.where(np.isnan(values), 0, reached)]
    return pd.Series(codes, index=scores.index, name="grade", dtype=object)
