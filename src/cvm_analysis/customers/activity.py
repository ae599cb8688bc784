"""What all customers did over time: month by month, cohort by cohort, day by day."""

from __future__ import annotations

import datetime as dt

from ibis import ir

from cvm_analysis.customers.table import order_of


def monthly(transactions: ir.Table, date: dt.date) -> ir.Table:
    """One row per month up to `date`: month (its first day), customers, orders, revenue (net)."""
    known = transactions.filter(transactions.ordered_at.date() <= date)
    bought = known.amount > 0
    order = known.customer_id + "@" + order_of(known)
    months = known.group_by(month=known.ordered_at.date().truncate("M")).aggregate(
        customers=known.customer_id.nunique(where=bought),
        orders=order.nunique(where=bought),
        net_sales=known.amount.sum().cast("float64"),
    )
    return months.order_by("month")


def retention(transactions: ir.Table, date: dt.date) -> ir.Table:
    """Count the customers of each cohort who bought again, by quarters later.

    One row per quarter of first purchase and quarters later (0 is the first one): cohort
    (`2023Q1`), later, customers. A quarter that `date` does not complete is left out, but for a
    cohort's own.
    """
    bought = transactions.filter(
        transactions.ordered_at.date() <= date, transactions.amount > 0
    ).mutate(quarter=lambda t: t.ordered_at.year() * 4 + t.ordered_at.quarter() - 1)
    first = bought.group_by("customer_id").aggregate(first=bought.quarter.min())
    met = bought.select("customer_id", "quarter").distinct().join(first, "customer_id")
    last = date.year * 4 + (date.month - 1) // 3
    complete = last if (date + dt.timedelta(days=1)).day == 1 and date.month % 3 == 0 else last - 1
    counted = met.filter((met.quarter <= complete) | (met.quarter == met.first))
    return (
        counted.group_by(
            cohort=(counted["first"] // 4).cast("string")
            + "Q"
            + (counted["first"] % 4 + 1).cast("string"),
            later=counted.quarter - counted["first"],
        )
        .aggregate(customers=lambda t: t.customer_id.nunique())
        .order_by("cohort", "later")
    )


def purchase_days(transactions: ir.Table, date: dt.date) -> ir.Table:
    """One row per customer and day with a purchase up to `date`: customer_id, day."""
    day = transactions.ordered_at.date()
    bought = transactions.filter(day <= date, transactions.amount > 0)
    return bought.select("customer_id", day=bought.ordered_at.date()).distinct()
