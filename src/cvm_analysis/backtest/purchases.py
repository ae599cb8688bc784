"""Customers as of a day from purchases alone, for a backtest without prepared tables."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from cvm_analysis.errors import InputError


def by_day(purchases: pd.DataFrame) -> pd.DataFrame:
    """One row per customer and day with a purchase: customer_id, day, amount, customer_type.

    Parameters
    ----------
    purchases : transactions (customer_id, ordered_at, amount: lines of 0 or less are no purchases)
        or purchase days (customer_id, day, and optionally amount); optionally customer_type,
        otherwise all are retail

    Raises
    ------
    InputError : a column is missing
    """
    when = "day" if "day" in purchases else "ordered_at"
    missing = [name for name in ("customer_id", when) if name not in purchases]
    if missing:
        raise InputError(
            f"purchases have no column {', '.join(missing)}; give customer_id and day, or "
            "customer_id, ordered_at and amount"
        )
    rows = pd.DataFrame({"customer_id": purchases["customer_id"]})
    rows["day"] = pd.to_datetime(purchases[when]).dt.normalize()
    rows["amount"] = purchases["amount"].astype(float) if "amount" in purchases else 1.0
    rows["customer_type"] = purchases.get("customer_type", "retail")
    days = rows[rows["amount"] > 0].groupby(["customer_id", "day"], as_index=False)
    return days.agg(amount=("amount", "sum"), customer_type=("customer_type", "last"))


def customers(days: pd.DataFrame, date: dt.date) -> pd.DataFrame:
    """The customers as of a day, one row each, indexed by customer_id.

    Columns of table `customers` that the forecasts use: customer_type, n_purchase_days, x, t_x, T
    (weeks), net_sales, gross_sales, spend_per_repeat_day.

    days : as `by_day` returns them; later ones do not count
    """
    known = days[days["day"] <= pd.Timestamp(date)]
    groups = known.groupby("customer_id")
    found = groups.agg(
        customer_type=("customer_type", "last"), n_purchase_days=("day", "size"),
        first=("day", "min"), last=("day", "max"), net_sales=("amount", "sum"),
    )  # fmt: skip
    repeats = known[known["day"] > known["customer_id"].map(found["first"])]
    return found.assign(
        gross_sales=found["net_sales"],
        spend_per_repeat_day=repeats.groupby("customer_id")["amount"].mean(),
        x=found["n_purchase_days"] - 1.0,
        t_x=(found["last"] - found["first"]).dt.days / 7,
        T=(pd.Timestamp(date) - found["first"]).dt.days / 7,
    ).drop(columns=["first", "last"])
