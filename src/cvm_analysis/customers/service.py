"""Service as of a day: late deliveries, maintenance that is due, warranties that end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping

import ibis
from ibis import ir

from cvm_analysis.customers.table import as_value, late_lines, order_of

Days = Mapping[str, Mapping[str, int]]  # column of order lines -> value -> days
ITEM = ("product_id", "product", "category")  # what is bought, the most exact first


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


def service_due(
    transactions: ir.Table,
    date: dt.date | ir.DateValue,
    warranty: Days,
    maintenance: Days,
    contact_log: ir.Table | None = None,
    done_by: Collection[str] = (),
    answered: Collection[str] = (),
) -> ir.Table:
    """One row per customer with something bought that has a warranty or needs maintenance.

    What was returned under the same order does not count. Both begin with the delivery, else with
    the order.

    Parameters
    ----------
    warranty, maintenance : how long a warranty lasts, and from one maintenance to the next: by
        columns of ITEM; of two that name a line the more exact counts
    contact_log : one row per contact; done_by : actions after which maintenance is due anew, unless
        the contact has a result that is none of `answered` (lower case)

    Returns
    -------
    customer_id, days_to_service : to the maintenance that is due next, of all that was bought;
        below 0: it was due so many days ago, and was not done since
    days_to_warranty_end : to the end of the warranty that ends next; empty if all have ended
    """
    end = as_value(date)
    bought = _bought(transactions, end, warranty, maintenance)
    visited = _last_done(contact_log, end, done_by, answered)
    if visited is not None:
        joined = bought.left_join(visited, "customer_id").drop("customer_id_right")
        begin = ibis.greatest(joined.begin, joined.last_done.fill_null(joined.begin))
        bought = joined.mutate(since_service=end.delta(begin, unit="day"))
    else:
        bought = bought.mutate(since_service=end.delta(bought.begin, unit="day"))
    left = bought.warranty - end.delta(bought.begin, unit="day")
    found = bought.mutate(left=left, due=bought.maintenance - bought.since_service)
    days = found.group_by("customer_id").aggregate(
        days_to_service=found.due.min(),
        days_to_warranty_end=found.left.min(where=found.left >= 0),
    )
    return days.order_by("customer_id")


def _bought(
    transactions: ir.Table, end: ir.DateValue, warranty: Days, maintenance: Days
) -> ir.Table:
    """One row per customer, order and item that was kept: begin, warranty, maintenance (days)."""
    past = transactions.filter(transactions.ordered_at.date() <= end)
    day = past.ordered_at.date()
    if "delivered_on" in past.columns:
        day = (past.delivered_on <= end).ifelse(past.delivered_on, None).coalesce(day)
    item = [past[name].cast("string") for name in ITEM if name in past.columns]
    lines = past.select(
        "customer_id",
        "amount",
        day=day,
        order=order_of(past),
        item=ibis.coalesce(*item),
        warranty=_days(past, warranty),
        maintenance=_days(past, maintenance),
    )
    named = lines.filter(lines.warranty.notnull() | lines.maintenance.notnull())
    kept = named.group_by("customer_id", "order", "item").aggregate(
        amount=named.amount.sum(),
        begin=named.day.min(where=named.amount > 0),
        warranty=named.warranty.max(),
        maintenance=named.maintenance.min(),
    )
    return kept.filter(kept.amount > 0)


def _days(past: ir.Table, days: Days) -> ir.IntegerValue:
    """The days of each line, by the most exact column that names it; empty if none does."""
    found = [ibis.null("int64")]
    for column in reversed(ITEM):
        if column in past.columns and days.get(column):
            pairs = [(value, ibis.literal(n, "int64")) for value, n in days[column].items()]
            by_value = past[column].cast("string").cases(*pairs, else_=ibis.null("int64"))
            found.insert(0, by_value)
    return ibis.coalesce(*found)


def _last_done(
    contact_log: ir.Table | None,
    end: ir.DateValue,
    done_by: Collection[str],
    answered: Collection[str],
) -> ir.Table | None:
    """One row per customer with maintenance done by `end`: customer_id, last_done; None: none."""
    if contact_log is None or not done_by:
        return None
    day = contact_log["at"].cast("date")
    is_done = (day <= end) & contact_log.action.isin([*done_by])
    if "result" in contact_log.columns:
        result = contact_log.result.strip().lower()
        is_done &= contact_log.result.isnull() | (result == "") | result.isin([*answered])
    rows = contact_log.filter(is_done).select("customer_id", day=contact_log["at"].cast("date"))
    return rows.group_by("customer_id").aggregate(last_done=rows.day.max())
