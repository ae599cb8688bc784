"""Tables of customers as of a day: imported indicators, RFM, histories, spend by group."""

from __future__ import annotations

import datetime as dt

import ibis
from ibis import ir

from cvm_analysis.customers.table import as_value, mean, order_of

_PARTS = 4  # of customers, a power of 2; more parts need less memory and more time


def latest(indicators: ir.Table, date: dt.date | ir.DateValue) -> ir.Table:
    """One row per customer and imported indicator: customer_id, name, value (latest by `date`).

    Several values on the last day: their mean, for a date does not say which came last.
    """
    past = indicators.filter(indicators["at"] <= date)
    days = past.group_by("customer_id", "name", "at").aggregate(value=mean(past.value))
    found = days.group_by("customer_id", "name").aggregate(value=days.value.argmax(days["at"]))
    return found.order_by("customer_id", "name")


def in_period(transactions: ir.Table, date: dt.date | ir.DateValue, days: int) -> ir.Table:
    """One row per customer with a line in the last `days` days up to `date`.

    customer_id, period_orders (distinct orders with a positive line), period_sales (net of returns)
    """
    ago = as_value(date).delta(transactions.ordered_at.date(), unit="day")
    recent = transactions.filter((ago >= 0) & (ago < days))
    found = recent.group_by("customer_id").aggregate(
        period_orders=order_of(recent).nunique(where=recent.amount > 0),
        period_sales=recent.amount.sum().cast("float64"),
    )
    return found.order_by("customer_id")


def rfm_measures(transactions: ir.Table, date: dt.date) -> ir.Table:
    """One row per customer with a line by `date`: the input of RFM scores.

    customer_id, days_since_last, n_orders, net_sales, as in table `customers` but faster.
    """
    past = transactions.filter(transactions.ordered_at.date() <= date)
    orders = past.group_by("customer_id", order=order_of(past)).aggregate(
        at=past.ordered_at.max(where=past.amount > 0), spend=past.amount.sum()
    )
    return orders.group_by("customer_id").aggregate(
        days_since_last=ibis.literal(date).delta(orders["at"].max().date(), unit="day"),
        n_orders=orders["at"].count(),
        net_sales=orders.spend.sum().cast("float64"),
    )


def net_sales(transactions: ir.Table, date: dt.date) -> ir.Table:
    """One row per customer with a line by `date`: customer_id, net_sales."""
    past = transactions.filter(transactions.ordered_at.date() <= date)
    found = past.group_by("customer_id").aggregate(net_sales=past.amount.sum().cast("float64"))
    return found.order_by("customer_id")


def histories(transactions: ir.Table, date: dt.date | ir.DateValue) -> ir.Table:
    """One row per customer who bought by `date`: the input of purchase models.

    customer_id, x, t_x, T, spend_per_repeat_day, as in table `customers` but several times faster,
    in parts of customers that need less memory.
    """
    part = transactions.customer_id.hash() & (_PARTS - 1)  # the remainder, also of hashes below 0
    days = ibis.union(
        *(_first_and_last(transactions.filter(part == each), date) for each in range(_PARTS))
    )
    return days.select(
        "customer_id",
        "x",
        t_x=days["last"].delta(days["first"], unit="day") / 7,
        T=as_value(date).delta(days["first"], unit="day") / 7,
        spend_per_repeat_day=days.later.cast("float64") / days.x.nullif(0),
    )


def _first_and_last(transactions: ir.Table, date: dt.date | ir.DateValue) -> ir.Table:
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


def mix(transactions: ir.Table, column: str, date: dt.date) -> ir.Table:
    """One row per customer and value of a column of order lines, such as category.

    customer_id, `column`, spend (gross sales up to `date`). Lines without a value are omitted.
    """
    past = transactions.filter(
        transactions.ordered_at.date() <= date,
        transactions.amount > 0,
        transactions[column].notnull(),
    )
    found = past.group_by("customer_id", column).aggregate(spend=past.amount.sum().cast("float64"))
    return found.order_by("customer_id", column)
