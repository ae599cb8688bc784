"""The table `customers`: one row per customer as of a date, from what was known on that day."""

from __future__ import annotations

import datetime as dt

import ibis
from ibis import ir

from cvm_analysis.tables import TABLES

YEAR, HALF_YEAR = 365, 182  # days
ZERO_IF_EMPTY = (  # columns of customers without purchases or feedback
    *("n_orders", "n_purchase_days", "gross_sales", "net_sales", "returned"),
    *("net_sales_365d", "n_orders_365d", "net_sales_change_365d", "n_purchase_days_182d"),
    *("n_complaints", "complaints_open"),
)


def as_of(
    transactions: ir.Table,
    date: dt.date | ir.DateValue,
    customers_raw: ir.Table | None = None,
    feedback: ir.Table | None = None,
) -> ir.Table:
    """One row per customer who bought, returned or joined by `date`; columns as table `customers`.

    Customers who never bought have n_orders 0 and no dates, x, t_x, T. Weeks are days / 7, T ends
    on `date`. Money is summed as decimals, so that the same rows always give the same cents.

    Parameters
    ----------
    transactions : one row per order line, with the customer's region; a positive line is a
        purchase, a negative one a return, netted from spend; a zero line is neither
    customers_raw : one row per customer; those who joined after `date` are omitted. Columns that
        the table does not name are attributes of the business's own, added as they are
    feedback : one row per answer or complaint; a complaint closed after `date` is open
    """
    end = as_value(date)
    past = transactions.filter(transactions.ordered_at.date() <= end)
    customers = _totals(past, end).left_join(_purchase_gaps(past, end), "customer_id")
    customers = customers.drop("customer_id_right")
    if customers_raw is not None:
        own = [c for c in customers_raw.columns if c not in TABLES["customers_raw"].columns]
        customers = _with_records(customers, customers_raw.drop(*own), end)
    if feedback is not None:
        customers = customers.left_join(_feedback(feedback, end), "customer_id")
        customers = customers.drop("customer_id_right")
    table = _derive(customers)
    if customers_raw is not None and own:
        attributes = customers_raw.select("customer_id", *own)
        table = table.left_join(attributes, "customer_id").drop("customer_id_right")
    return table.order_by("customer_id")


def _totals(past: ir.Table, end: ir.DateValue) -> ir.Table:
    bought = past.amount > 0
    money = {
        "gross_sales": past.amount.sum(where=bought),
        "net_sales": past.amount.sum(),
        "returned": (-past.amount).sum(where=past.amount < 0),
    }
    if "cost" in past.columns:
        complete = past.cost.isnull().sum() == 0
        money["margin_total"] = complete.ifelse((past.amount - past.cost).sum(), None)
    if "discount" in past.columns:
        given = ibis.greatest(past.discount.fill_null(0), 0)  # a surcharge is no discount
        money["taken_off"] = given.sum(where=bought)
    if {"promised_on", "delivered_on"} <= set(past.columns):
        money["late_share"] = _late_share(past, end)
    breadth = {
        f"n_{plural}": past[column].nunique(where=bought)
        for column, plural in (("category", "categories"), ("channel", "channels"))
        if column in past.columns
    }
    return past.group_by("customer_id").aggregate(
        region=past.region.max(),
        n_orders=order_of(past).nunique(where=bought),
        **money,
        **_recent(past, end),
        **breadth,
    )


def _recent(past: ir.Table, end: ir.DateValue) -> dict[str, ir.NumericValue]:
    """Sales of the last 365 days, and their change from the 365 days before."""
    ago = end.delta(past.ordered_at.date(), unit="day")
    within, before = ago < YEAR, (ago >= YEAR) & (ago < 2 * YEAR)
    spend, earlier = (past.amount.sum(where=when).fill_null(0) for when in (within, before))
    found = {
        "net_sales_365d": spend,
        "n_orders_365d": order_of(past).nunique(where=within & (past.amount > 0)),
        "net_sales_change_365d": spend - earlier,
    }
    if "cost" in past.columns:
        complete = (within & past.cost.isnull()).sum() == 0
        margin = (past.amount - past.cost).sum(where=within).fill_null(0)
        found["margin_365d"] = complete.ifelse(margin, None)
    return found


def _late_share(past: ir.Table, end: ir.DateValue) -> ir.NumericValue:
    """Share of the deliveries due by `end` that are late."""
    due, late, _ = late_lines(past, end)
    return late.sum() / due.sum().nullif(0)


def late_lines(
    past: ir.Table, end: ir.DateValue
) -> tuple[ir.BooleanValue, ir.BooleanValue, ir.DateValue]:
    """Tell of each order line whether its delivery was due by `end`, and late; and when it arrived.

    One that arrived after `end` had not arrived on that day.
    """
    promised = past.promised_on
    arrived = (past.delivered_on <= end).ifelse(past.delivered_on, None)  # later ones are unknown
    due = promised.notnull() & (past.amount > 0) & (arrived.notnull() | (promised < end))
    return due, due & (arrived.coalesce(end) > promised), arrived


def as_value(date: dt.date | ir.DateValue) -> ir.DateValue:
    """Turn a date into an Ibis value, unless it is one."""
    return ibis.literal(date) if isinstance(date, dt.date) else date


def mean(values: ir.NumericColumn, where: ir.BooleanValue | None = None) -> ir.FloatingScalar:
    """The mean of decimals from their exact sum, as engines round such a mean differently."""
    return values.sum(where=where).cast("float64") / values.count(where=where).nullif(0)


def order_of(past: ir.Table) -> ir.StringValue:
    """The order of a line: its order_id, else its day."""
    day = past.ordered_at.date().cast("string")
    return past.order_id.coalesce(day) if "order_id" in past.columns else day


def _purchase_gaps(past: ir.Table, end: ir.DateValue) -> ir.Table:
    """One row per buyer: purchase days, the gaps between them, and spend on repeat days."""
    days = _days(past)
    order = ibis.window(group_by="customer_id", order_by="day")
    days = days.mutate(gap=days.day.delta(days.day.lag().over(order), unit="day"))
    gaps = days.gap.cast("int64")
    first: dict[str, ir.Value] = {}
    if "channel" in days.columns:
        first["first_channel"] = days.channel.max(where=days.gap.isnull())
    gapped = days.group_by("customer_id").aggregate(
        n_purchase_days=days.count(),
        n_purchase_days_182d=days.count(where=end.delta(days.day, unit="day") < HALF_YEAR),
        first_order=days.day.min(),
        last_order=days.day.max(),
        spend_repeat=days.spend.sum(where=days.gap.notnull()),
        gap_median_days=gaps.median(),
        gap_last_days=gaps.argmax(days.day),
        gap_sum=gaps.sum(),
        gap_squares=(gaps * gaps).sum(),
        **first,
    )
    x = gapped.n_purchase_days - 1
    spread = (gapped.gap_squares - gapped.gap_sum * gapped.gap_sum / x) / (x - 1)
    return gapped.select(
        "customer_id",
        "n_purchase_days",
        "n_purchase_days_182d",
        *first,
        "first_order",
        "last_order",
        "gap_median_days",
        "gap_last_days",
        days_since_last=end.delta(gapped.last_order, unit="day"),
        x=x,
        t_x=gapped.last_order.delta(gapped.first_order, unit="day") / 7,
        T=end.delta(gapped.first_order, unit="day") / 7,
        spend_per_repeat_day=gapped.spend_repeat.cast("float64") / x.nullif(0),
        gap_cv=(x > 1).ifelse(ibis.greatest(spread, 0).sqrt() / (gapped.gap_sum / x), None),
    )


def _days(past: ir.Table) -> ir.Table:
    """One row per buyer and purchase day: spend, channel (the first by name)."""
    bought = past.filter(past.amount > 0).mutate(day=past.ordered_at.date())
    used = {"channel": bought.channel.min()} if "channel" in bought.columns else {}
    return bought.group_by("customer_id", "day").aggregate(spend=bought.amount.sum(), **used)


def _with_records(customers: ir.Table, records: ir.Table, end: ir.DateValue) -> ir.Table:
    """Add attributes, and the customers who joined but have not bought or returned."""
    if "joined_on" in records.columns:
        bought = records.customer_id.isin(customers.customer_id)
        records = records.filter(records.joined_on.isnull() | (records.joined_on <= end) | bought)
    both = customers.outer_join(records, "customer_id")
    return both.mutate(
        customer_id=ibis.coalesce(both.customer_id, both.customer_id_right),
        region=ibis.coalesce(both.region, both.region_right),
    ).drop("customer_id_right", "region_right")


def _feedback(feedback: ir.Table, end: ir.DateValue) -> ir.Table:
    """One row per customer who answered or complained by `end`.

    satisfaction : mean of all answers, also of several on one day
    """
    if "score" not in feedback.columns:
        feedback = feedback.mutate(score=ibis.null("float64"))
    past = feedback.filter(feedback["at"] <= end)
    complaint = past.kind == "complaint"
    closed = past.closed_at if "closed_at" in past.columns else ibis.null("date")
    is_open = complaint & (closed.isnull() | (closed > end))
    counts = past.group_by("customer_id").aggregate(
        n_complaints=past.count(where=complaint),
        complaints_open=past.count(where=is_open),
        oldest_open=past["at"].min(where=is_open),
        satisfaction=mean(past.score, past.kind == "csat"),
    )
    known = counts.left_join(_recommendation(past), "customer_id").drop("customer_id_right")
    return known.mutate(complaint_days=end.delta(known.oldest_open, unit="day")).drop("oldest_open")


def _recommendation(answers: ir.Table) -> ir.Table:
    """One row per customer with a recommendation score: nps, the last one.

    Of several on the last day the lowest: a date does not say which came last, and a low score is
    the one to act on.
    """
    scored = answers.filter(answers.kind == "nps", answers.score.notnull())
    days = scored.group_by("customer_id", "at").aggregate(lowest=scored.score.min())
    return days.group_by("customer_id").aggregate(
        nps=days.lowest.argmax(days["at"]).cast("float64")
    )


def _derive(customers: ir.Table) -> ir.Table:
    zero = [name for name in ZERO_IF_EMPTY if name in customers.columns]
    filled = customers.mutate(**{name: customers[name].fill_null(0) for name in zero})
    if "customer_type" not in filled.columns:
        filled = filled.mutate(customer_type=ibis.null("string"))
    gross = filled.gross_sales.cast("float64")
    if "taken_off" in filled.columns:
        taken_off = filled.taken_off.cast("float64")
        filled = filled.mutate(discount_share=taken_off / (gross + taken_off).nullif(0))
    finished = filled.mutate(
        customer_type=filled.customer_type.fill_null("retail"),
        net_sales_per_order=filled.net_sales.cast("float64") / filled.n_orders.nullif(0),
        return_share=filled.returned.cast("float64") / gross.nullif(0),
    )
    columns = {
        name: finished[name].cast("float64") if column.kind == "money" else finished[name]
        for name, column in TABLES["customers"].columns.items()
        if name in finished.columns
    }
    return finished.select(**columns)
