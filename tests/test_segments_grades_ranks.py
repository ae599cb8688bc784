"""A rank is the grade by score of that day's customers, the higher the better."""

import datetime as dt

import numpy as np
import pandas as pd

from cvm_analysis.segments.grades import ranks
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard

DAY = dt.date(2025, 6, 30)


def card(valid_from=dt.date(2024, 1, 1), better="high"):
    spend = Indicator("spend", "spend", 1.0, better=better, bins=10)
    return Scorecard("retail", valid_from, (spend,), {"A": 0.1, "B": 0.3, "C": 0.6}, by_quota=True)


def people(n=100):
    ids = [f"c{i:03d}" for i in range(n)]
    return pd.DataFrame({"spend": np.arange(n, dtype=float)}, index=ids)


def test_the_best_tenth_rank_highest_and_quotas_are_kept():
    found = ranks.grade_rank_at([card()], people(), DAY)
    assert found.value_counts().to_dict() == {0.0: 60, 1.0: 30, 2.0: 10}
    assert found.is_monotonic_increasing


def test_only_that_days_customers_count():
    found = ranks.grade_rank_at([card()], people().head(10), DAY)
    assert found.value_counts().to_dict() == {0.0: 6, 1.0: 3, 2.0: 1}


def test_the_version_of_the_day_is_used():
    later = card(DAY + dt.timedelta(days=1), better="low")
    assert ranks.grade_rank_at([card(), later], people(), DAY).iloc[-1] == 2
    assert ranks.grade_rank_at([card(), later], people(), DAY + dt.timedelta(days=1)).iloc[-1] == 0


def test_ungraded_customers_have_no_rank():
    some = people()
    some.loc["c000"] = np.nan
    assert ranks.grade_rank_at([card()], some, DAY).isna().sum() == 1
    assert ranks.grade_rank_at([], people(), DAY).isna().all()
    assert ranks.grade_rank_at([card(DAY + dt.timedelta(days=9))], people(), DAY).isna().all()
    assert ranks.grade_rank_at([card()], people().head(0), DAY).empty


def test_each_day_has_its_own_customers_and_version():
    days = [DAY, DAY + dt.timedelta(days=1)]
    cards = {"retail": [card(), card(days[1], better="low")]}
    known = people().assign(customer_type="retail")
    found = ranks.rank_on_days(cards, [known, known.head(10)], days)
    assert [each.iloc[0] for each in found] == [0, 2] and [len(each) for each in found] == [100, 10]


def test_customers_are_ranked_among_those_of_their_type():
    """The best of each half is in the highest grade of the half; a type without a card has none."""
    kinds = ["retail"] * 50 + ["dealer"] * 40 + ["project"] * 10
    known = people().assign(customer_type=kinds)
    cards = {"retail": [card()], "dealer": [card()]}
    (found,) = ranks.rank_on_days(cards, [known], [DAY])
    assert found.index.equals(known.index)
    for kind in ("retail", "dealer"):
        own = known[known["customer_type"] == kind]
        alone = ranks.grade_rank_at([card()], own, DAY)
        assert found[own.index].tolist() == alone.tolist()
    assert found[90:].isna().all()
    (none,) = ranks.rank_on_days(cards, [known.head(0)], [DAY])
    assert none.empty
