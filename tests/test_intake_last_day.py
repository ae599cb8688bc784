"""A last day cut short is told from one that is quiet for another reason."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.intake.last_day import find_incomplete

WEEK = [60, 60, 60, 60, 60, 30, 0]  # Monday to Sunday
END = "2026-03-11"  # a Wednesday


def shop(n_last=None, end=END, week=WEEK, weeks=12, last_hour=0.0, hours=0.0):
    """A shop with the same buyers every week, but for its last day."""
    days = pd.date_range(end=end, periods=7 * weeks)
    n = np.array([week[day.weekday()] for day in days])
    found = pd.DataFrame({"n_buyers": n, "last_hour": hours}, index=days)
    if n_last is not None:
        found.iloc[-1] = [n_last, last_hour]
    return found


def test_four_hours_of_trade_are_not_a_day():
    found = find_incomplete(shop(25))
    assert found == (dt.date(2026, 3, 11), 25, 60.0)


def test_without_any_sale_there_is_no_last_day():
    assert find_incomplete(shop().iloc[:0]) is None


@pytest.mark.parametrize("n", [30, 31, 60, 200])
def test_half_of_the_usual_buyers_or_more_is_a_day(n):
    assert find_incomplete(shop(n)) is None


def test_a_weekday_is_compared_with_its_own_kind():
    saturday = "2026-03-14"
    assert find_incomplete(shop(end=saturday)) is None, "30 buyers, half of those of a Friday"
    assert find_incomplete(shop(14, end=saturday)) is not None
    assert find_incomplete(shop(1, end="2026-03-15")) is None, "Sundays are closed, usually"


def test_the_day_after_a_closed_one_is_judged_by_the_open_ones():
    assert find_incomplete(shop(20, end="2026-03-16")) is not None


def test_days_of_few_buyers_are_not_judged():
    few = [19, 19, 19, 19, 19, 9, 0]
    assert find_incomplete(shop(0, week=few)) is None
    assert find_incomplete(shop(0, week=[20, *few[1:]], end="2026-03-09")) is not None


def test_as_quiet_a_day_in_the_eight_weeks_before_explains_it():
    days = shop(25)
    days.loc["2026-02-11", "n_buyers"] = 25
    assert find_incomplete(days) is None
    days = shop(25, weeks=20)
    days.loc["2025-12-31", "n_buyers"] = 25  # ten weeks before
    assert find_incomplete(days) is not None


def test_slower_business_is_not_an_incomplete_day():
    days = shop(25)
    days.loc["2026-03-06":"2026-03-10", "n_buyers"] //= 2
    assert find_incomplete(days) is None, "25 of 60 after 30 of 60"
    assert find_incomplete(days.iloc[:-1]) is None


def test_sales_until_closing_time_make_a_quiet_day_complete():
    assert find_incomplete(shop(25, last_hour=17.9, hours=17.5)) is None
    assert find_incomplete(shop(25, last_hour=12.8, hours=17.5)) is not None
    assert find_incomplete(shop(0, last_hour=np.nan, hours=17.5)) is not None, "only returns so far"


def test_dates_without_times_are_judged_by_their_numbers():
    assert find_incomplete(shop(25, last_hour=0.0, hours=0.0)) is not None
    days = shop(25, last_hour=12.8, hours=17.5)
    days.loc["2026-02-11", "last_hour"] = 0.0  # a file without times
    assert find_incomplete(days) is not None


def test_records_of_eight_weeks_or_less_are_not_judged():
    assert find_incomplete(shop(1, weeks=8)) is None
    assert find_incomplete(shop(1, weeks=9)) is not None
    assert find_incomplete(shop(1).tail(1)) is None


def test_closed_days_need_no_row_and_rows_no_order():
    days = shop(25)
    shuffled = days[days["n_buyers"] > 0].sample(frac=1, random_state=1)
    assert find_incomplete(shuffled) == find_incomplete(days) is not None


def misjudged(log):
    """Days of a log that would count as incomplete, were the log to end with them."""
    n = log.groupby("day")["customer_id"].nunique()
    days = pd.DataFrame({"n_buyers": n, "last_hour": 0.0})
    ends = days.index[days.index >= days.index[0] + pd.Timedelta(weeks=8)]
    return [day for day in ends if find_incomplete(days.loc[:day])]


def test_of_the_490_days_of_cdnow_one_would_be_misjudged(full_cdnow_log):
    """26 March 1997: its customers were recruited until the 25th, so every later day has fewer."""
    log = full_cdnow_log.rename(columns={"date": "day"})
    assert misjudged(log) == [pd.Timestamp("1997-03-26")]


def test_online_retail_ends_before_one_o_clock_and_no_other_day_is_misjudged(online_retail):
    assert str(online_retail["at"].max()) == "2011-12-09 12:50:00"
    assert misjudged(online_retail) == [pd.Timestamp("2011-12-09")]
