"""Whom to save first: by value at risk, when late for their own rhythm; and how well that did."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.churn import watchlist
from cvm_analysis.churn.forecasts import Trial
from cvm_analysis.errors import InputError

DAY = dt.date(2025, 6, 30)


def test_the_first_to_save_have_most_at_risk():
    customers = pd.DataFrame(
        {
            "margin_at_stake": [5.0, 9, 0, np.nan, 9],
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
    columns = {"x": x, "gap_median_days": gap, "gap_last_days": last_gaps, "last_order": last}
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


def test_who_is_due_before_the_next_list_is_on_this_one():
    on = pd.to_datetime(["2025-06-30", "2025-07-10", "2025-08-01", None])
    people = pd.DataFrame({"contact_on": on, "margin_at_stake": 1.0}, index=list("abcd"))
    found = watchlist.select(people, dt.date(2025, 6, 10), 9, days=30)
    assert found.index.tolist() == ["a", "b"]


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
    worth = pd.DataFrame(
        {"p_alive": [np.nan, np.nan, np.nan, 0.5], "expected_margin": [100.0, 100, -50, 100],
         "margin_at_stake": [0.0, 0, 0, 7]}, index=list("abcd"),
    )  # fmt: skip
    risk = pd.Series([0.9, 0.3, 0.9, 0.9], list("abcd"))
    pace = pd.Series([0.4, 0.4, 0.4, 0.4], list("abcd"))
    found, notes = watchlist.margin_at_stake_without_drop_out(worth, risk, pace)
    assert found["margin_at_stake"].tolist() == pytest.approx([50, 0, 0, 7])
    assert [(note.code, note.have) for note in notes] == [("at_risk_without_drop_out", 3)]
    loss, _ = watchlist.margin_at_stake_without_drop_out(worth * -1, risk * 0, pace)
    assert loss.loc["b", "margin_at_stake"] == 0
    same, none = watchlist.margin_at_stake_without_drop_out(worth.loc[["d"]], risk, pace)
    assert same["margin_at_stake"].tolist() == [7] and none == []


def past():
    people = pd.DataFrame(
        {"expected_margin_if_retained": [60.0, 30, 8, 2, -5]}, index=list("abcde")
    )
    return people, pd.Series([1, 0, 1, 0, 1], list("abcde"))


def test_a_past_list_is_held_against_what_came():
    kept = watchlist.precision(*past(), pd.Index(["a", "b"]))
    assert kept == (2, 1, 5, 3, 68.0, 60.0)
    assert (kept.precision, kept.recall, kept.base) == (1 / 2, 1 / 3, 3 / 5)
    assert kept.value_recall == pytest.approx(60 / 68)


def test_a_list_of_all_finds_all_and_is_as_precise_as_chance():
    people, inactive = past()
    kept = watchlist.precision(people, inactive, people.index)
    assert kept.recall == kept.value_recall == 1 and kept.precision == kept.base


def test_an_empty_list_and_nobody_silent_have_no_share():
    people, inactive = past()
    kept = watchlist.precision(people, inactive * 0, people.index[:0])
    assert np.isnan([kept.precision, kept.recall, kept.value_recall]).all() and kept.base == 0


def test_outcomes_of_another_day_are_refused():
    people, inactive = past()
    with pytest.raises(InputError, match="1 of 5"):
        watchlist.precision(people, inactive.drop("e"), people.index)
    with pytest.raises(InputError, match="6 outcomes"):
        watchlist.precision(people, pd.concat([inactive, pd.Series([1], ["f"])]), people.index)
    with pytest.raises(InputError, match="1 on the list"):
        watchlist.precision(people, inactive, pd.Index(["a", "z"]))


def test_a_past_list_survives_the_table_of_trust():
    kept = watchlist.precision(*past(), pd.Index(["a", "b"]))
    rows = watchlist.backtest_rows(kept, "cox", 180)
    assert (rows["part"] == "watchlist").all() and len(rows) == 6
    table = rows.set_index(["part", "horizon_days", "model", "metric"]).sort_index()
    assert watchlist.from_backtest(table) == kept
    assert watchlist.from_backtest(table.rename({"watchlist": "churn"})) is None
    assert watchlist.backtest_rows(None, "cox", 180).empty


def of_a_day():
    """Five customers with a usual gap of 10 days and as much to lose, inactive for 3 to 30 days."""
    people = rhythm(last_gaps=[10] * 5)
    people["last_order"] = [DAY - dt.timedelta(days=n) for n in (3, 8, 12, 20, 30)]
    worth = pd.DataFrame(
        {
            "p_alive": [0.9] * 5,
            "expected_orders": 12.0,
            "expected_margin": 100.0,
            "expected_margin_if_retained": [120.0, 130, 140, 150, 160],
            "margin_at_stake": [20.0, 30, 40, 50, 60],
        },
        index=people.index,
    )
    return people, worth


def test_a_list_holds_who_is_late_before_the_next_one():
    people, worth = of_a_day()
    risk = pd.Series(0.5, people.index)
    stake, notes = watchlist.add_margin_at_stake(people, worth, risk, DAY, 52, 180)
    assert notes == [] and stake["margin_at_stake"].tolist() == [20, 30, 40, 50, 60]
    assert watchlist.select(stake, DAY, 9, days=0).index.tolist() == ["c4", "c3", "c2"]
    assert watchlist.select(stake, DAY, 9, days=2).index.tolist() == ["c4", "c3", "c2", "c1"]
    assert watchlist.select(stake, DAY, 2).index.tolist() == ["c4", "c3"]


def test_a_past_list_is_drawn_up_and_held_against_what_came():
    people, worth = of_a_day()
    inactive = pd.Series([1, 0, 0, 1, 1], people.index)
    trial = Trial(DAY, 180, pd.DataFrame({"cox": 0.5, "mean": 0.9}, people.index), inactive)
    found = watchlist.backtest(trial, "cox", people, worth, 52, 180, n=2)
    assert (found.listed, found.listed_inactive, found.customers, found.inactive) == (2, 2, 5, 3)
    assert found.value_recall == pytest.approx((150 + 160) / (120 + 150 + 160))
    assert watchlist.backtest(trial, "cox", people, worth.head(0), 52, 180) is None
    idle = worth.assign(margin_at_stake=0.0)
    assert watchlist.backtest(trial, "cox", people, idle, 52, 180) is None
    assert watchlist.backtest(None, "cox", people, worth, 52, 180) is None
