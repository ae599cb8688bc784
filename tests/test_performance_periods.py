"""Years and quarters by the calendar, leap years included, and never before the log begins."""

import datetime as dt

import pandas as pd
import pytest

from cvm_analysis.performance import periods

LONG_AGO = dt.date(2010, 1, 1)


def spans(found):
    return [(f"{row.begins:%Y-%m-%d}", f"{row.ends:%Y-%m-%d}") for row in found.itertuples()]


@pytest.mark.parametrize(
    ("as_of", "last", "before", "before_last"),
    [
        ("2025-12-31", ("2025-01-01", "2025-12-31"), ("2024-01-01", "2024-12-31"),
         ("2023-01-01", "2023-12-31")),
        ("2024-02-29", ("2023-03-01", "2024-02-29"), ("2022-03-01", "2023-02-28"),
         ("2021-03-01", "2022-02-28")),
        ("2025-02-28", ("2024-03-01", "2025-02-28"), ("2023-03-01", "2024-02-29"),
         ("2022-03-01", "2023-02-28")),
        ("2024-02-28", ("2023-03-01", "2024-02-28"), ("2022-03-01", "2023-02-28"),
         ("2021-03-01", "2022-02-28")),
        ("2025-05-15", ("2024-05-16", "2025-05-15"), ("2023-05-16", "2024-05-15"),
         ("2022-05-16", "2023-05-15")),
    ],
)  # fmt: skip
def test_a_year_is_twelve_whole_months(as_of, last, before, before_last):
    found = periods.years(dt.date.fromisoformat(as_of), LONG_AGO)
    assert spans(found)[:3] == [last, before, before_last]
    assert len(found) == periods.MOST_YEARS and found["period"].tolist() == [0, 1, 2, 3, 4]


def test_years_follow_each_other_without_a_gap_and_have_all_their_days():
    for as_of in pd.date_range("2023-11-25", "2025-04-05"):
        found = periods.years(as_of.date(), LONG_AGO)
        days = (found["ends"] - found["begins"]).dt.days + 1
        assert days.between(365, 366).all() and found["ends"][0] == as_of, as_of
        later = (found["begins"] - pd.Timedelta(days=1)).tolist()[:-1]
        assert later == found["ends"].tolist()[1:], as_of


def test_a_year_that_began_before_the_log_is_none():
    as_of = dt.date(2025, 12, 31)
    assert len(periods.years(as_of, dt.date(2023, 1, 1))) == 3
    assert len(periods.years(as_of, dt.date(2023, 1, 7))) == 3  # closed in the first days
    assert len(periods.years(as_of, dt.date(2023, 1, 8))) == 2
    assert periods.years(as_of, dt.date(2025, 6, 1)).empty


def test_the_last_eight_quarters_each_with_the_same_days_a_year_before():
    found = periods.trend(dt.date(2024, 2, 29), dt.date(2021, 1, 1))
    now, before = found[~found["is_before"]], found[found["is_before"]]
    assert len(now) == len(before) == 8 and found["period"].tolist() == list(range(16))
    assert spans(now)[0] == ("2022-04-01", "2022-06-30")
    assert spans(now)[-1] == ("2024-01-01", "2024-02-29")  # incomplete
    assert spans(before)[0] == ("2021-04-01", "2021-06-30")
    assert spans(before)[-1] == ("2023-01-01", "2023-02-28")
    assert before["period_start"].tolist() == now["period_start"].tolist()


def test_a_comparison_that_the_log_does_not_cover_is_left_out():
    found = periods.trend(dt.date(2025, 12, 31), dt.date(2024, 4, 1))
    assert spans(found[~found["is_before"]])[0] == ("2024-04-01", "2024-06-30")
    assert spans(found[found["is_before"]]) == [
        ("2024-04-01", "2024-06-30"), ("2024-07-01", "2024-09-30"), ("2024-10-01", "2024-12-31"),
    ]  # fmt: skip


def test_a_log_of_fewer_than_five_whole_quarters_has_months():
    """Five quarters from October 2024; one day less, and the fifth is not whole."""
    whole = periods.trend(dt.date(2025, 12, 31), dt.date(2024, 10, 1))
    assert len(whole[~whole["is_before"]]) == 5
    found = periods.trend(dt.date(2025, 12, 30), dt.date(2024, 10, 1))
    now = found[~found["is_before"]]
    assert len(now) == 13 and spans(now)[0] == ("2024-12-01", "2024-12-31")
    assert spans(now)[-1] == ("2025-12-01", "2025-12-30")


def test_a_log_of_days_has_one_period():
    found = periods.trend(dt.date(2025, 5, 20), dt.date(2025, 5, 10))
    assert spans(found) == [("2025-05-01", "2025-05-20")]


def test_a_region_that_begins_within_the_year_before_is_noted():
    years = periods.years(dt.date(2025, 12, 31), dt.date(2023, 1, 1))
    noted = periods.notes(pd.Timestamp("2024-04-10"), years)
    assert [(note.code, note.have) for note in noted] == [("later_records", 100)]
    assert periods.notes(pd.Timestamp("2024-02-01"), years) == []
    assert periods.notes(pd.Timestamp("2024-04-10"), years.head(1)) == []
    assert periods.notes(pd.NaT, years) == []
