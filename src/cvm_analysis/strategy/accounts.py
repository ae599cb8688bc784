"""Project customers and dealers: which cut back, which are overdue, which to help or to reward."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import pandas as pd

from cvm_analysis.strategy.facts import find_weakest

TYPES = ("project", "dealer")  # of customers that are accounts
CUT_BACK, OVERDUE, HELP, REWARD = "cut_back", "overdue", "help", "reward"  # why one is chosen
_FROM_CUSTOMERS = ["customer_type", "region", "net_sales_365d", "net_sales_change_365d"]


class Summary(NamedTuple):
    """How accounts did against the year before; `add_up` makes one. Money in the currency."""

    n_accounts: int
    n_cut_back: int  # net sales below those of the year before
    lost: float  # what these bought less, above 0
    gained: float  # what the others bought more
    n_recent: int  # with an order within the win-back limit
    n_overdue: int  # of these past their contact date
    overdue_sales: float  # net sales of the overdue in the last 365 days


def find(
    customers: pd.DataFrame,
    churn: pd.DataFrame,
    segments: pd.DataFrame,
    grade_points: pd.DataFrame,
    as_of: dt.date,
    win_back_days: int,
) -> pd.DataFrame:
    """Find the accounts: customers of one of `TYPES` who bought.

    Parameters
    ----------
    customers, churn, segments, grade_points : tables of these names
    win_back_days : an account without an order for so long is not overdue but gone

    Returns
    -------
    One row per account, indexed by customer_id, the largest loss of sales first
        customer_type, region, net_sales_365d, net_sales_change_365d, days_since_last : as in
            `customers`; and city, where recorded
        usual_gap_days : days from one order to the next; empty: not known
        is_recent : with an order within the win-back limit
        is_overdue : recent, and longer without an order than nine in ten accounts of its pace
        score, grade : of the scorecard; the score is empty if not graded
        weakest_indicator, weakest_points : the indicator with the fewest points, 0 to 100
    """
    bought = customers[customers["customer_type"].isin(TYPES) & (customers["n_orders"] > 0)]
    columns = [*_FROM_CUSTOMERS, *bought.columns.intersection(["city"])]
    dates = churn[["contact_on", "next_order_on"]].reindex(bought.index).apply(pd.to_datetime)
    days = bought["days_since_last"].astype(float)
    is_recent = days < win_back_days
    found = bought[columns].assign(
        days_since_last=days,
        usual_gap_days=(dates["next_order_on"] - pd.to_datetime(bought["last_order"])).dt.days,
        is_recent=is_recent,
        is_overdue=is_recent & (dates["contact_on"] <= pd.Timestamp(as_of)),
    )
    weakest = pd.DataFrame(find_weakest(grade_points))
    joined = found.join(segments[["score", "grade"]]).join(weakest)
    return joined.sort_index().sort_values("net_sales_change_365d", kind="stable")


def add_up(accounts: pd.DataFrame) -> Summary:
    """Add up the accounts that `find` returns."""
    change = accounts["net_sales_change_365d"].astype(float)
    return Summary(
        n_accounts=len(accounts),
        n_cut_back=int((change < 0).sum()),
        lost=float(-change.clip(upper=0).sum()),
        gained=float(change.clip(lower=0).sum()),
        n_recent=int(accounts["is_recent"].sum()),
        n_overdue=int(accounts["is_overdue"].sum()),
        overdue_sales=float(accounts.loc[accounts["is_overdue"], "net_sales_365d"].sum()),
    )


def choose(accounts: pd.DataFrame, n: int) -> pd.DataFrame:
    """Choose at most `n` accounts to look at, and say why; each once.

    One is to be helped: the lowest score with a known weakest indicator. One is to be rewarded: the
    highest score among those that did not buy less than the year before. Both still order. One is
    overdue: the highest sales. All others cut back, the largest loss first.

    accounts : as `find` returns them; n : 3 or more

    Returns
    -------
    The same columns after `why`: cut_back, overdue, help, reward; in this order
    """
    rows = accounts.astype({"score": float, "net_sales_365d": float})
    change = rows["net_sales_change_365d"].astype(float)
    scored = rows["is_recent"] & rows["score"].notna()
    free = pd.Series(True, rows.index)  # not chosen yet
    parts = {}

    def take(why: str, chosen: pd.DataFrame) -> None:
        parts[why] = chosen
        free[chosen.index] = False

    take(REWARD, rows[scored & (change >= 0)].nlargest(1, "score"))
    take(HELP, rows[free & scored & rows["weakest_indicator"].notna()].nsmallest(1, "score"))
    take(OVERDUE, rows[free & rows["is_overdue"]].nlargest(1, "net_sales_365d"))
    take(CUT_BACK, rows[free & (change < 0)].head(n - sum(map(len, parts.values()))))
    order = [CUT_BACK, OVERDUE, HELP, REWARD]
    found = pd.concat([parts[why] for why in order])
    found.insert(0, "why", [why for why in order for _ in range(len(parts[why]))])
    return found
