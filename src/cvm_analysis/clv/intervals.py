"""Prediction intervals of purchases and value, for customers and for groups of customers.

Each customer's future is simulated many times (`simulation`), parameters included. In these draws
the sum over many customers hardly varies. Real totals do: seasons and crises move all customers
together. So the intervals of totals include the size of past errors of totals.

All intervals are 80 % by default: 10 % of outcomes lie below, 10 % above. Customers with the same
history and spend have the same interval; neither the order of rows nor the ids matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from cvm_analysis.arrays import Array
from cvm_analysis.clv.numerics import simulation
from cvm_analysis.clv.numerics.simulation import HISTORY, Forecast, has_distribution
from cvm_analysis.errors import InputError

LEVEL = 0.8
DRAWS = 400  # per customer
COLUMNS = [
    "expected_margin_low", "expected_margin_high", "expected_orders_low", "expected_orders_high",
]  # fmt: skip
_CHUNK = 2**21  # doubles held at a time


def customer_intervals(
    customers: pd.DataFrame,
    values: pd.DataFrame,
    model: Any,
    spend: Any,
    horizon_weeks: float,
    level: float = LEVEL,
    draws: int = DRAWS,
) -> pd.DataFrame:
    """Intervals of each customer's purchases and value within the horizon.

    Parameters
    ----------
    customers : one row per customer, indexed by customer_id: x, t_x, T (weeks),
        spend_per_repeat_day
    values : one row per modelled customer, as `value.estimate` returns it for the same model, spend
        and horizon: expected_orders, expected_margin. Their ratio gives margin and discount per
        unit of spend (the customer's mean discount: purchase dates are not drawn)
    model : fitted; without a distribution of purchases (`has_distribution`) all ends are empty
    spend : Gamma-Gamma; any other counts as known exactly
    level : probability of an outcome within the interval

    Returns
    -------
    Same index as values; `COLUMNS`: margin in money, orders as whole numbers of purchase days (so
    that their interval covers more than `level`).

    Raises
    ------
    InputError : a level not between 0 and 1, or too few draws
    """
    _check(level, draws)
    if not has_distribution(model) or values.empty:
        return pd.DataFrame(np.nan, values.index, COLUMNS)
    forecast = _forecast(customers, values, spend)
    columns = forecast.h.assign(margin_per_spend=forecast.margin_per_spend)
    row, each = np.arange(len(columns)), columns
    if not getattr(model, "by_customer", False):
        row = columns.groupby(list(columns), dropna=False).ngroup().to_numpy()
        each = columns.assign(row=row).drop_duplicates("row").set_index("row").sort_index()
    found = np.empty((len(each), len(COLUMNS)))
    size = max(1, _CHUNK // draws)
    for start in range(0, len(each), size):
        part = each.iloc[start : start + size]
        rows = Forecast(part[HISTORY], part["margin_per_spend"].to_numpy())
        orders, margin = simulation.simulate(rows, (model, spend), horizon_weeks, draws)
        found[start : start + size] = np.column_stack(
            [*_interval(margin, level), *_interval(orders, level, "inverted_cdf")]
        )
    return pd.DataFrame(found[row], values.index, COLUMNS)


def total_intervals(
    customers: pd.DataFrame,
    values: pd.DataFrame,
    model: Any,
    spend: Any,
    horizon_weeks: float,
    by: pd.Series,
    past_errors: Sequence[float] = (),
    level: float = LEVEL,
    draws: int = DRAWS,
) -> pd.DataFrame:
    """Totals and intervals of the purchases and the value of groups of customers.

    Parameters
    ----------
    customers, values, model, spend, horizon_weeks, level : as in `customer_intervals`
    by : group of each customer_id (segment, region, one for all); rows without a group do not count
    past_errors : log(actual / forecast) of totals at earlier dates, over a horizon as long and of
        groups like these. Their root mean square scales a common factor with Student's t
        distribution, one degree of freedom per error. None: the model's own intervals, which are
        far too narrow on real data.

    Returns
    -------
    One row per group, sorted, its index: n_customers; expected_margin, expected_orders: sums of
    values; and `COLUMNS`, each pair after its sum.

    Raises
    ------
    InputError : as in `customer_intervals`, or past errors that are no numbers
    """
    _check(level, draws)
    errors = np.asarray(past_errors, float)
    if not np.isfinite(errors).all():
        raise InputError(f"past errors are not all numbers: {list(past_errors)}")
    group = by.reindex(values.index)
    groups = values.groupby(group)
    sums = groups[["expected_margin", "expected_orders"]].sum()
    found = {}
    if has_distribution(model):
        forecast, factor = _forecast(customers, values, spend), _common_factor(errors, draws)
        for name, rows in group.groupby(group).indices.items():
            part = Forecast(forecast.h.iloc[rows], forecast.margin_per_spend[rows])
            orders, margin = _simulate_total(_sorted(part), (model, spend), horizon_weeks, draws)
            found[name] = [*_interval(margin * factor, level), *_interval(orders * factor, level)]
    ends = pd.DataFrame.from_dict(found, orient="index", columns=COLUMNS, dtype=float)
    table = sums.assign(n_customers=groups.size()).join(ends)
    return table[["n_customers", "expected_margin", *COLUMNS[:2], "expected_orders", *COLUMNS[2:]]]


def tabulate_totals(
    customers: pd.DataFrame,
    values: pd.DataFrame,
    model: Any,
    spend: Any,
    horizon_weeks: float,
    segment: pd.Series,
    past_errors: Sequence[float] = (),
) -> pd.DataFrame:
    """Make table `value_totals`: the totals of each segment, and of `all` segments together.

    segment : of each customer_id; other arguments as for `total_intervals`
    """
    everyone = segment.mask(segment.notna(), "all")
    rest = values, model, spend, horizon_weeks
    tables = [total_intervals(customers, *rest, by, past_errors) for by in (segment, everyone)]
    return pd.concat(tables).rename_axis("segment")


def _check(level: float, draws: int) -> None:
    if not 0 < level < 1:
        raise InputError(f"the level is {level}; 0.8 leaves 10 % out at either end")
    if draws < simulation.PARAMETER_SETS:
        raise InputError(f"{draws} draws are too few; take {simulation.PARAMETER_SETS} or more")


def _forecast(customers: pd.DataFrame, values: pd.DataFrame, spend: Any) -> Forecast:
    """The histories of the customers in `values`, and their margin per unit of spend."""
    rows = customers.loc[values.index]
    spent = (values["expected_orders"] * spend.expected_spend(rows)).to_numpy(float)
    margin = values["expected_margin"].to_numpy(float)
    return Forecast(
        rows[HISTORY].astype(float),
        np.divide(margin, spent, out=np.zeros_like(margin), where=spent > 0),
    )


def _sorted(forecast: Forecast) -> Forecast:
    """The same rows in an order that does not depend on the input order."""
    keys = [forecast.margin_per_spend, *(forecast.h[name].fillna(-1) for name in HISTORY)]
    order = np.lexsort(keys)
    return Forecast(forecast.h.iloc[order], forecast.margin_per_spend[order])


def _simulate_total(
    forecast: Forecast, models: tuple[Any, Any], horizon: float, draws: int
) -> tuple[Array, Array]:
    """Purchases and margin of all rows together, one value per draw."""
    orders, margin = np.zeros(draws), np.zeros(draws)
    size = max(1, _CHUNK // draws)
    for start in range(0, len(forecast.h), size):
        part = Forecast(*(column[start : start + size] for column in forecast))
        more_orders, more_margin = simulation.simulate(part, models, horizon, draws, start)
        orders += more_orders.sum(axis=0)
        margin += more_margin.sum(axis=0)
    return orders, margin


def _common_factor(errors: Array, draws: int) -> Array:
    """A factor of the total, one per draw: exp of shuffled quantiles of Student's t."""
    if not errors.size:
        return np.ones(draws)
    quantiles = student.ppf((np.arange(draws) + 0.5) / draws, errors.size)
    shuffled = np.random.default_rng((simulation.SEED, 3)).permutation(quantiles)
    return np.exp(np.clip(np.sqrt(np.mean(errors**2)) * shuffled, -50, 50))


def _interval(draws: Array, level: float, method: Any = "linear") -> tuple[Array, Array]:
    """The quantiles that leave equal shares out at either end."""
    ends = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(draws, ends, axis=-1, method=method)
    return low, high
