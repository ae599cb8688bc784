"""How far a forecast may be off: limits of purchases and value, of customers and of groups.

What a customer will do is drawn many times (`simulated`), parameters included.

A sum over many customers is, by these draws, known almost exactly. Real totals are not: seasons and
crises move all customers together. So limits of totals take in how far earlier forecasts of the
total were off.

All limits are of 80 % unless told otherwise: one time in ten it will be less, one in ten more.
Customers with the same history and spend have the same limits; nothing depends on the order of rows
or on ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from cvm_analysis.arrays import Array
from cvm_analysis.clv.numerics.simulation import HISTORY, SEED, SETS, Forecast, can_draw, draw
from cvm_analysis.errors import InputError

LEVEL = 0.8
DRAWS = 400  # of what each customer does
_CHUNK = 2**21  # doubles held at a time


def by_customer(
    people: pd.DataFrame,
    worth: pd.DataFrame,
    model: Any,
    spend: Any,
    horizon_weeks: float,
    level: float = LEVEL,
    draws: int = DRAWS,
) -> pd.DataFrame:
    """Limits of what each customer will do within the horizon.

    Parameters
    ----------
    people : one row per customer, indexed by customer_id: x, t_x, T (weeks), spend_per_repeat_day
    worth : one row per modelled customer, as `value.estimate` returns it for the same model, spend
        and horizon: expected_orders, expected_margin; it says what is earned of a purchase and how
        it is discounted (with the customer's mean discount: when in the horizon they buy is not
        drawn)
    model : fitted; without a distribution of purchases (`can_draw`), all limits are empty
    spend : Gamma-Gamma; any other is taken to be known exactly
    level : probability of lying between the limits

    Returns
    -------
    Same index as worth. expected_orders_low, expected_orders_high : purchases (days with one),
    whole numbers;
    expected_margin_low, expected_margin_high : money. Counts are whole, so the truth lies between
        those of
    orders more often than `level`.

    Raises
    ------
    InputError : a level not between 0 and 1, or fewer than 20 draws
    """
    _check(level, draws)
    names = [
        "expected_orders_low",
        "expected_orders_high",
        "expected_margin_low",
        "expected_margin_high",
    ]
    if not can_draw(model) or worth.empty:
        return pd.DataFrame(np.nan, worth.index, names)
    ahead = _ahead(people, worth, spend)
    columns = ahead.h.assign(worth_of_1=ahead.worth_of_1)
    row = columns.groupby(list(columns), dropna=False).ngroup().to_numpy()
    each = columns.assign(row=row).drop_duplicates("row").set_index("row").sort_index()
    found = np.empty((len(each), len(names)))
    size = max(1, _CHUNK // draws)
    for start in range(0, len(each), size):
        part = each.iloc[start : start + size]
        orders, money = draw(
            Forecast(part[HISTORY], part["worth_of_1"].to_numpy()),
            (model, spend), horizon_weeks, draws,
        )  # fmt: skip
        found[start : start + size] = np.column_stack(
            [*_limits(orders, level, "inverted_cdf"), *_limits(money, level)]
        )
    return pd.DataFrame(found[row], worth.index, names)


def totals(
    people: pd.DataFrame,
    worth: pd.DataFrame,
    model: Any,
    spend: Any,
    horizon_weeks: float,
    by: pd.Series,
    past_errors: Sequence[float] = (),
    level: float = LEVEL,
    draws: int = DRAWS,
) -> pd.DataFrame:
    """Limits of the purchases and the value of groups of customers within the horizon.

    Parameters
    ----------
    people, worth, model, spend, horizon_weeks, level : as in `by_customer`
    by : group of each customer_id (segment, region, one for all); who has none is in no group
    past_errors : log(actual / forecast) of totals at earlier dates, over a horizon as long and of
        groups like these. Their spread about 0, no error, multiplies the totals: as many as there
        are tell it, so with few of them it is the wider (Student's t). None: the limits are those
        of the model alone, which on real data are far too narrow.

    Returns
    -------
    One row per group, sorted, its index: n_customers; orders, value: sums of worth; orders_low,
    orders_high, value_low, value_high.

    Raises
    ------
    InputError : as in `by_customer`, or past errors that are no numbers
    """
    _check(level, draws)
    errors = np.asarray(past_errors, float)
    if not np.isfinite(errors).all():
        raise InputError(f"past errors are not all numbers: {list(past_errors)}")
    group = by.reindex(worth.index)
    sums = worth.groupby(group)[["expected_orders", "expected_margin"]].sum()
    sums = sums.set_axis(["orders", "value"], axis=1)
    sums.insert(0, "n_customers", worth.groupby(group).size())
    names = ["orders_low", "orders_high", "value_low", "value_high"]
    if not can_draw(model):
        return sums.join(pd.DataFrame(np.nan, sums.index, names))
    ahead = _ahead(people, worth, spend)
    off = np.exp(_common_errors(errors, draws))
    found = {}
    for name, rows in group.groupby(group).indices.items():
        part = Forecast(ahead.h.iloc[rows], ahead.worth_of_1[rows])
        orders, money = _total(_sorted(part), (model, spend), horizon_weeks, draws)
        found[name] = [*_limits(orders * off, level), *_limits(money * off, level)]
    limits = pd.DataFrame.from_dict(found, orient="index", columns=names)
    return sums.join(limits)


def tabulate_totals(
    people: pd.DataFrame,
    worth: pd.DataFrame,
    model: Any,
    spend: Any,
    horizon_weeks: float,
    segment: pd.Series,
    past_errors: Sequence[float] = (),
) -> pd.DataFrame:
    """Make table `value_totals`: the totals of each segment, and of `all` who have one.

    segment : of each customer_id; other arguments as for `totals`
    """
    groups = segment, segment.mask(segment.notna(), "all")
    rest = worth, model, spend, horizon_weeks
    return pd.concat([totals(people, *rest, by, past_errors) for by in groups]).rename_axis(
        "segment"
    )


def _check(level: float, draws: int) -> None:
    if not 0 < level < 1:
        raise InputError(f"the level is {level}; 0.8 leaves one of ten out at either end")
    if draws < SETS:
        raise InputError(f"{draws} draws are too few; take {SETS} or more")


def _ahead(people: pd.DataFrame, worth: pd.DataFrame, spend: Any) -> Forecast:
    """The histories of the customers of worth, and what a purchase of 1 is worth to them."""
    rows = people.loc[worth.index]
    money = (worth["expected_orders"] * spend.expected_spend(rows)).to_numpy(float)
    value = worth["expected_margin"].to_numpy(float)
    return Forecast(
        rows[HISTORY].astype(float),
        np.divide(value, money, out=np.zeros_like(value), where=money > 0),
    )


def _sorted(ahead: Forecast) -> Forecast:
    """The same rows in an order that does not depend on the one they came in."""
    keys = [ahead.worth_of_1, *(ahead.h[name].fillna(-1) for name in HISTORY)]
    order = np.lexsort(keys)
    return Forecast(ahead.h.iloc[order], ahead.worth_of_1[order])


def _total(
    ahead: Forecast, models: tuple[Any, Any], horizon: float, draws: int
) -> tuple[Array, Array]:
    """Purchases and money of all rows together, one value per draw."""
    orders, money = np.zeros(draws), np.zeros(draws)
    size = max(1, _CHUNK // draws)
    for start in range(0, len(ahead.h), size):
        part = Forecast(ahead.h[start : start + size], ahead.worth_of_1[start : start + size])
        more_orders, more_money = draw(part, models, horizon, draws, start)
        orders += more_orders.sum(axis=0)
        money += more_money.sum(axis=0)
    return orders, money


def _common_errors(errors: Array, draws: int) -> Array:
    """An error of the logarithm of a total, one per draw: quantiles of Student's t, mixed."""
    if not errors.size:
        return np.zeros(draws)
    quantiles = student.ppf((np.arange(draws) + 0.5) / draws, errors.size)
    mixed = np.random.default_rng((SEED, 3)).permutation(quantiles)
    return np.clip(np.sqrt(np.mean(errors**2)) * mixed, -50, 50)


def _limits(values: Array, level: float, method: Any = "linear") -> tuple[Array, Array]:
    """The quantiles that leave as much out at either end."""
    ends = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(values, ends, axis=-1, method=method)
    return low, high
