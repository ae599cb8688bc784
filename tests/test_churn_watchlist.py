"""Whom to call first: candidates by their own gaps, and what is at stake."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.churn import watchlist

DAY = dt.date(2025, 6, 30)


def test_the_list_starts_with_the_highest_priority():
    customers = pd.DataFrame(
        {
            "list_priority": [5.0, 9, 0, np.nan, 9],
            "reason_1": list("vwxyz"),
            "grade": list("ABCDE"),
        },
        index=list("ebdca"),
    )
    found = watchlist.top_n(customers, 3)
    assert found.index.tolist() == ["a", "b", "e"]
    assert found["rank"].tolist() == [1, 2, 3]
    assert found["reason_1"].tolist() == ["z", "w", "v"]
    assert found["grade"].tolist() == ["E", "B", "A"]
    assert watchlist.top_n(customers, 1).index.tolist() == ["a"]
    assert len(watchlist.top_n(customers, 99)) == 3
    assert "rank" not in customers


def rhythm(last_gaps=(10, 10, 10, 10, 10, 10, 10, 10, 10, 30), gap=10.0, x=8, last="2025-06-01"):
    n = len(last_gaps)
    columns = {
        "customer_type": "retail",
        "x": x,
        "gap_median_days": gap,
        "gap_last_days": last_gaps,
        "last_order": last,
    }
    return pd.DataFrame(columns, index=[f"c{i}" for i in range(n)])


def test_contact_makes_sense_when_nine_of_ten_gaps_are_over():
    """All have a usual gap of 10; nine of the last ten gaps are 10, one is 30: 90 % is 12 days."""
    due = watchlist.contact_on(rhythm(), dt.date(2025, 6, 2))
    assert set(due) == {pd.Timestamp("2025-06-13")}
    half = watchlist.contact_on(rhythm(), dt.date(2025, 6, 2), share=0.5)
    assert set(half) == {pd.Timestamp("2025-06-11")}


def test_nobody_is_late_before_one_usual_gap_is_over():
    due = watchlist.contact_on(rhythm(last_gaps=[3] * 10), dt.date(2025, 6, 2))
    assert set(due) == {pd.Timestamp("2025-06-11")}


def test_who_is_late_already_is_due_today():
    assert set(watchlist.contact_on(rhythm(), DAY)) == {pd.Timestamp(DAY)}


def test_a_customer_with_few_gaps_borrows_the_rhythm_of_all():
    """Bought once: the usual gap is that of all; bought twice: a gap of their own, two lent."""
    people = rhythm(last_gaps=[10] * 10)
    people.loc["c0", ["x", "gap_median_days", "gap_last_days"]] = [0, np.nan, np.nan]
    people.loc["c1", ["x", "gap_median_days", "gap_last_days"]] = [1, 40, 20]
    days = (watchlist.contact_on(people, dt.date(2025, 6, 2)) - pd.Timestamp("2025-06-01")).dt.days
    assert days["c0"] == 10 and days["c1"] == (40 + 2 * 10) / 3 and days["c2"] == 10


def test_where_nobody_bought_twice_no_rhythm_is_known():
    people = rhythm(last_gaps=[np.nan] * 3, gap=np.nan, x=0)
    assert watchlist.contact_on(people, DAY).isna().all()


def test_candidates_are_due_before_the_next_list_and_within_the_limit():
    on = pd.to_datetime(["2025-06-30", "2025-07-10", "2025-08-01", None, "2025-06-30"])
    people = pd.DataFrame(
        {"contact_on": on, "days_since_last": [9, 179, 9, 9, 180]}, index=list("abcde")
    )
    found = watchlist.is_candidate(people, dt.date(2025, 6, 10), 180, days=30)
    assert found.tolist() == [True, True, False, False, False]


def test_the_order_of_customers_does_not_matter():
    people = rhythm(last_gaps=list(range(5, 15)))
    due = watchlist.contact_on(people, dt.date(2025, 6, 2))
    pd.testing.assert_series_equal(
        watchlist.contact_on(people.iloc[::-1], dt.date(2025, 6, 2)).loc[due.index], due
    )


def test_at_the_customers_own_pace_silence_has_its_share():
    """Two a year: half a year without one has probability 1/e; the years cancel."""
    pace = watchlist.p_no_purchase_at_constant_rate(
        pd.Series([2.0, 4.0, 0.0]), weeks=52, horizon_days=182
    )
    assert pace.tolist() == pytest.approx([np.exp(-1), np.exp(-2), 1])


def test_only_risk_beyond_the_pace_counts_where_the_forecast_has_no_drop_out():
    """With q = 0.4 at the constant rate, a risk of 0.9 means that 0.5 / 0.6 have left."""
    q, weeks = 0.4, 52
    orders = -np.log(q) * 7 * weeks / 180
    worth = pd.DataFrame(
        {"p_alive": [np.nan, np.nan, np.nan, 0.5], "expected_margin": [100.0, 100, 100, 100],
         "expected_orders": orders, "margin_at_stake": [0.0, 0, 0, 7]}, index=list("abcd"),
    )  # fmt: skip
    risk = pd.Series([0.9, 0.3, 1.0, 0.9], list("abcd"))
    found, notes = watchlist.margin_at_stake(worth, risk, weeks, 180)
    assert found.tolist() == pytest.approx([100 * 0.5 / 0.6, 0, 100, 7])
    assert [(note.code, note.have) for note in notes] == [("at_risk_without_drop_out", 3)]
    same, none = watchlist.margin_at_stake(worth.loc[["d"]], risk, weeks, 180)
    assert same.tolist() == [7] and none == []


def test_the_next_order_is_expected_one_usual_gap_after_the_last():
    """Eight gaps of 10 and two lent ones of 10; bought once: the gap of the type."""
    people = rhythm()
    people.loc["c1", ["x", "gap_median_days"]] = [1, 40]
    people.loc["c2", ["x", "gap_median_days"]] = [0, np.nan]
    due = (watchlist.next_order_on(people) - pd.Timestamp("2025-06-01")).dt.days
    assert due[["c0", "c1", "c2"]].tolist() == [10, (40 + 2 * 10) / 3, 10]
    assert watchlist.next_order_on(rhythm(gap=np.nan, x=0)).isna().all()


def test_each_type_of_customer_has_its_own_rhythm():
    dealers = rhythm(last_gaps=[30] * 10, gap=30.0).add_prefix("").rename(lambda i: f"d{i}", axis=0)
    both = pd.concat([rhythm(last_gaps=[10] * 10), dealers.assign(customer_type="dealer")])
    apart = watchlist.contact_on(both, dt.date(2025, 6, 2)) - pd.Timestamp("2025-06-01")
    assert set(apart.dt.days[:10]) == {10} and set(apart.dt.days[10:]) == {30}


def test_sales_are_compared_with_the_year_before():
    people = pd.DataFrame(
        {"net_sales_365d": [150.0, 50, 20], "net_sales_change_365d": [50.0, -150, 20]}
    )
    found = watchlist.sales_change(people)
    assert found[:2].tolist() == [0.5, -0.75] and np.isnan(found[2])


def test_a_year_without_known_costs_has_the_assumed_margin():
    people = pd.DataFrame(
        {"net_sales_365d": [100.0, 200.0], "margin_365d": [30.0, np.nan]}, index=["a", "b"]
    )
    year = pd.DataFrame({"net_sales": [80.0, 400.0], "margin": [10.0, np.nan]}, index=["a", "b"])
    last, to_last = watchlist.yearly_margin(people, year, 0.4)
    assert last.tolist() == [30, 80] and to_last.tolist() == [10, 160]
    _, assumed = watchlist.yearly_margin(people, year[["net_sales"]], 0.4)
    assert assumed.tolist() == [32, 160]


@pytest.mark.parametrize(("customers", "length"), [(0, 0), (1, 1), (1000, 30), (20_000, 100)])
def test_the_list_is_three_percent_and_never_more_than_a_hundred(customers, length):
    assert watchlist.list_length(customers) == length


def test_overdue_accounts_are_counted_by_type():
    people = pd.DataFrame(
        {
            "customer_type": ["retail", "retail", "retail", "dealer"],
            "days_since_last": [10, 100, 300, 20],
            "net_sales_365d": [100.0, 50, 0, 900],
            "net_sales_change_365d": [50.0, 0, -100, -100],
        }
    )
    due = pd.DataFrame({"contact_on": pd.to_datetime(["2025-07-30", *["2025-06-30"] * 3])})
    found = watchlist.count_by_type(people, due, DAY, 180)
    assert found.index.tolist() == ["retail", "dealer"]
    assert found["n_customers"].tolist() == [2, 1] and found["overdue"].tolist() == [1, 1]
    assert found["sales_change"].tolist() == pytest.approx([-50 / 200, -100 / 1000])
