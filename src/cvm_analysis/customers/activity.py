"""Purchases over time: by month, cohort and day."""

from __future__ import annotations

import datetime as dt

import ibis
from ibis import ir

from cvm_analysis.customers.table import YEAR, as_value, order_of


def monthly(transactions: ir.Table, date: dt.date) -> ir.Table:
    """One row per month up to `date`: month (its first day), customers, orders, net_sales."""
    past = transactions.filter(transactions.ordered_at.date() <= date)
    bought = past.amount > 0
    order = past.customer_id + "@" + order_of(past)
    months = past.group_by(month=past.ordered_at.date().truncate("M")).aggregate(
        customers=past.customer_id.nunique(where=bought),
        orders=order.nunique(where=bought),
        net_sales=past.amount.sum().cast("float64"),
    )
    return months.order_by("month")


def retention(transactions: ir.Table, date: dt.date) -> ir.Table:
    """Count the customers of each cohort who bought again, by quarters since the first purchase.

    One row per quarter of first purchase and quarters since: cohort (`2023Q1`), later (0 for the
    first one), customers. An incomplete quarter is omitted, except a cohort's first one.
    """
    bought = transactions.filter(
        transactions.ordered_at.date() <= date, transactions.amount > 0
    ).mutate(quarter=lambda t: t.ordered_at.year() * 4 + t.ordered_at.quarter() - 1)
    first = bought.group_by("customer_id").aggregate(first=bought.quarter.min())
    active = bought.select("customer_id", "quarter").distinct().join(first, "customer_id")
    last = date.year * 4 + (date.month - 1) // 3
    complete = last if (date + dt.timedelta(days=1)).day == 1 and date.month % 3 == 0 else last - 1
    counted = active.filter((active.quarter <= complete) | (active.quarter == active.first))
    year, quarter = counted["first"] // 4, counted["first"] % 4 + 1
    groups = counted.group_by(
        cohort=year.cast("string") + "Q" + quarter.cast("string"),
        later=counted.quarter - counted["first"],
    )
    table = groups.aggregate(customers=lambda t: t.customer_id.nunique())
    return table.order_by("cohort", "later")


def largest_days(transactions: ir.Table, date: dt.date, most: int) -> ir.Table:
    """The largest customers' days up to `date`: customer_id, day, amount (gross), largest first."""
    day = transactions.ordered_at.date()
    bought = transactions.filter(day <= date, transactions.amount > 0)
    days = bought.group_by("customer_id", day=bought.ordered_at.date()).aggregate(
        amount=bought.amount.sum().cast("float64")
    )
    return days.order_by(ibis.desc("amount"), "customer_id", "day").limit(most)


def purchase_days(transactions: ir.Table, date: dt.date) -> ir.Table:
    """One row per customer and day with a purchase up to `date`: customer_id, day."""
    day = transactions.ordered_at.date()
    bought = transactions.filter(day <= date, transactions.amount > 0)
    return bought.select("customer_id", day=bought.ordered_at.date()).distinct()


def daily_margin(transactions: ir.Table, date: dt.date, margin_share: float) -> ir.Table:
    """Margin of each customer and day up to `date`: customer_id, day, amount, sales, purchases.

    amount : net of returns, in the config's currency; a line without cost counts `margin_share`
    sales : net of returns
    purchases : 1 on a day with a positive line, else 0
    """
    past = transactions.filter(transactions.ordered_at.date() <= date)
    margin = past.amount * margin_share
    if "cost" in past.columns:
        margin = (past.amount - past.cost).coalesce(margin)
    days = past.group_by("customer_id", day=past.ordered_at.date()).aggregate(
        amount=margin.sum().cast("float64"),
        sales=past.amount.sum().cast("float64"),
        purchases=(past.amount > 0).any().cast("int64"),
    )
    return days.order_by("customer_id", "day")


def year_to_last_order(transactions: ir.Table, date: dt.date | ir.DateValue) -> ir.Table:
    """Sales of each customer's last year as a customer: the 365 days up to the last order.

    One row per customer who bought by `date`: customer_id, net_sales, and margin where the lines
    have costs, empty if one of that year is unknown. Returns up to `date` count.
    """
    past = transactions.filter(transactions.ordered_at.date() <= as_value(date))
    day = past.ordered_at.date()
    bought = ibis.ifelse(past.amount > 0, day, ibis.null("date"))
    past = past.mutate(day=day, last=bought.max().over(ibis.window(group_by="customer_id")))
    year = past.filter(past.last.notnull(), past.last.delta(past.day, unit="day") < YEAR)
    found = {"net_sales": year.amount.sum().cast("float64")}
    if "cost" in year.columns:
        complete = year.cost.isnull().sum() == 0
        margin = (year.amount - year.cost).sum().cast("float64")
        found["margin"] = complete.ifelse(margin, None)
    return year.group_by("customer_id").aggregate(**found).order_by("customer_id")
