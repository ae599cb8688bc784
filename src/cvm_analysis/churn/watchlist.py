"""The watch list: overdue customers who can still be won back, the most to lose first.

A customer is a candidate if overdue by their own gaps, now or before the next list (`contact_on`),
and without an order for less than the win-back limit. The figure that ranks the candidates is
chosen on the past (`list_rankings`).
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.churn import features
from cvm_analysis.minimum_data import Note

LIST_DAYS = 30  # from one list to the next
MAX_SHARE, MAX_LENGTH = 0.03, 100  # of all customers; customers


class YearlyMargin(NamedTuple):
    """The margin of two years of each customer; `yearly_margin` makes one."""

    last_365d: pd.Series  # margin of the last 365 days
    to_last_order: pd.Series  # margin of the 365 days up to the last order


def yearly_margin(
    customers: pd.DataFrame, to_last_order: pd.DataFrame, margin_share: float
) -> YearlyMargin:
    """Take each customer's margin of the last year, and of the last year as a customer.

    customers : one row per customer, columns of table `customers`
    to_last_order : net_sales, and margin where costs are known, of the 365 days up to the last
        order (`Prepared.year_to_last_order`)
    margin_share : share of net sales that is margin, where a margin is unknown
    """

    def fill(table: pd.DataFrame, margin: str, net_sales: str) -> pd.Series:
        assumed = table[net_sales].astype(float) * margin_share
        return (table[margin].astype(float) if margin in table else assumed).fillna(assumed)

    year = to_last_order.reindex(customers.index)
    return YearlyMargin(
        fill(customers, "margin_365d", "net_sales_365d"), fill(year, "margin", "net_sales")
    )


def list_length(n_customers: int) -> int:
    """The length of the list: a share of all customers, and no more than one can call."""
    return min(MAX_LENGTH, int(np.ceil(MAX_SHARE * n_customers)))


def top_n(customers: pd.DataFrame, n: int) -> pd.DataFrame:
    """Rank the first `n` candidates.

    customers : one row per customer, indexed by customer_id: list_priority (money; empty for those
        who are no candidates) and further columns; a priority of 0 or less is no reason to call

    At most n rows, the same columns after `rank` (1 is first; ties by customer_id).
    """
    candidates = customers[customers["list_priority"] > 0].sort_index()
    ranked = candidates.sort_values("list_priority", ascending=False, kind="stable").head(n)
    ranked.insert(0, "rank", range(1, len(ranked) + 1))
    return ranked


def contact_on(customers: pd.DataFrame, as_of: dt.date, share: float = 0.9) -> pd.Series:
    """Find the day from which each customer is overdue by their own gaps.

    A customer is overdue once the days since the last purchase, in usual gaps
    (`features.usual_gap`), exceed `share` of the last gaps of all customers of the same type, and
    at least one usual gap.

    Parameters
    ----------
    customers : one row per customer who bought, indexed by customer_id, columns of table
        `customers` as of the day: customer_type, x, last_order, gap_median_days, gap_last_days
    as_of : the earliest day to contact anyone
    share : of gaps that are over by then, in (0, 1)

    Returns
    -------
    One day per customer, as_of or later; empty where nobody of the type bought on two days.
    """
    usual = features.usual_gap(customers, features.typical_gap(customers))
    late = customers["gap_last_days"].astype(float) / usual
    overdue = late.groupby(customers["customer_type"]).transform("quantile", share).clip(lower=1)
    days = np.ceil(overdue * usual.round(6))
    due = pd.to_datetime(customers["last_order"]) + pd.to_timedelta(days, unit="D")
    return due.clip(lower=pd.Timestamp(as_of)).rename("contact_on")


def next_order_on(customers: pd.DataFrame) -> pd.Series:
    """Expect the next order one usual gap after the last one, if the customer still buys.

    The usual gap is the customer's median gap, shrunk towards that of the type
    (`features.usual_gap`). A day in the past says that the order is late. Empty where nobody of
    the type bought on two days.

    customers : as for `contact_on`
    """
    usual = features.usual_gap(customers, features.typical_gap(customers))
    due = pd.to_datetime(customers["last_order"]) + pd.to_timedelta(usual.round(), unit="D")
    return due.rename("next_order_on")


def sales_change(customers: pd.DataFrame) -> pd.Series:
    """Year-on-year change of net sales as a share; empty without sales the year before.

    customers : net_sales_365d, net_sales_change_365d (money)
    """
    change = customers["net_sales_change_365d"].astype(float)
    before = customers["net_sales_365d"].astype(float) - change
    return (change / before.where(before > 0)).rename("sales_change")


def is_candidate(
    customers: pd.DataFrame, day: dt.date, win_back_days: int, days: int = LIST_DAYS
) -> pd.Series:
    """Flag who may be on the list of a day: overdue before the next list, within the limit.

    customers : days_since_last, contact_on; days : to the next list
    """
    due = customers["contact_on"] <= pd.Timestamp(day + dt.timedelta(days=days))
    return due & (customers["days_since_last"].astype(float) < win_back_days)


def p_no_purchase_at_constant_rate(orders: pd.Series, weeks: float, horizon_days: int) -> pd.Series:
    """Compute the probability of no purchase within the horizon at a constant purchase rate.

    orders : purchases expected within `weeks` by a forecast without drop-out; the rate counts as
        known, so the probability is a little too low
    """
    return np.exp(-orders.astype(float) * horizon_days / (7 * weeks)).rename("at_constant_rate")


def margin_at_stake(
    values: pd.DataFrame, churn_risk: pd.Series, weeks: float, horizon_days: int
) -> tuple[pd.Series, list[Note]]:
    """Margin at stake of table `value`, filled in where the model has no drop-out (empty p_alive).

    There the churn risk says how many have left. A customer who has left buys nothing, one who has
    not buys nothing with the probability q at their constant rate, so that the risk is d + (1 - d)
    q, and d = (risk - q) / (1 - q) in [0, 1]. At stake is d x expected margin, which that model
    expects as if nobody left.

    Parameters
    ----------
    values : one row per customer, columns of table `value`
    churn_risk : probability of no purchase within `horizon_days`
    weeks : horizon of the expected margin

    Returns
    -------
    Margin at stake, and a Note with the number of customers where it was filled in.
    """
    without = values["p_alive"].isna()
    q = p_no_purchase_at_constant_rate(values["expected_orders"], weeks, horizon_days)
    risk = churn_risk.reindex(values.index).astype(float)
    left = ((risk - q) / (1 - q).where(q < 1)).clip(0, 1).fillna(0.0)
    filled = values["margin_at_stake"].where(~without, left * values["expected_margin"])
    notes = [Note("churn", "at_risk_without_drop_out", float(without.sum()))]
    return filled, notes if without.any() else []


def count_by_type(
    customers: pd.DataFrame, churn: pd.DataFrame, day: dt.date, win_back_days: int
) -> pd.DataFrame:
    """Count the overdue accounts of each type of customer, and compare its sales with a year ago.

    customers : one row per customer who bought: customer_type, days_since_last, net_sales_365d,
        net_sales_change_365d; churn : contact_on of the same customers

    Returns
    -------
    One row per type, the largest first
        n_customers : with an order within the win-back limit
        overdue : of them past their contact date
        overdue_share : the same as a share
        net_sales_365d : of all customers of the type, who have left included
        sales_change : year-on-year change of their net sales, as a share
    """
    near = customers["days_since_last"].astype(float) < win_back_days
    overdue = near & (churn["contact_on"].reindex(customers.index) <= pd.Timestamp(day))
    table = customers[["net_sales_365d", "net_sales_change_365d"]].astype(float)
    table = table.assign(n_customers=near.astype(int), overdue=overdue.astype(int))
    found = table.groupby(customers["customer_type"]).sum()
    found = found.assign(
        overdue_share=found["overdue"] / found["n_customers"].where(found["n_customers"] > 0),
        sales_change=sales_change(found),
    )
    found = found.sort_values("n_customers", ascending=False, kind="stable")
    return found[["n_customers", "overdue", "overdue_share", "net_sales_365d", "sales_change"]]
