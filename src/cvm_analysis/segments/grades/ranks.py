"""The rank of each customer's grade on a day, by what was known on that day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import pandas as pd

from cvm_analysis.segments.grades import grade, points, scorecard
from cvm_analysis.segments.grades.scorecard import Scorecard


def rank_on_days(
    cards: Mapping[str, Sequence[Scorecard]],
    measures: Sequence[pd.DataFrame],
    days: Sequence[dt.date],
) -> list[pd.Series]:
    """Rank the grades of each of several days, each customer among those of the same type.

    cards : customer type -> versions of its scorecard
    measures : one table per day, with customer_type
    """
    return [_rank_by_type(cards, each, day) for each, day in zip(measures, days, strict=True)]


def _rank_by_type(
    cards: Mapping[str, Sequence[Scorecard]], measures: pd.DataFrame, day: dt.date
) -> pd.Series:
    found = [
        grade_rank_at(cards.get(str(kind), ()), same, day)
        for kind, same in measures.groupby("customer_type")
    ]
    none = pd.Series(float("nan"), measures.index, name="grade")
    return pd.concat(found).reindex(measures.index) if found else none


def grade_rank_at(cards: Sequence[Scorecard], measures: pd.DataFrame, day: dt.date) -> pd.Series:
    """Rank the grade by score of each customer of a type: 0 is the lowest grade, then 1, 2, ...

    Bins and quotas are learned from the customers of that day; the policy on grade changes is not
    applied.

    cards : versions of the type's scorecard; none: nobody is graded
    measures : one row per customer of the type as of the day, with the columns the cards name

    Returns
    -------
    Same index, named grade; empty if not graded, or where no version was valid yet.
    """
    begun = [card for card in cards if card.valid_from <= day]
    if not begun or measures.empty:
        return pd.Series(float("nan"), measures.index, name="grade")
    card = points.fit_bins(scorecard.valid_on(begun, day), measures)
    scores = points.score(card, measures)
    of_all = grade.assign(scores, grade.thresholds(card, scores))
    rank = {code: float(place) for place, code in enumerate(reversed(list(card.grades)))}
    return of_all.map(rank).astype(float).rename("grade")
