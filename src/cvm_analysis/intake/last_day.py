"""The last complete day of the sales: files written during a day end with a part of it.

A last day counts as incomplete if all of this holds. "As usual" is the median number of buyers on
the same weekday of the eight weeks before; days that usually have fewer than 20 are not judged.

- It has less than half of the buyers usual for its weekday, and fewer than on any of the eight.
- It has, of its usual number, less than three quarters of what any of the six days before had of
  theirs: business that has become slower for a while is not an incomplete day.
- Where sales have a time of day, its last sale comes earlier than that of any of the eight days: a
  quiet holiday with sales until the evening is complete.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import ibis
import numpy as np
import pandas as pd
from ibis import ir

from cvm_analysis.arrays import Array

DAYS = 100  # before the last one; more than are compared
WEEKS = 8  # of the same weekday
LEAST = 20  # usual buyers of a day, below which chance alone may halve them
SHARE = 0.5  # of the usual buyers
OF_OTHERS = 0.75  # of the share that any of the six days before had


class Incomplete(NamedTuple):
    """An incomplete last day: its buyers, and the usual number on that weekday."""

    day: dt.date
    n_buyers: int
    usual: float


def count_buyers(sales: ir.Table, last: dt.date) -> pd.DataFrame:
    """One row per day with an accepted line, as `find_incomplete` takes it.

    sales : with rule; last : the last of their days
    """
    begin = ibis.literal(last - dt.timedelta(days=DAYS), "timestamp")
    accepted = sales.filter(sales.rule.isnull(), sales.ordered_at >= begin)
    days = accepted.group_by(day=accepted.ordered_at.date()).aggregate(
        n_buyers=accepted.customer_id.nunique(where=accepted.amount > 0),
        last=accepted.ordered_at.max(where=accepted.amount > 0),
    )
    found = days.to_pandas().set_index("day")
    found.index = pd.to_datetime(found.index)
    last_sale = pd.to_datetime(found["last"]) - found.index.to_series()
    return found.assign(last_hour=last_sale.dt.total_seconds() / 3600).drop(columns="last")


def find_incomplete(days: pd.DataFrame) -> Incomplete | None:
    """Return the last day of the sales if it is incomplete, else None.

    days : one row per day with a sale, indexed by day (Timestamp), in any order
        n_buyers : customers with a purchase
        last_hour : hours from midnight to the last purchase; 0 or empty where times are not known
    """
    if days.empty:
        return None
    every = pd.date_range(days.index.min(), days.index.max())
    if len(every) <= 7 * WEEKS:
        return None
    n = days["n_buyers"].reindex(every, fill_value=0).to_numpy(float)
    hour = days["last_hour"].reindex(every).fillna(0.0).to_numpy(float)
    usual, before = float(np.median(_same_weekday(n))), n[-2:-8:-1]
    if usual < LEAST or n[-1] >= SHARE * usual or n[-1] >= _same_weekday(n).min():
        return None
    if n[-1] / usual >= OF_OTHERS * _shares(n, before).min(initial=np.inf):
        return None
    if hour[-1] > 0 and 0 < _same_weekday(hour).min() <= hour[-1]:
        return None
    return Incomplete(every[-1].date(), int(n[-1]), usual)


def _same_weekday(n: Array, days_ago: int = 0) -> Array:
    """Values of the same weekday in the weeks before a day."""
    here = len(n) - 1 - days_ago
    return n[[here - 7 * week for week in range(1, WEEKS + 1) if here >= 7 * week]]


def _shares(n: Array, before: Array) -> Array:
    """Buyers of the days before as shares of the usual number, where that is large enough."""
    usual = np.array([np.median(_same_weekday(n, i)) for i in range(1, len(before) + 1)])
    return before[usual >= LEAST] / usual[usual >= LEAST]
