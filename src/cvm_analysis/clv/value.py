"""What each customer is worth from here on: purchases x spend x margin, discounted to today.

Drop-out is inside the expected purchases; a value is never multiplied by a risk of leaving again.

Returns and losses. Spend is modelled gross, on purchases that cannot be below 0; a customer's own
returns are too few to say anything about those to come, so the share that all customers together
send back is taken off everybody's. The margin is a share of what remains, and a negative one is
kept: then the best buyers have the lowest value, and a note says so.
"""

from typing import Annotated, Protocol

import numpy as np
import pandas as pd
from pydantic import Field

from cvm_analysis.clv import discounting, gamma_gamma
from cvm_analysis.clv.forecasts import model_rows
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.errors import InputError
from cvm_analysis.minimum_data import Note
from cvm_analysis.typed import settings


@settings
class Value:
    """How future value is counted.

    horizon_weeks : how far ahead; annual_discount_rate : 0.10 is ten percent a year;
    margin : share of spend, where no cost is known; holdout_weeks : how much of the past a forecast
    is tried on
    """

    horizon_weeks: Annotated[int, Field(gt=0)] = 52
    annual_discount_rate: Annotated[float, Field(ge=0)] = 0.10
    margin: Annotated[float, Field(gt=0, le=1)] = 1.0
    holdout_weeks: Annotated[int, Field(gt=0)] = 26


class Purchases(Protocol):
    """What a model of purchases offers; BG/NBD and NBD do."""

    @property
    def code(self) -> str:
        """Its name in tables."""
        ...

    def p_alive(self, h: pd.DataFrame) -> pd.Series:
        """Probability of not having dropped out."""
        ...

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per week as long as the customer stays."""
        ...

    def expected_purchases(self, h: pd.DataFrame, horizon: float) -> pd.Series:
        """Expected purchases in the weeks after T."""
        ...

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """The same, discounted to T."""
        ...


class Spend(Protocol):
    """What a model of spend offers; Gamma-Gamma does."""

    def expected_spend(self, x_m: pd.DataFrame) -> pd.Series:
        """Expected spend per purchase of each customer."""
        ...


def estimate(
    customers: pd.DataFrame,
    model: Purchases,
    spend: Spend,
    horizon_weeks: float,
    annual_discount_rate: float,
    margin: float | pd.Series,
    return_share: float = 0.0,
) -> pd.DataFrame:
    """The value of every modelled customer over a horizon.

    Parameters
    ----------
    customers : one row per customer, indexed by customer_id: x, t_x, T (weeks),
        spend_per_repeat_day (money, empty without repeat purchases); who never bought is left out
    horizon_weeks : how far ahead
    annual_discount_rate : 0.10 is ten percent a year
    margin : share of spend, net of returns, that is earned, one for all or one per customer_id
    return_share : share of spend that comes back; `return_share` makes it

    Returns
    -------
    One row per modelled customer, indexed by customer_id.
        model : code of the model
        p_alive : in [0, 1]; empty where the model has no drop-out
        expected_orders : expected purchases (days with one) within the horizon, not discounted: the
            mean, right for sums and for money
        expected_orders_median : the predictive median of the same, nearest to most customers'
            count; its sum is no total. Empty where the model gives no probabilities
        expected_margin : margin expected within the horizon, in the money of spend_per_repeat_day,
            discounted continuously from the day of each purchase to the last day of T
        expected_margin_if_retained : the same if the customer, where still one, never left:
            P(alive) x margin at their pace
        margin_at_stake : the difference of the two; what never losing the customer would bring
        churned_value : (1 - P(alive)) x margin at their pace; what those already gone would have
            brought. Without drop-out in the model nothing is at risk or lost.
        value_residual : expected_margin without a horizon; empty if nothing is discounted
        spend_is_individual : whether the spend rests on repeat purchases of their own, not on the
            others'

    Raises
    ------
    InputError : impossible histories, a rate of -1 or less, or customers without a margin
    """
    h, key = model_rows(model, customers)
    buyers = customers.loc[key.index]
    share = _margins(margin, key.index) * (1 - return_share)
    money = spend.expected_spend(buyers) * share
    rate = weekly_rate(annual_discount_rate)
    orders, worth = (
        each.loc[key].set_axis(key.index)
        for each in (_orders(model, h, horizon_weeks), _worth_of_one(model, h, horizon_weeks, rate))
    )
    return orders.join(worth.mul(money, axis=0)).assign(
        spend_is_individual=gamma_gamma.is_individual(buyers)
    )


def _orders(model: Purchases, h: pd.DataFrame, horizon_weeks: float) -> pd.DataFrame:
    """One row per history: what is expected of purchases, as `estimate` describes it."""
    return pd.DataFrame(
        {
            "model": model.code,
            "p_alive": model.p_alive(h),
            "expected_orders": model.expected_purchases(h, horizon_weeks),
            "expected_orders_median": _median(model, h, horizon_weeks),
        }
    )


def _worth_of_one(
    model: Purchases, h: pd.DataFrame, horizon_weeks: float, rate: float
) -> pd.DataFrame:
    """One row per history: the columns of money of `estimate`, if a purchase brought 1."""
    alive = model.p_alive(h).fillna(1)
    purchases = model.discounted_purchases(h, rate, horizon_weeks)
    staying = model.purchase_rate(h) * discounting.annuity(rate, horizon_weeks)
    retained = (alive * staying).clip(lower=purchases)
    return pd.DataFrame(
        {
            "expected_margin": purchases,
            "expected_margin_if_retained": retained,
            "margin_at_stake": retained - purchases,
            "churned_value": (1 - alive) * staying,
            "value_residual": model.discounted_purchases(h, rate) if rate > 0 else np.nan,
        }
    )


def by_group(
    worth: pd.DataFrame, customers: pd.DataFrame, by: str | pd.Series, margin: float
) -> pd.DataFrame:
    """Value by group, to hold against what it costs to win such customers.

    Parameters
    ----------
    worth : one row per customer, as `estimate` returns it
    customers : the same customers: net_sales, and margin_total where costs are known
    by : a column of customers (channel), or one value per customer_id (`acquisition_quarter`); who
        has none is in no group
    margin : share of net_sales that is earned, where margin_total is missing or empty

    Returns
    -------
    One row per group, sorted by it, its index.
        n_customers
        margin_so_far : margin up to now, net of returns, not discounted
        expected_margin, value_residual : as in `estimate`
        margin_so_far_mean, expected_margin_mean, value_residual_mean : the same per customer
    """
    same = customers.loc[worth.index]
    so_far = same["net_sales"].astype(float) * margin
    if "margin_total" in same:
        so_far = same["margin_total"].astype(float).fillna(so_far)
    group = same[by] if isinstance(by, str) else by.reindex(worth.index)
    money = worth[["expected_margin", "value_residual"]].assign(margin_so_far=so_far)
    money = money[["margin_so_far", "expected_margin", "value_residual"]]
    groups = money.groupby(group)
    total = groups.sum(min_count=1)
    total.insert(0, "n_customers", groups.size())
    return total.join(groups.mean().add_suffix("_mean"))


def acquisition_quarter(customers: pd.DataFrame) -> pd.Series:
    """The quarter of each customer's first purchase: `2023Q1`; empty for who never bought.

    Where the records begin in mid-business (`inflow`) those of the first wave are not from it.
    """
    quarter = pd.to_datetime(customers["first_order"]).dt.to_period("Q")
    return quarter.astype(str).where(quarter.notna()).rename("cohort")


def channel(customers: pd.DataFrame) -> pd.Series:
    """The channel each customer was won through; empty where it is not recorded."""
    return customers.reindex(columns=["channel"])["channel"]


def margin_share(customers: pd.DataFrame, otherwise: float) -> float:
    """The share of spend that is earned, over all customers whose costs are known; it may be < 0.

    customers : one row per customer: net_sales and margin_total (empty where a cost is unknown)
    otherwise : where no cost is known, or these customers' spend, net of returns, is not above 0
    """
    if "margin_total" not in customers:
        return otherwise
    known = customers[customers["margin_total"].notna()]
    spend, margin = known["net_sales"].sum(), known["margin_total"].sum()
    return float(margin / spend) if spend > 0 else otherwise


def return_share(customers: pd.DataFrame) -> float:
    """The share of all customers' spend that came back, in [0, 1].

    customers : one row per customer: gross_sales and net_sales (net of returns)
    """
    gross, net = float(customers["gross_sales"].sum()), float(customers["net_sales"].sum())
    return min(max(1 - net / gross, 0.0), 1.0) if gross > 0 else 0.0


def notes(margin: float) -> list[Note]:
    """`negative_margin`, with the margin in percent, or nothing."""
    return [Note("value", "negative_margin", float(round(100 * margin)))] if margin < 0 else []


def weekly_rate(annual: float) -> float:
    """The continuous rate per week that equals an annual one: ln(1 + annual) x 7 / 365.25.

    Raises
    ------
    InputError : a rate of -1 or less
    """
    if not annual > -1:
        raise InputError(f"the annual discount rate is {annual}; 0.10 is ten percent a year")
    return float(np.log1p(annual)) * 7 / 365.25


def _median(model: Purchases, h: pd.DataFrame, horizon_weeks: float) -> pd.Series | float:
    """The predictive median; NaN for a forecast without probabilities."""
    if not hasattr(model, "purchase_probabilities"):
        return np.nan
    return predictive_distribution.median(model, h, horizon_weeks)


def _margins(margin: float | pd.Series, customer_ids: pd.Index) -> float | pd.Series:
    """The margin, by customer where it is given by customer."""
    if not isinstance(margin, pd.Series):
        return margin
    found = margin.reindex(customer_ids)
    if found.isna().any():
        raise InputError(
            f"{found.isna().sum():,} of {len(found):,} customers have no margin (the first: "
            f"{found.index[found.isna()][0]}); fill them with the mean margin"
        )
    return found
