"""From scores to grades: by the points a grade needs, or by the share of customers that get it."""

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

__all__ = ["NOT_GRADED", "assign", "thresholds", "unreachable"]
FINEST = 1_000_000  # shares are fractions with at most this denominator: 0.1 + 0.3 is 2 / 5


def thresholds(card: Scorecard, scores: pd.Series) -> dict[str, float]:
    """Settle from which score on a customer gets each grade, best first; the last one's is 0.

    By quota, a grade is for who leaves at least the share of all lower grades strictly behind:
    equal scores go the same way, to the lower grade. So no more customers than asked for have a
    grade or a better one; a grade that ties let nobody have gets the limit NaN (`unreachable`).

    Parameters
    ----------
    scores : one per customer, 0..100; NaN is not counted
    """
    if not card.by_quota:
        return {grade: round(float(least), DECIMALS) for grade, least in card.grades.items()}
    names = list(card.grades)
    exact = [Fraction(share) for share in list(card.grades.values())[::-1]]
    below = [share.limit_denominator(FINEST) for share in itertools.accumulate(exact[:-1])]
    cuts = shares.cut_points(scores, [share.as_integer_ratio() for share in below])
    return dict(zip(names, _without_empty(cuts[::-1]), strict=True))


def unreachable(limits: Mapping[str, float]) -> list[str]:
    """Name the grades that ties let nobody have."""
    return [grade for grade, least in limits.items() if math.isnan(least)]


def assign(scores: pd.Series, limits: Mapping[str, float]) -> pd.Series:
    """Grade each customer: the best grade whose limit the score reaches; `not_graded` for NaN.

    Parameters
    ----------
    scores : one per customer, 0..100
    limits : least score of each grade, best first, as `thresholds` settles them; NaN: nobody gets
        it
    """
    possible = [(least, grade) for grade, least in limits.items() if not math.isnan(least)][::-1]
    names = np.array([NOT_GRADED, *(grade for _, grade in possible)], dtype=object)
    given = scores.to_numpy(float)
    reached = np.searchsorted([least for least, _ in possible], given, side="right")
    codes = names[np.where(np.isnan(given), 0, reached)]
    return pd.Series(codes, index=scores.index, name="grade", dtype=object)


def _without_empty(cuts: list[float]) -> list[float]:
    """Empty a grade whose limit is no lower than a better one's; the last grade is for the rest."""
    found: list[float] = []
    for cut in cuts:
        found.append(float("nan") if cut in found else cut)
    return [*found, 0.0]
