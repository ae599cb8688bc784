"""What a report shows of grades: the mix, the quotas, and who is closest to the next grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cvm_analysis.segments.grades.grade import NOT_GRADED
from cvm_analysis.segments.grades.scorecard import Scorecard


def grade_shares(grades: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """One row per customer type: n_customers, and the share with each grade, the best first.

    grades : table `grades`; order : all grades, best first
    """
    counts = pd.crosstab(grades["customer_type"], grades["grade"])
    columns = [grade for grade in (*order, NOT_GRADED) if grade in counts]
    n = counts.sum(axis=1).rename("n_customers")
    shares = counts[columns].div(n, axis=0).add_prefix("share_")
    return shares.join(n).sort_values("n_customers")[::-1]


def compare_quotas(grades: pd.DataFrame, cards: Mapping[str, Sequence[Scorecard]]) -> pd.DataFrame:
    """Compare the quota of each grade with its share by score, and after the review rules.

    Review rules keep grades for a while, so that the effective shares differ from the quotas; in a
    region, so do the shares by score, because the thresholds are the company's.

    grades : table `grades`; cards : customer type -> versions of its scorecard

    Returns
    -------
    One row per type with graded customers and grade of its scorecard, best first: customer_type,
    grade, quota (empty where grades are set in points), score_share (of the customers with a score
    today), grade_share (of those with an effective grade), n_customers (with it)
    """
    rows = []
    for kind, versions in cards.items():
        own = grades[grades["customer_type"] == kind]
        valid = {pd.Timestamp(card.valid_from): card for card in versions}
        if own["version"].isna().all():
            continue
        card = valid[own["version"].max()]
        by_score, effective = (_graded_shares(own[c]) for c in ("score_grade", "grade"))
        counts = own["grade"].value_counts()
        for grade, least in card.grades.items():
            quota = least if card.by_quota else float("nan")
            shares = (by_score.get(grade, 0.0), effective.get(grade, 0.0))
            rows.append((kind, grade, quota, *shares, int(counts.get(grade, 0))))
    columns = ["customer_type", "grade", "quota", "score_share", "grade_share", "n_customers"]
    return pd.DataFrame(rows, columns=columns)


def _graded_shares(grades: pd.Series) -> pd.Series:
    """Share of each grade among the customers who have one."""
    return grades[grades != NOT_GRADED].value_counts(normalize=True)


def most_common_type(grades: pd.DataFrame) -> str:
    """Find the type of most customers in table `grades`; empty if there are none."""
    return str(next(iter(grades["customer_type"].value_counts().index), ""))


def can_rise(grades: pd.DataFrame) -> pd.Series:
    """Tell who in table `grades` can rise at the next review by a better score than today's."""
    return (grades["points_to_next"] > 0) & (grades["reviews_to_next"] == 1)


def closest_to_next(grades: pd.DataFrame, customer_type: str, n: int) -> pd.DataFrame:
    """Pick the `n` customers of a type who need the fewest points to rise at the next review.

    grades : table `grades`; the highest score comes first
    """
    of_type = grades[(grades["customer_type"] == customer_type) & can_rise(grades)]
    return of_type.nsmallest(n, "points_to_next").sort_values("score", ascending=False)


def contributions(points: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """One row per customer, one column per indicator: its part of the score, the largest first.

    points : table `grade_points`; customers : rows of table `grades`
    """
    wide = points["contribution"].unstack().reindex(customers.index).dropna(axis=1, how="all")
    return wide[wide.mean().sort_values(ascending=False, kind="stable").index]


def latest_thresholds(reference: Mapping[str, Any], customers: pd.DataFrame) -> dict[str, float]:
    """Find today's least score of each grade for customers of one type; {} if there are none.

    reference : as `Reviewed.reference`; customers : rows of table `grades`
    """
    if customers.empty:
        return {}
    version = f"{customers['version'].iloc[0]:%Y-%m-%d}"
    by_day = reference[customers["customer_type"].iloc[0]][version]["limits"]
    return dict(by_day[max(by_day)])
