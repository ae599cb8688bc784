"""Expected margin of each customer: purchases x spend x margin, discounted to today.

Drop-out is part of the expected purchases; a value is never multiplied by a churn risk again.

Each type of customer has its own forecast of purchases and of spend.

Returns and losses. Spend is modelled gross, since it cannot be below 0; a customer's own returns
are too few to forecast, so the return rate of the type is deducted from everybody's spend. The
margin is a share of the rest (`margins`). A negative one is kept: then the best buyers have the
lowest value, and a note says so.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from cvm_analysis.clv import discounting, gamma_gamma, margins
from cvm_analysis.clv.forecasts import model_rows
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.errors import InputError
from cvm_analysis.typed import settings


@settings
class Value:
    """How future value is estimated.

    horizon_weeks : how far ahead; annual_discount_rate : 0.10 is ten percent a year;
    margin : share of spend, where no cost is known; holdout_weeks : period to test grades on;
    covariates : attributes, fixed when a customer came, that forecasts may use
    """

    horizon_weeks: Annotated[int, Field(gt=0)] = 52
    annual_discount_rate: Annotated[float, Field(ge=0)] = 0.10
    margin: Annotated[float, Field(gt=0, le=1)] = 1.0
    holdout_weeks: Annotated[int, Field(gt=0)] = 26
    covariates: tuple[str, ...] = ()


SCALED = [
    "expected_orders", "expected_margin", "expected_margin_if_retained", "margin_at_stake",
    "churned_value", "value_residual", "expected_margin_low", "expected_margin_high",
]  # fmt: skip


def estimate_by_type(
    customers: pd.DataFrame,
    models: Mapping[str, Any],
    spends: Mapping[str, Any],
    horizon_weeks: float,
    annual_discount_rate: float,
    margin: float | pd.Series,
    medians: bool = True,
) -> pd.DataFrame:
    """Estimate the value of each customer by the models of their type.

    Parameters
    ----------
    customers : as for `estimate`, and customer_type, gross_sales, net_sales. The share returned is
        that of the type
    models, spends : customer_type -> fitted; customers of a type without them are left out
    margin : share of spend net of returns, one for all or one per customer_id
    medians : False leaves expected_orders_median empty, which is faster and enough for money

    Returns
    -------
    One row per modelled customer, in the order of `customers`; columns of `estimate`.
    """
    found = []
    for kind in models:
        rows = customers[(customers["customer_type"] == kind) & customers["x"].notna()]
        returned = margins.return_share(rows)
        terms = horizon_weeks, annual_discount_rate, margin, returned, medians
        found.append(estimate(rows, models[kind], spends[kind], *terms))
    table = pd.concat([each for each in found if len(each)] or found)
    return table.loc[customers.index.intersection(table.index, sort=False)]


def scale(values: pd.DataFrame, factor: float) -> pd.DataFrame:
    """Multiply what is summed over customers (`SCALED`) by a factor; medians and orders' ends stay.

    values : one row per customer, as table `value`
    """
    columns = [name for name in SCALED if name in values]
    return values.assign(**(values[columns] * factor))


def estimate(
    customers: pd.DataFrame,
    model: Any,
    spend: Any,
    horizon_weeks: float,
    annual_discount_rate: float,
    margin: float | pd.Series,
    return_share: float = 0.0,
    medians: bool = True,
) -> pd.DataFrame:
    """Estimate the value of each modelled customer over a horizon.

    Parameters
    ----------
    customers : one row per customer, indexed by customer_id: x, t_x, T (weeks),
        spend_per_repeat_day (money, empty without repeat purchases); without a purchase: left out
    model : fitted, with the methods of `purchase_model.DropOut` or `ConstantRate`
    spend : fitted, with `expected_spend`
    annual_discount_rate : 0.10 is ten percent a year
    margin : share of spend net of returns, one for all or one per customer_id
    return_share : share of spend that is returned (`margins.return_share`)
    medians : False leaves expected_orders_median empty

    Returns
    -------
    One row per modelled customer, indexed by customer_id.
        model : code of the model
        p_alive : in [0, 1]; empty if the model has no drop-out
        expected_orders : mean purchase days within the horizon, not discounted; for sums and money
        expected_orders_median : predictive median of the same, for single customers; empty if the
            model has no distribution
        expected_margin : margin within the horizon, in the money of spend_per_repeat_day,
            discounted continuously from the day of each purchase to the last day of T
        expected_margin_if_retained : the same without further drop-out: P(alive) x margin at the
            customer's purchase rate
        margin_at_stake : margin at the customer's purchase rate, without drop-out, less the
            expected_margin: what may be lost by customers who leave or probably have left
        churned_value : of it the part of those who have left: (1 - P(alive)) x margin at the
            purchase rate. Both are 0 if the model has no drop-out
        value_residual : expected_margin without a horizon; empty without a discount rate
        spend_is_individual : whether the spend rests on the customer's own repeat purchases

    Raises
    ------
    InputError : impossible histories, a rate of -1 or less, or customers without a margin
    """
    h, key = model_rows(model, customers)
    buyers = customers.loc[key.index]
    share = _margins(margin, key.index) * (1 - return_share)
    money = spend.expected_spend(buyers) * share  # margin per purchase
    rate = weekly_rate(annual_discount_rate)
    orders = _orders(model, h, horizon_weeks, medians).loc[key].set_axis(key.index)
    weights = _discounted_orders(model, h, horizon_weeks, rate).loc[key].set_axis(key.index)
    return orders.join(weights.mul(money, axis=0)).assign(
        spend_is_individual=gamma_gamma.is_individual(buyers)
    )


def _orders(model: Any, h: pd.DataFrame, horizon_weeks: float, medians: bool) -> pd.DataFrame:
    """One row per history: the columns of `estimate` before the money."""
    table = pd.DataFrame({"model": model.code, "p_alive": model.p_alive(h)})
    table["expected_orders"] = model.expected_purchases(h, horizon_weeks)
    has_median = medians and predictive_distribution.is_known(model)
    median = predictive_distribution.median(model, h, horizon_weeks) if has_median else np.nan
    return table.assign(expected_orders_median=median)


def _discounted_orders(
    model: Any, h: pd.DataFrame, horizon_weeks: float, rate: float
) -> pd.DataFrame:
    """One row per history: the money columns of `estimate` at a margin of 1 per purchase."""
    alive = model.p_alive(h).fillna(1)
    purchases = model.discounted_purchases(h, rate, horizon_weeks)
    staying = model.purchase_rate(h) * discounting.annuity(rate, horizon_weeks)
    retained = (alive * staying).clip(lower=purchases)
    churned = (1 - alive) * staying
    return pd.DataFrame(
        {
            "expected_margin": purchases,
            "expected_margin_if_retained": retained,
            "margin_at_stake": retained + churned - purchases,
            "churned_value": churned,
            "value_residual": model.discounted_purchases(h, rate) if rate > 0 else np.nan,
        }
    )


def sum_by_group(
    values: pd.DataFrame, customers: pd.DataFrame, by: str | pd.Series, margin: float | pd.Series
) -> pd.DataFrame:
    """Sum the value by group: by cohort, beside the cost of winning a customer, or by class.

    Parameters
    ----------
    values : one row per customer, as `estimate` returns it
    customers : the same customers: net_sales, and margin_total where costs are known
    by : a column of customers, or one value per customer_id (`acquisition_quarter`, `channel`);
        customers without one do not count
    margin : share of net_sales, where margin_total is missing or empty; one for all or one per
        customer_id

    Returns
    -------
    One row per group, sorted by it, its index.
        n_customers
        margin_so_far : margin up to now, net of returns, not discounted
        expected_margin, value_residual : as in `estimate`
        margin_so_far_mean, expected_margin_mean, value_residual_mean : the same per customer
    """
    same = customers.loc[values.index]
    so_far = same["net_sales"].astype(float) * margin
    if "margin_total" in same:
        so_far = same["margin_total"].astype(float).fillna(so_far)
    group = same[by] if isinstance(by, str) else by.reindex(values.index)
    money = values[["expected_margin", "value_residual"]].assign(margin_so_far=so_far)
    money = money[["margin_so_far", "expected_margin", "value_residual"]]
    groups = money.groupby(group)
    total = groups.sum(min_count=1)
    total.insert(0, "n_customers", groups.size())
    return total.join(groups.mean().add_suffix("_mean"))


def acquisition_quarter(customers: pd.DataFrame) -> pd.Series:
    """The quarter of each customer's first purchase, as `2023Q1`; empty without a purchase.

    Customers of the initial stock (`acquisition`) were won earlier.
    """
    quarter = pd.to_datetime(customers["first_order"]).dt.to_period("Q")
    return quarter.astype(str).where(quarter.notna()).rename("cohort")


def channel(customers: pd.DataFrame) -> pd.Series:
    """The acquisition channel of each customer; empty where it is not recorded."""
    return customers.reindex(columns=["channel"])["channel"]


def weekly_rate(annual: float) -> float:
    """The continuous rate per week that equals an annual one: ln(1 + annual) x 7 / 365.25.

    InputError : a rate of -1 or less
    """
    if not annual > -1:
        raise InputError(f"the annual discount rate is {annual}; 0.10 is ten percent a year")
    return float(np.log1p(annual)) * 7 / 365.25


def _margins(margin: float | pd.Series, customer_ids: pd.Index) -> float | pd.Series:
    """The margin; checked and in order if it is given by customer."""
    if not isinstance(margin, pd.Series):
        return margin
    found = margin.reindex(customer_ids)
    if found.isna().any():
        raise InputError(
            f"{found.isna().sum():,} of {len(found):,} customers have no margin (the first: "
            f"{found.index[found.isna()][0]}); fill them with the mean margin"
        )
    return found
