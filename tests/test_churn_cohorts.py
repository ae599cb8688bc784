"""Cohorts are compared at the same age; a change is the sum of its parts."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.churn import cohorts

END = dt.date(2025, 12, 31)


def bought(**days):
    rows = [(who, pd.Timestamp(day)) for who, each in days.items() for day in each]
    return pd.DataFrame(rows, columns=["customer_id", "day"])


def test_silence_is_judged_at_the_same_age_by_what_was_known_then():
    """On the day a year after 2023-01-10, b's last purchase is 59 days old, a's 365, c's 180."""
    days = bought(
        a=["2023-01-10", "2024-01-11"],
        b=["2023-01-10", "2023-11-12"],
        c=["2023-01-10", "2023-07-14"],
        d=["2024-05-01"],
        e=["2025-01-01"],
    )
    table = cohorts.inactive_by_cohort(days, END, 180)
    assert table.index.tolist() == ["2023Q1", "2024Q2"]
    assert table["n_customers"].tolist() == [3, 1]
    assert table["inactive"].tolist() == pytest.approx([2 / 3, 1])
    assert cohorts.inactive_by_cohort(days, END, 181)["inactive"].iloc[0] == pytest.approx(1 / 3)


def test_a_quarter_counts_when_its_last_customer_has_the_age():
    days = bought(a=["2024-10-01"], b=["2024-07-01"])
    assert cohorts.inactive_by_cohort(days, dt.date(2025, 9, 30), 180).index.tolist() == ["2024Q3"]
    assert cohorts.inactive_by_cohort(days, dt.date(2025, 9, 29), 180).empty
    assert cohorts.inactive_by_cohort(days, END, 180).index.tolist() == ["2024Q3", "2024Q4"]


def test_later_purchases_are_not_known():
    days = bought(a=["2023-02-01"], b=["2023-02-01", "2023-03-01"])
    later = bought(a=["2026-01-01"], z=["2026-01-02"])
    both = pd.concat([days, later], ignore_index=True)
    pd.testing.assert_frame_equal(
        cohorts.inactive_by_cohort(both, END, 180), cohorts.inactive_by_cohort(days, END, 180)
    )


def test_the_interval_is_wilsons():
    """10 of 50: 11.2 % to 33.0 %, as tables of Wilson's interval give."""
    low, high = cohorts._wilson(pd.Series([0.2, 0.0]), pd.Series([50, 10]))
    assert low[0] == pytest.approx(0.1124, abs=5e-5) and high[0] == pytest.approx(0.3304, abs=5e-5)
    assert low[1] == 0 and high[1] == pytest.approx(0.2775, abs=5e-5)


def side(**groups):
    rows = [(g, float(i < quiet)) for g, (n, quiet) in groups.items() for i in range(n)]
    return pd.DataFrame(rows, columns=["channel", "inactive"])


def test_a_change_is_what_groups_did_and_what_their_sizes_did():
    """Shop: half of 100, then half of 300; web: 10 of 100, then 20 of 100."""
    before, now = side(shop=(100, 50), web=(100, 10)), side(shop=(300, 150), web=(100, 20))
    found = cohorts.compare(before, now, "channel")
    assert (found.before, found.now) == (pytest.approx(0.30), pytest.approx(170 / 400))
    assert found.within == pytest.approx(0.10 * (0.5 + 0.25) / 2)
    assert found.mix == pytest.approx(0.25 * 0.5 - 0.25 * 0.15)
    assert found.within + found.mix == pytest.approx(found.now - found.before)
    assert found.groups.index.tolist() == ["web", "shop"]
    assert found.groups["change"].tolist() == pytest.approx([0.1, 0.0])
    assert found.groups.loc["shop", ["n_before", "n_now"]].tolist() == [100, 300]


def test_a_group_that_came_or_went_is_mix():
    found = cohorts.compare(side(shop=(50, 10)), side(shop=(50, 10), web=(50, 40)), "channel")
    assert found.within == 0 and found.mix == pytest.approx(0.5 - 0.2)
    assert np.isnan(found.groups.loc["web", "inactive_before"])
    assert found.groups.loc["web", "n_before"] == 0


def test_who_is_followed_had_bought_lately_and_their_silence_is_what_came():
    """Of a (bought on the last day), b (a day after) and c (a year ago) c no longer counts."""
    day = dt.date(2025, 1, 31)
    people = pd.DataFrame({"days_since_last": [10, 364, 365]}, index=["a", "b", "c"])
    days = bought(a=["2025-07-30"], b=["2025-01-31", "2025-07-31"], c=["2025-02-01"])
    found = cohorts.follow_up(people, days, day, 180)
    assert found["inactive"].to_dict() == {"a": 0.0, "b": 1.0}
    assert "inactive" not in people


def test_with_nobody_on_one_of_the_days_nothing_is_said_to_have_changed():
    there = side(store=(3, 1))
    for pair in ((there.head(0), there), (there, there.head(0))):
        found = cohorts.compare(*pair, "channel")
        assert np.isnan(found.now - found.before) and np.isnan(found.mix)


def test_two_days_a_year_apart_of_which_the_horizon_is_over():
    found = cohorts.days_to_compare(END, 180)
    assert found == (dt.date(2024, 7, 4), dt.date(2025, 7, 4))
