"""Kinds of data that have stopped coming."""

from __future__ import annotations

import datetime as dt

import pandas as pd

TIMES = 2  # as long without rows as the longest gap so far, to be no such gap again
LEAST = 5  # days with rows, to know the gaps
BACK = 730  # days in which gaps are looked for


def find(days: pd.DataFrame, as_of: dt.date, missing_days: int | None) -> pd.DataFrame:
    """Find kinds of data that have had no row for `missing_days`, and for TIMES their longest gap.

    What comes once a quarter is not missing after 90 days; what came every day is.

    days : one row per table and day with rows: table, day; missing_days : None: nothing is missing

    Returns
    -------
    One row per table: table, days (since its last row).
    """
    found = []
    ago = (pd.Timestamp(as_of) - pd.to_datetime(days["day"])).dt.days
    for table, each in ago[ago < BACK].groupby(days["table"]):
        gap = each.sort_values().diff().max()
        since = int(each.min())
        if missing_days and len(each) >= LEAST and since >= max(missing_days, TIMES * gap):
            found.append({"table": table, "days": since})
    return pd.DataFrame(found, columns=["table", "days"])
