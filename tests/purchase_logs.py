"""From a log of purchases to customers, as the published fits count them."""

import pandas as pd


def summarize(log: pd.DataFrame, end: str) -> pd.DataFrame:
    """The customers of a log as of a day, and what came after, indexed by customer_id.

    log : customer_id, date, amount, one row per transaction; those of a day are one purchase.
    n_purchase_days, first_order, last_order, x, t_x, T (weeks), spend_per_repeat_day (per purchase
    day after the first, empty if x = 0), holdout (later purchase days), holdout_spend.
    """
    days = log.groupby(["customer_id", "date"])["amount"].sum().reset_index()
    seen, later = days[days["date"] <= end], days[days["date"] > end]
    customers = seen.groupby("customer_id")["date"].agg(
        n_purchase_days="size", first_order="min", last_order="max"
    )
    first = seen["customer_id"].map(customers["first_order"])
    repeats = seen[seen["date"] > first].groupby("customer_id")["amount"]
    after = later.groupby("customer_id")["amount"].agg(["size", "sum"])
    after = after.reindex(customers.index, fill_value=0)
    return customers.assign(
        x=customers["n_purchase_days"] - 1,
        t_x=(customers["last_order"] - customers["first_order"]).dt.days / 7,
        T=(pd.Timestamp(end) - customers["first_order"]).dt.days / 7,
        spend_per_repeat_day=repeats.mean(),
        holdout=after["size"],
        holdout_spend=after["sum"],
    )
