"""Retention, renewal and repurchase rates by segment and calendar month.

Retention: of the contracts running at the start of the month, the share that still ran at its end.
Renewal: of the contracts due for renewal in the month, the share renewed; a contract is due every
`term_months` after its start. Repurchase: of the customers who bought in the 365 days up to the end
of the month, the share who bought on two or more of them.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

ALL = "all"  # every segment together
RETENTION, RENEWAL, REPURCHASE = "retention", "renewal", "repurchase"
YEAR = 365  # days in which a repurchase counts
_GRACE = pd.Timedelta(3, "D")  # an end so close to the day a contract is due is no renewal
_COLUMNS = ["rate", "segment", "month", "n_due", "n_kept"]


def rates(
    contracts: pd.DataFrame,
    as_of: dt.date,
    days: pd.DataFrame | None = None,
    first_day: dt.date | None = None,
    segment: pd.Series | None = None,
    n_months: int = 12,
) -> pd.DataFrame:
    """Compute the rates of the last complete months.

    Parameters
    ----------
    contracts : columns of table `contracts`; those of a table of tenures have no days and are left
        out
    days : customer_id, day; one row per customer and day with a purchase by `as_of`
    first_day : the first day of sales; a repurchase rate needs a year of them
    segment : today's segment of each customer; others count among all only

    Returns
    -------
    Table `rates`: one row per rate, segment and month in which anybody was due; month is its first
    day.
    """
    end = pd.Period(as_of, "M") if _is_last(as_of) else pd.Period(as_of, "M") - 1
    months = [(each.start_time, each.end_time.normalize())
              for each in pd.period_range(end=end, periods=n_months, freq="M")]  # fmt: skip
    dated = _dated(contracts)
    days = pd.DataFrame(columns=["customer_id", "day"]) if days is None else days
    bought = days.assign(day=pd.to_datetime(days["day"]))
    segment = pd.Series(dtype=object) if segment is None else segment
    found = [
        *((RETENTION, start, _retained(dated, start, last)) for start, last in months),
        *((RENEWAL, start, _renewed(dated, start)) for start, _ in months),
        *(
            (REPURCHASE, start, _repurchased(bought, last))
            for start, last in months
            if last - pd.Timedelta(YEAR - 1, "D") >= pd.Timestamp(first_day or as_of)
        ),
    ]
    tables = [_by_segment(rows, segment).assign(rate=rate, month=start)
              for rate, start, rows in found if len(rows)]  # fmt: skip
    return pd.concat(tables)[_COLUMNS] if tables else pd.DataFrame(columns=_COLUMNS)


def _is_last(day: dt.date) -> bool:
    return (day + dt.timedelta(days=1)).day == 1


def _dated(contracts: pd.DataFrame) -> pd.DataFrame:
    """Contracts whose days are known, as times; observed is the day from which each is."""
    tenure = contracts.get("tenure", pd.Series(np.nan, contracts.index))
    rows = contracts[tenure.isna()]
    started = pd.to_datetime(rows["started_on"])
    observed = pd.to_datetime(rows.get("observed_from", started)).fillna(started)
    return pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "started": started,
            "ended": pd.to_datetime(rows["ended_on"]).fillna(pd.Timestamp.max.normalize()),
            "observed": observed,
            "term": rows.get("term_months", pd.Series(np.nan, rows.index)).astype(float),
        }
    )


def _retained(dated: pd.DataFrame, start: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    """One row per contract running at the start of the month: customer_id, kept."""
    running = dated[(dated["started"] < start) & (dated["observed"] <= start)]
    running = running[running["ended"] >= start]
    return running[["customer_id"]].assign(kept=running["ended"] > last)


def _renewed(dated: pd.DataFrame, start: pd.Timestamp) -> pd.DataFrame:
    """One row per contract due for renewal in the month: customer_id, kept."""
    began = dated["started"].dt
    passed = (start.year - began.year) * 12 + start.month - began.month
    rows = dated[(passed > 0) & (passed % dated["term"] == 0)]
    last = (start + pd.offsets.MonthEnd(0)).day
    day = rows["started"].dt.day.clip(upper=last)
    due = start + pd.to_timedelta(day - 1, unit="D")
    rows = rows[(rows["ended"] >= due - _GRACE) & (rows["observed"] <= due)]
    return rows[["customer_id"]].assign(kept=rows["ended"] > due.loc[rows.index] + _GRACE)


def _repurchased(bought: pd.DataFrame, last: pd.Timestamp) -> pd.DataFrame:
    """One row per customer who bought in the year up to a day: customer_id, kept."""
    year = bought[(bought["day"] <= last) & (bought["day"] > last - pd.Timedelta(YEAR, "D"))]
    n = year.groupby("customer_id")["day"].nunique()
    return (n > 1).rename("kept").reset_index()


def _by_segment(rows: pd.DataFrame, segment: pd.Series) -> pd.DataFrame:
    """Count all rows, and those of each segment: segment, n_due, n_kept."""
    named = rows.assign(segment=rows["customer_id"].map(segment))
    both = pd.concat([rows.assign(segment=ALL), named.dropna(subset="segment")])
    return both.groupby("segment")["kept"].agg(n_due="size", n_kept="sum").reset_index()
