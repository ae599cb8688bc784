"""Kinds of data that have stopped coming."""

from __future__ import annotations

import datetime as dt

import pandas as pd

LIKELY = 5  # rows to be expected of a kind of data before it counts as missing
YEAR = 365  # days


def find(days: pd.DataFrame, as_of: dt.date, missing_days: int | None) -> pd.DataFrame:
    """Find kinds of data without rows for `missing_days`, where LIKELY of them were to be expected.

    days : one row per table and day with rows: table, day, n_rows; missing_days : None: none

    Returns
    -------
    One row per table: table, days (since its last row).
    """
    if missing_days is None or days.empty:
        return pd.DataFrame(columns=["table", "days"])
    rows = days.assign(ago=(pd.Timestamp(as_of) - pd.to_datetime(days["day"])).dt.days)
    before = rows[(rows["ago"] >= missing_days) & (rows["ago"] < missing_days + YEAR)]
    expected = before.groupby("table")["n_rows"].sum() * missing_days / YEAR
    since = rows.groupby("table")["ago"].min()
    gone = since[(since >= missing_days) & (expected.reindex(since.index) >= LIKELY)]
    return gone.rename("days").reset_index()
