"""What else was known of customers on a day: imported figures, and what their spend goes to."""

from __future__ import annotations

import datetime as dt

import ibis
from ibis import ir

from cvm_analysis.customers.table import as_value, order_of

_PARTS = 4  # of customers: more parts need less memory and more time


def latest(indicators: ir.Table, date: dt.date | ir.DateValue) -> ir.Table:
    """One row per customer and imported figure: customer_id, name, value (the latest by `date`)."""
    known = indicators.filter(indicators["at"] <= date)
    found = known.group_by("customer_id", "name").aggregate(value=known.value.argmax(known["at"]))
    return found.order_by("customer_id", "name")


def rfm_measures(transactions: ir.Table, date: dt.date) -> ir.Table:
    """One row per customer with a line by `date`: what RFM scores look at, quickly.

    Returns
    -------
    customer_id, days_since_last, n_orders, net_sales, as in table `customers`, whose other
    columns cost several times as much to make.
    """
    known = transactions.filter(transactions.ordered_at.date() <= date)
    orders = known.group_by("customer_id", order=order_of(known)).aggregate(
        at=known.ordered_at.max(where=known.amount > 0), spend=known.amount.sum()
    )
    return orders.group_by("customer_id").aggregate(
        days_since_last=ibis.literal(date).delta(orders["at"].max().date(), unit="day"),
        n_orders=orders["at"].count(),
        net_sales=orders.spend.sum().cast("float64"),
    )


def histories(transactions: ir.Table, date: dt.date | ir.DateValue) -> ir.Table:
    """One row per customer who bought by `date`: what the models of purchases look at, quickly.

    Customers are looked at in parts, one after the other: that holds less in memory at a time.

    Returns
    -------
    customer_id, x, t_x, T, spend_per_repeat_day, as in table `customers`, whose other columns cost
    several times as much to make.
    """
    part = _hash(transactions.customer_id.cast("string")) % _PARTS
    seen = ibis.union(*(_seen(transactions.filter(part == each), date) for each in range(_PARTS)))
    return seen.select(
        "customer_id",
        "x",
        t_x=seen["last"].delta(seen["first"], unit="day") / 7,
        T=as_value(date).delta(seen["first"], unit="day") / 7,
        spend_per_repeat_day=seen.later.cast("float64") / seen.x.nullif(0),
    )


def _seen(transactions: ir.Table, date: dt.date | ir.DateValue) -> ir.Table:
    """One row per customer who bought by `date`: x, first and last day, spend after the first."""
    day = transactions.ordered_at.date()
    bought = transactions.filter(day <= date, transactions.amount > 0)
    days = bought.group_by("customer_id", day=bought.ordered_at.date()).aggregate(
        spend=bought.amount.sum()
    )
    return days.group_by("customer_id").aggregate(
        x=days.count() - 1,
        first=days.day.min(),
        last=days.day.max(),
        later=days.spend.sum() - days.spend.argmin(days.day),
    )


@ibis.udf.scalar.builtin(name="hash", signature=(("string",), "uint64"))
def _hash(text: str) -> int:
    """A number that only `text` decides, by DuckDB's function of that name."""
    raise NotImplementedError


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
