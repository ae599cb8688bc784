"""Resampled transactions: the past, followed by copies of its days."""

from __future__ import annotations

import datetime as dt

from ibis import ir


def with_copied_days(transactions: ir.Table, copies: ir.Table, before: dt.date) -> ir.Table:
    """Order lines up to `before`, then copies of the purchases of some days.

    Returns are not copied. The new day is added to order_id, so that a copy is an order of its own.

    copies : one row per repeated day: customer_id, copy_of (a day with a purchase), day (the new
        one, after `before`)
    """
    bought_on = transactions.ordered_at.date()
    past = transactions.filter(bought_on <= before)
    lines = past.filter(past.amount > 0).mutate(copy_of=lambda t: t.ordered_at.date())
    again = lines.inner_join(copies, ["customer_id", "copy_of"])
    changed = {"ordered_at": again.day.cast("timestamp")}
    if "order_id" in transactions.columns:
        changed["order_id"] = again.order_id + "@" + again.day.cast("string")
    for date in {"promised_on", "delivered_on"} & set(transactions.columns):
        changed[date] = again[date] + (again.day.delta(again.copy_of, unit="day")).as_interval("D")
    copied = again.mutate(**changed).select(*transactions.columns)
    return past.union(copied.cast(transactions.schema()))
