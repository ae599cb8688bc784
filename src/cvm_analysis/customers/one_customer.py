"""One customer's order lines, and what they tell: orders, what is bought, where and when."""

from __future__ import annotations

import datetime as dt
from typing import Literal, NamedTuple

import pandas as pd
from ibis import ir

from cvm_analysis.customers.table import as_value, late_lines, order_of

CHANCE = 0.05  # a weekday or month stands out if chance does as much less often
WHAT = ("product", "category")  # what a line is of, the more exact first


class Favourite(NamedTuple):
    """A weekday (0: Monday) or month (1: January) with more purchase days than chance gives.

    n : purchase days on it; of : all purchase days
    """

    level: int
    n: int
    of: int


def lines_of(transactions: ir.Table, customer_id: str, date: dt.date | ir.DateValue) -> ir.Table:
    """One row per order line of a customer by `date`, in order of time.

    day, order, amount (negative: a return), and where recorded product, category, channel and
    days_late: from the promised day to the delivery, or to `date` while it is not there; 0: in
    time, or not due yet.
    """
    end = as_value(date)
    past = transactions.filter(
        transactions.customer_id == customer_id, transactions.ordered_at.date() <= end
    )
    columns = {name: past[name] for name in (*WHAT, "channel") if name in past.columns}
    if {"promised_on", "delivered_on"} <= set(past.columns):
        _, late, arrived = late_lines(past, end)
        days = arrived.coalesce(end).delta(past.promised_on, unit="day")
        columns["days_late"] = late.ifelse(days, 0).fill_null(0)
    found = past.select(
        day=past.ordered_at.date(),
        order=order_of(past),
        amount=past.amount.cast("float64"),
        **columns,
    )
    return found.order_by("day", "order", "amount")


def by_day(lines: pd.DataFrame) -> pd.DataFrame:
    """Sum up the lines of each day: day, bought (gross), returned (0 or negative)."""
    amount = lines["amount"]
    parts = pd.DataFrame(
        {"bought": amount.clip(lower=0.0), "returned": amount.clip(upper=0.0), "day": lines["day"]}
    )
    return parts.groupby("day", sort=True)[["bought", "returned"]].sum().reset_index()


def orders(lines: pd.DataFrame) -> pd.DataFrame:
    """List the orders, the newest first.

    Returns
    -------
    One row per order with a positive line: order, day (its first), amount (net of returns under the
    same order), bought (names of products, else categories, the largest amount first),
    days_late (of its latest line; empty without such records).
    """
    rows = []
    for order, part in lines.groupby("order", sort=False):
        positive = part[part["amount"] > 0]
        if positive.empty:
            continue
        rows.append(
            {
                "order": order,
                "day": positive["day"].min(),
                "amount": part["amount"].sum(),
                "bought": _names(positive),
                "days_late": part["days_late"].max() if "days_late" in part else None,
            }
        )
    found = pd.DataFrame(rows, columns=["order", "day", "amount", "bought", "days_late"])
    return found.sort_values(["day", "order"], ascending=False, ignore_index=True)


def _names(lines: pd.DataFrame) -> tuple[str, ...]:
    for column in WHAT:
        if column in lines and lines[column].notna().any():
            spent = lines.groupby(column)["amount"].sum().sort_values(ascending=False)
            return tuple(map(str, spent.index))
    return ()


def shares(lines: pd.DataFrame, column: str) -> pd.DataFrame:
    """Share the gross sales by the values of a column, the largest first.

    Returns
    -------
    One row per value, indexed by it: amount, share (of the lines with a value), n_orders, last_day;
    no row without such a column.
    """
    if column not in lines:
        return pd.DataFrame(columns=["amount", "share", "n_orders", "last_day"])
    groups = lines[lines["amount"] > 0].groupby(column)
    found = groups.agg(
        amount=("amount", "sum"), n_orders=("order", "nunique"), last_day=("day", "max")
    )
    found.insert(1, "share", found["amount"] / found["amount"].sum())
    return found.sort_values("amount", ascending=False, kind="stable")


def favourite(
    lines: pd.DataFrame, until: dt.date, unit: Literal["weekday", "month"]
) -> Favourite | None:
    """Find the weekday or month in which the customer ordered more often than chance gives.

    Chance: each day from the first purchase to `until` alike. A level stands out if a binomial with
    the level's share of these days reaches its count less often than CHANCE, over all levels
    (Bonferroni). None: none does.
    """
    bought = pd.DatetimeIndex(lines.loc[lines["amount"] > 0, "day"].unique())
    if bought.empty:
        return None
    from scipy.stats import binom

    counts = pd.Series(getattr(bought, unit)).value_counts()
    every = pd.Series(getattr(pd.date_range(bought.min(), until), unit)).value_counts()
    tails = binom.sf(counts - 1, len(bought), (every / every.sum()).reindex(counts.index))
    chance = pd.Series(tails * len(every), counts.index).sort_values(kind="stable")
    if chance.iloc[0] >= CHANCE:
        return None
    level = int(chance.index[0])
    return Favourite(level, int(counts[level]), len(bought))
