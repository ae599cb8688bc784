"""Naive forecasts: customers go on as before. A model that does not beat them is of no use.

They have the same methods as the fitted models. A naive forecast is a mean only; `dispersed` adds
the dispersion of purchases around it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.clv import histories
from cvm_analysis.clv.purchase_model import ConstantRate
from cvm_analysis.errors import InputError

Values = TypeVar("Values", pd.Series, pd.DataFrame)

_USUAL = 0.9  # share of repeat customers whose mean gap is at most the usual one


@dataclass(frozen=True)
class OwnRate(ConstantRate):
    """Purchases at the customer's own past rate, x / T a week."""

    code: ClassVar[str] = "own_rate"

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Past repeat purchases per week, x / T, of each row of h; 0 without any."""
        x, _, T, _ = histories.arrays(h)
        rate = np.divide(x, T, out=np.zeros_like(x), where=T > 0)
        return pd.Series(rate, index=h.index, name="purchase_rate")


@dataclass(frozen=True)
class RecencyRule(ConstantRate):
    """Customers who bought within the last usual gap keep their own rate, x / T; others stop."""

    code: ClassVar[str] = "recency_rule"

    gap: float  # weeks

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Purchases per week of each row of h: x / T, or 0 if inactive for longer than the gap."""
        return OwnRate().purchase_rate(h).where(h["T"] - h["t_x"] <= self.gap, 0.0)


@dataclass(frozen=True)
class LastPeriod(ConstantRate):
    """Each customer buys as often as in the last period; a first purchase is no pace."""

    code: ClassVar[str] = "last_period"
    by_customer: ClassVar[bool] = True  # h is indexed by customer_id

    rates: pd.Series  # repeat purchases per week of the last period, by customer_id

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Purchases per week of each row of h, a customer, in the last period.

        InputError : a row is not a customer of that period
        """
        return select_customers(self.rates, h).rename("purchase_rate")


@dataclass(frozen=True)
class OwnMean:
    """Spend at the customer's own mean of repeat purchases, or the population mean without any."""

    population_mean: float  # per purchase day, in the config's currency

    def expected_spend(self, x_m: pd.DataFrame) -> pd.Series:
        """Expected spend per purchase day, one value per row."""
        return x_m["spend_per_repeat_day"].fillna(self.population_mean).rename("expected_spend")

    def draw_spend(self, x_m: pd.DataFrame, bought: Array, rng: np.random.Generator) -> Array:
        """Spend on the purchases, row by draw; the mean counts as known exactly."""
        return bought * self.expected_spend(x_m).to_numpy(float)[:, None]


def fit_own_mean(customers: pd.DataFrame) -> OwnMean:
    """Take the mean gross spend per purchase day of all customers together."""
    days = customers["n_purchase_days"].sum()
    return OwnMean(float(customers["gross_sales"].sum() / days) if days else 0.0)


def fit_recency_rule(h: pd.DataFrame) -> RecencyRule:
    """Take the usual gap from repeat customers: 9 in 10 have a mean gap, t_x / x, up to it.

    h : one row per history; x, t_x, T (weeks) and optionally n customers who share it
    """
    x, t_x, _, n = histories.arrays(h)
    again = x > 0
    if not again.any():
        return RecencyRule(0.0)
    gaps = t_x[again] / x[again]
    order = np.argsort(gaps, kind="stable")
    share = np.cumsum(n[again][order]) / n[again].sum()
    return RecencyRule(float(gaps[order][np.searchsorted(share, _USUAL)]))


def count_last_period(
    days: pd.DataFrame, ids: pd.Index, until: dt.date, weeks: float
) -> LastPeriod:
    """Count the repeat purchases of each customer in the `weeks` up to a day; 0 without any.

    days : customer_id, day with a purchase; ids : the customers
    """
    start = until - dt.timedelta(weeks=weeks)
    day = pd.to_datetime(days["day"])
    repeats = days[day > day.groupby(days["customer_id"]).transform("min")]
    return LastPeriod(purchases_between(repeats, ids, start, until) / weeks)


def purchases_between(
    days: pd.DataFrame, ids: pd.Index, after: dt.date, until: dt.date
) -> pd.Series:
    """Purchase days of each customer after one day and up to another, whole numbers as floats.

    days : customer_id, day with a purchase
    """
    day = pd.to_datetime(days["day"])
    within = days.loc[(day > pd.Timestamp(after)) & (day <= pd.Timestamp(until)), "customer_id"]
    return within.value_counts().reindex(ids, fill_value=0).astype(float).rename("purchases")


def select_customers(values: Values, h: pd.DataFrame) -> Values:
    """The values, by customer_id, of the customers that are the rows of h.

    It takes as long as h has rows: a few thousand of a million are asked for, many times.

    InputError : the index of h has a customer without a value
    """
    place = values.index.get_indexer(h.index)
    unknown = place < 0
    if unknown.any():
        raise InputError(
            f"{unknown.sum():,} of {len(h):,} rows (the first: {h.index[unknown.argmax()]}) are no "
            "customers this forecast was made for; it needs one row per customer, by customer_id"
        )
    return values.take(place).set_axis(h.index)
