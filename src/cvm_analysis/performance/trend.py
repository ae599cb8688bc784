"""Net sales by quarter or month, beside the same days a year before."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.tables import ALL

_COUNTS = ("n_orders", "n_customers")


def summarize(sums: pd.DataFrame, periods: pd.DataFrame, types: pd.Series) -> pd.DataFrame:
    """Make table `sales_trend`.

    Parameters
    ----------
    sums : one row per customer and period, from customers.in_periods
    periods : from performance.periods.trend
    types : customer_type of each customer, indexed by customer_id
    """
    money = [column for column in ("net_sales", "margin") if column in sums]
    rows = sums[["period", *money, "n_orders"]].assign(
        customer_type=types.reindex(sums["customer_id"]).to_numpy(),
        n_customers=(sums["n_orders"] > 0).astype(int),
    )
    by_type = pd.concat([_add_up(rows), _add_up(rows.assign(customer_type=ALL))])
    by_type = by_type[[*money, *_COUNTS]].sort_index()
    kinds = by_type.index.get_level_values("customer_type").unique()
    every = pd.MultiIndex.from_product([kinds, periods["period"]], names=by_type.index.names)
    filled = by_type.reindex(every, fill_value=0).reset_index().merge(periods, on="period")
    key = ["customer_type", "period_start"]
    now = filled[~filled["is_before"]].set_index(key)
    before = filled[filled["is_before"]].set_index(key)[money].reindex(now.index)
    table = now[[*money, *_COUNTS]].join(before.add_suffix("_before"))
    n_days = (now["ends"] - now["begins"]).dt.days + 1
    return table.assign(n_days=n_days).sort_index()


def _add_up(rows: pd.DataFrame) -> pd.DataFrame:
    """Sum the rows of each customer type and period."""
    return rows.groupby(["customer_type", "period"]).sum()
