"""What else was known of customers on a day: imported figures, and what their spend goes to."""

from __future__ import annotations

import datetime as dt

from ibis import ir


def latest(indicators: ir.Table, date: dt.date) -> ir.Table:
    """One row per customer and imported figure: customer_id, name, value (the latest by `date`)."""
    known = indicators.filter(indicators["at"] <= date)
    found = known.group_by("customer_id", "name").aggregate(value=known.value.argmax(known["at"]))
    return found.order_by("customer_id", "name")


def mix(transactions: ir.Table, column: str, date: dt.date) -> ir.Table:
    """One row per customer and value of a column of order lines (a category): what they bought.

    Returns
    -------
    customer_id, `column`, spend : sum of positive lines up to `date`, gross. Lines without a value
    are left out.
    """
    known = transactions.filter(
        transactions.ordered_at.date() <= date,
        transactions.amount > 0,
        transactions[column].notnull(),
    )
    found = known.group_by("customer_id", column).aggregate(
        spend=known.amount.sum().cast("float64")
    )
    return found.order_by("customer_id", column)
