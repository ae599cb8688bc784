"""What each customer bought, returned and got late in each of several periods."""

from __future__ import annotations

import ibis
import pandas as pd
from ibis import ir

from cvm_analysis.customers.table import late_lines, order_of


def in_periods(transactions: ir.Table, periods: pd.DataFrame, margin_share: float) -> ir.Table:
    """One row per customer and period with an order line in it.

    Parameters
    ----------
    periods : period (a code), begins, ends (first and last day); they may overlap
    margin_share : of net sales, where a line has no cost

    Returns
    -------
    customer_id, period, net_sales, gross_sales, returned (of which net_sales is the difference),
    n_orders (distinct orders with a positive line); margin, unless no cost is recorded and
    margin_share is 1; n_due, n_late (order lines of the period whose delivery was due by its last
    day, and late, as known on that day) where deliveries are recorded.
    """
    days = ["begins", "ends"]
    spans = ibis.memtable(periods[["period", *days]]).cast(dict.fromkeys(days, "date"))
    day = transactions.ordered_at.date()
    lines = transactions.inner_join(spans, [day >= spans.begins, day <= spans.ends])
    bought = lines.amount > 0
    found: dict[str, ir.Value] = {
        "net_sales": lines.amount.sum().cast("float64"),
        "gross_sales": lines.amount.sum(where=bought).fill_null(0).cast("float64"),
        "returned": (-lines.amount).sum(where=lines.amount < 0).fill_null(0).cast("float64"),
        "n_orders": order_of(lines).nunique(where=bought),
    }
    if "cost" in lines.columns or margin_share != 1:
        margin = lines.amount * margin_share
        if "cost" in lines.columns:
            margin = (lines.amount - lines.cost).coalesce(margin)
        found["margin"] = margin.sum().cast("float64")
    if {"promised_on", "delivered_on"} <= set(lines.columns):
        due, late, _ = late_lines(lines, lines.ends)
        found |= {"n_due": due.sum().fill_null(0), "n_late": late.sum().fill_null(0)}
    table = lines.group_by("customer_id", "period").aggregate(**found)
    return table.order_by("customer_id", "period")
