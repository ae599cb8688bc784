"""The watch list: the overdue customers with the most margin at stake.

Margin at stake is what leaving would cost over the horizon. It grows with the customer's value, so
the best customers have much of it even in the week after a purchase. The list therefore keeps
customers who are overdue by their own gaps, now or before the next list (`contact_on`).
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.churn import features
from cvm_analysis.churn.forecasts import Trial
from cvm_analysis.errors import InputError
from cvm_analysis.minimum_data import Note

PART = "watchlist"
LIST_DAYS = 30  # from one list to the next


def top_n(customers: pd.DataFrame, n: int) -> pd.DataFrame:
    """Rank the `n` customers with the most margin at stake.

    customers : one row per customer, indexed by customer_id: margin_at_stake (money) and further
        columns; rows with none at stake are left out

    At most n rows, the same columns after `rank` (1 is first; ties by customer_id).
    """
    at_stake = customers[customers["margin_at_stake"] > 0].sort_index()
    ranked = at_stake.sort_values("margin_at_stake", ascending=False, kind="stable").head(n)
    ranked.insert(0, "rank", range(1, len(ranked) + 1))
    return ranked


def contact_on(customers: pd.DataFrame, as_of: dt.date, share: float = 0.9) -> pd.Series:
    """Find the day from which each customer is overdue by their own gaps.

    A customer is overdue once the days since the last purchase, in usual gaps
    (`features.usual_gap`), exceed `share` of all customers' last gaps, and at least one usual gap.

    Parameters
    ----------
    customers : one row per customer who bought, indexed by customer_id, columns of table
        `customers` as of the day: x, last_order, gap_median_days, gap_last_days
    as_of : the earliest day to contact anyone
    share : of gaps that are over by then, in (0, 1)

    Returns
    -------
    One day per customer, as_of or later; empty where nobody bought on two days.
    """
    usual = features.usual_gap(customers, customers["gap_median_days"].dropna().median())
    last = customers["gap_last_days"].astype(float)
    overdue = max(1.0, float((last / usual).quantile(share)))
    days = pd.to_timedelta(np.ceil(overdue * usual.round(6)), unit="D")
    due = pd.to_datetime(customers["last_order"]) + days
    return due.clip(lower=pd.Timestamp(as_of)).rename("contact_on")


def p_no_purchase_at_constant_rate(orders: pd.Series, weeks: float, horizon_days: int) -> pd.Series:
    """Compute the probability of no purchase within the horizon at a constant purchase rate.

    orders : purchases expected within `weeks` by a forecast without drop-out; the rate counts as
        known, so the probability is a little too low
    """
    return np.exp(-orders.astype(float) * horizon_days / (7 * weeks)).rename("at_constant_rate")


def margin_at_stake_without_drop_out(
    value: pd.DataFrame, churn_risk: pd.Series, at_constant_rate: pd.Series
) -> tuple[pd.DataFrame, list[Note]]:
    """Fill in the margin at stake where the purchase model has no drop-out (empty p_alive).

    Expected margin x the risk of no purchase beyond the one at a constant rate, never below 0: a
    customer who buys once a year often buys nothing for half a year without having left.

    Parameters
    ----------
    value : one row per customer, columns of table `value`
    churn_risk : probability of no purchase within the horizon
    at_constant_rate : as `p_no_purchase_at_constant_rate` returns

    Returns
    -------
    value with margin_at_stake filled in, and a Note with the number of customers.
    """
    without = value["p_alive"].isna()
    beyond = (churn_risk - at_constant_rate).reindex(value.index).clip(lower=0)
    at_stake = (value["expected_margin"] * beyond).clip(lower=0)
    filled = value["margin_at_stake"].where(~without, at_stake)
    notes = [Note("churn", "at_risk_without_drop_out", float(without.sum()))]
    return value.assign(margin_at_stake=filled), notes if without.any() else []


def add_margin_at_stake(
    customers: pd.DataFrame,
    value: pd.DataFrame,
    churn_risk: pd.Series,
    day: dt.date,
    horizon_weeks: float,
    horizon_days: int,
) -> tuple[pd.DataFrame, list[Note]]:
    """Add margin_at_stake and contact_on of every customer, and a note where there is no drop-out.

    Parameters
    ----------
    customers, value : one row per customer as of the day; columns of tables `customers`, `value`
    churn_risk : probability of no purchase within `horizon_days`
    horizon_weeks : of the expected margin
    """
    rate = p_no_purchase_at_constant_rate(value["expected_orders"], horizon_weeks, horizon_days)
    filled, notes = margin_at_stake_without_drop_out(value, churn_risk, rate)
    return filled.assign(contact_on=contact_on(customers, day).reindex(filled.index)), notes


def select(at_stake: pd.DataFrame, day: dt.date, n: int, days: int = LIST_DAYS) -> pd.DataFrame:
    """Select the list of a day: the `n` with most at stake of those due before the next list.

    at_stake : as `add_margin_at_stake` returns; days : to the next list
    """
    next_list = pd.Timestamp(day + dt.timedelta(days=days))
    return top_n(at_stake[at_stake["contact_on"] <= next_list], n)


class ListPrecision(NamedTuple):
    """How many on a past list, and of all customers, were inactive; `precision` makes one."""

    listed: int  # customers on the list
    listed_inactive: int  # of them without a purchase within the horizon
    customers: int  # all customers of that day
    inactive: int  # of them without a purchase within the horizon
    value: float  # margin the inactive would have brought had they stayed, in the currency
    listed_value: float  # of it that of customers on the list

    @property
    def precision(self) -> float:
        """Inactive share of the list; empty for an empty list."""
        return self.listed_inactive / self.listed if self.listed else np.nan

    @property
    def recall(self) -> float:
        """Share of the inactive that was on the list."""
        return self.listed_inactive / self.inactive if self.inactive else np.nan

    @property
    def base(self) -> float:
        """Inactive share of all customers: the precision of a random list."""
        return self.inactive / self.customers if self.customers else np.nan

    @property
    def value_recall(self) -> float:
        """Share of the inactive customers' margin that was on the list."""
        return self.listed_value / self.value if self.value > 0 else np.nan


def precision(customers: pd.DataFrame, inactive: pd.Series, listed: pd.Index) -> ListPrecision:
    """Count the inactive on a past list and among all customers.

    Parameters
    ----------
    customers : one row per customer as of the day: expected_margin_if_retained
    inactive : 1 for each of them without a purchase within the horizon, else 0
    listed : customer_id of the list

    Raises
    ------
    InputError : outcomes or list of other customers, or outcomes not known
    """
    outcome = inactive.reindex(customers.index)
    bad = int((~outcome.isin([0, 1])).sum())
    others = len(listed.difference(customers.index))
    if bad or others or len(inactive) != len(customers):
        raise InputError(
            f"{bad:,} of {len(customers):,} customers of that day have no outcome of 0 or 1, "
            f"{len(inactive):,} outcomes were given, and {others:,} on the list are not among "
            "them; take customers, outcomes and list of the same day"
        )
    lost = outcome == 1
    margin = customers["expected_margin_if_retained"].where(lost).clip(lower=0)
    return ListPrecision(
        listed=len(listed),
        listed_inactive=int(lost[listed].sum()),
        customers=len(customers),
        inactive=int(lost.sum()),
        value=float(margin.sum()),
        listed_value=float(margin[listed].sum()),
    )


def backtest(
    trial: Trial | None,
    chosen: str,
    customers: pd.DataFrame,
    value: pd.DataFrame,
    horizon_weeks: float,
    horizon_days: int,
    n: int = 100,
) -> ListPrecision | None:
    """Draw up the list on the day of a trial, and count the inactive on it.

    Parameters
    ----------
    trial : of the forecast `chosen` at `horizon_days`
    customers, value : as of the day of the trial; as for `add_margin_at_stake`
    n : length of the list

    None without a trial, or where nothing was at stake.
    """
    if trial is None or value.empty:
        return None
    risk = trial.p_no_purchase[chosen]
    at_stake, _ = add_margin_at_stake(
        customers, value, risk, trial.day, horizon_weeks, horizon_days
    )
    listed = select(at_stake, trial.day, n).index
    return (
        precision(at_stake, trial.inactive.reindex(at_stake.index), listed) if len(listed) else None
    )


def backtest_rows(found: ListPrecision | None, model: str, horizon_days: int) -> pd.DataFrame:
    """Return the precision as rows of table `backtest`, part watchlist, one row per metric."""
    figures = {} if found is None else {name: float(x) for name, x in found._asdict().items()}
    rows = pd.DataFrame({"metric": list(figures), "value": list(figures.values())})
    return rows.assign(part=PART, model=model, horizon_days=horizon_days, is_chosen=True)


def from_backtest(table: pd.DataFrame) -> ListPrecision | None:
    """Read the precision from table `backtest`; None where it has no such rows."""
    if PART not in table.index.get_level_values("part"):
        return None
    found = table.xs(PART, level="part")["value"].droplevel(["horizon_days", "model"]).astype(float)
    counts = ("listed", "listed_inactive", "customers", "inactive")
    money = {name: found[name] for name in ("value", "listed_value")}
    return ListPrecision(**{name: int(found[name]) for name in counts}, **money)
