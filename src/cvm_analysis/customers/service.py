"""What went wrong in service, as of a day: late deliveries."""

from __future__ import annotations

import datetime as dt

from ibis import ir

from cvm_analysis.customers.table import as_value, late_lines


def late_deliveries(transactions: ir.Table, date: dt.date | ir.DateValue) -> ir.Table:
    """One row per customer with a late delivery by `date`: customer_id, days_since_late.

    Days since the last one arrived or, if it has not arrived, since the day it was promised for.
    """
    end = as_value(date)
    past = transactions.filter(transactions.ordered_at.date() <= end)
    _, late, arrived = late_lines(past, end)
    lines = past.select("customer_id", late=late, day=arrived.coalesce(past.promised_on))
    days = lines.filter(lines.late).group_by("customer_id").aggregate(last=lambda t: t.day.max())
    return days.select("customer_id", days_since_late=end.delta(days["last"], unit="day")).order_by(
        "customer_id"
    )


def count_deliveries(transactions: ir.Table, date: dt.date | ir.DateValue, days: int) -> ir.Table:
    """One row per customer with a delivery due in the last `days` days: customer_id, n_due, n_late.

    Order lines count by the day they were promised for; one that is not late yet is not counted
    before that day, unless it has arrived.
    """
    end = as_value(date)
    past = transactions.filter(transactions.ordered_at.date() <= end)
    due, late, _ = late_lines(past, end)
    within = due & (end.delta(past.promised_on, unit="day") < days)
    lines = past.select("customer_id", late=late, within=within)
    counted = lines.filter(lines.within).group_by("customer_id")
    return counted.aggregate(
        n_due=lambda t: t.count(), n_late=lambda t: t.late.cast("int64").sum()
    ).order_by("customer_id")
