"""Transactions in which customers repeat themselves: the past, then copies of its days."""

from __future__ import annotations

import datetime as dt

from ibis import ir


def with_copied_days(transactions: ir.Table, copies: ir.Table, before: dt.date) -> ir.Table:
    """Order lines up to `before`, and after it the lines of the days that are copied.

    Parameters
    ----------
    transactions : one row per order line
    copies : one row per day that is repeated: customer_id, copy_of (a day of a purchase), day (the
        new one, after `before`)
    before : the last day that stays as it was

    Returns
    -------
    One row per order line, columns of `transactions`. A copied line is a purchase again: returns
    are not copied, and an order_id gets the new day added, so that it is an order of its own.
    """
    bought_on = transactions.ordered_at.date()
    past = transactions.filter(bought_on <= before)
    lines = past.filter(past.amount > 0).mutate(copy_of=lambda t: t.ordered_at.date())
    again = lines.inner_join(copies, ["customer_id", "copy_of"])
    moved = {"ordered_at": again.day.cast("timestamp")}
    if "order_id" in transactions.columns:
        moved["order_id"] = again.order_id + "@" + again.day.cast("string")
    for late in {"promised_on", "delivered_on"} & set(transactions.columns):
        moved[late] = again[late] + (again.day.delta(again.copy_of, unit="day")).as_interval("D")
    copied = again.mutate(**moved).select(*transactions.columns)
    return past.union(copied.cast(transactions.schema()))
