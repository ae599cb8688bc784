"""Periods that are compared with the same days a year before.

A year is 12 calendar months up to as_of, whatever the leap years: up to the end of a month it is 12
whole months. The log covers a period that begins at most SLACK days before its first sale, as shops
may have been closed on the first days.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd

from cvm_analysis.minimum_data import Note

SLACK = 6  # days
LATE_START = 31  # days of a compared year without a customer, that are noted
MOST_YEARS = 5
LEAST_QUARTERS = 5  # whole ones in the log; with fewer, periods are months
MOST_PERIODS = {"Q": 8, "M": 13}


def years(as_of: dt.date, first_day: dt.date) -> pd.DataFrame:
    """Years that the log covers whole, the last one first; none if it is shorter.

    first_day : of the log

    Returns
    -------
    One row per year: period (0 is the year up to as_of, 1 the one before), begins, ends.
    """
    ends = pd.Series([_months_before(as_of, 12 * n) for n in range(MOST_YEARS + 1)])
    found = pd.DataFrame({"begins": ends.shift(-1) + pd.Timedelta(days=1), "ends": ends})
    found = found.iloc[:-1].rename_axis("period").reset_index()
    return found[covers(first_day, found["begins"])]


def trend(as_of: dt.date, first_day: dt.date) -> pd.DataFrame:
    """Quarters, or months in a short log, up to as_of, each with the same days a year before.

    The last eight quarters or 13 months that the log covers from their first day; the last one may
    be incomplete. A log shorter than that has one period.

    Returns
    -------
    Two rows per period: period (a number), period_start, is_before, begins, ends. The log covers
    all days; a period without a row for the year before has no comparison.
    """
    last = pd.Timestamp(as_of)
    freq = "Q" if len(_whole_in_log(last, first_day, "Q")) >= LEAST_QUARTERS else "M"
    periods = pd.period_range(first_day, last, freq=freq)
    whole = periods[covers(first_day, periods.start_time)]
    chosen = (whole if len(whole) else periods[-1:])[-MOST_PERIODS[freq] :]
    starts = chosen.start_time
    ends = chosen.end_time.normalize().where(chosen.end_time <= last + pd.Timedelta(days=1), last)
    now = pd.DataFrame({"period_start": starts, "begins": starts, "ends": ends})
    before = now.assign(
        begins=[_months_before(day, 12) for day in starts],
        ends=[_months_before(day, 12) for day in ends],
    )
    before = before[covers(first_day, before["begins"])]
    found = pd.concat([now.assign(is_before=False), before.assign(is_before=True)])
    return found.reset_index(drop=True).rename_axis("period").reset_index()


def covers(first_day: dt.date, begins: pd.Series | pd.DatetimeIndex) -> pd.Series:
    """Tell of each period whether a log that begins on `first_day` covers it."""
    return begins >= pd.Timestamp(first_day) - pd.Timedelta(days=SLACK)


def notes(first_order: pd.Timestamp, years: pd.DataFrame) -> list[Note]:
    """Note a region whose first sale came long after the year before began, in days; or nothing.

    The log is the company's. A region that opened later, or whose records start later, has days
    without sales in the year before.

    first_order : of the region's customers; years : from `years`
    """
    late = [(first_order - begins).days for begins in years.loc[years["period"] == 1, "begins"]]
    return [Note("performance", "later_records", float(n)) for n in late if n > LATE_START]


def _whole_in_log(last: pd.Timestamp, first_day: dt.date, freq: str) -> pd.PeriodIndex:
    periods = pd.period_range(first_day, last, freq=freq)
    is_over = periods.end_time.normalize() <= last
    return periods[is_over & covers(first_day, periods.start_time)]


def _months_before(day: dt.date, months: int) -> pd.Timestamp:
    """The same day of an earlier month; the end of a month stays the end of a month."""
    now = pd.Timestamp(day)
    moved = now - pd.DateOffset(months=months)
    return moved + pd.offsets.MonthEnd(0) if now.is_month_end else moved
