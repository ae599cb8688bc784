"""Prediction intervals of each customer's purchases and value.

Each customer's future is simulated many times (`simulation`), parameters included. The ends are
quantiles of these futures: 10 % of them lie below, 10 % above. Errors that all customers have in
common are no part of them (`totals` adds those). Customers with the same history and spend have the
same interval; neither the order of rows nor the ids matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.clv.numerics import simulation
from cvm_analysis.clv.numerics.simulation import HISTORY, Forecast, has_distribution
from cvm_analysis.errors import InputError

LEVEL = 0.8
DRAWS = 400  # per customer
COLUMNS = [
    "expected_margin_low", "expected_margin_high", "expected_orders_low", "expected_orders_high",
]  # fmt: skip
CHUNK = 2**21  # doubles held at a time


def customer_intervals(
    customers: pd.DataFrame,
    values: pd.DataFrame,
    models: Mapping[str, Any],
    spends: Mapping[str, Any],
    horizon_weeks: float,
    level: float = LEVEL,
    draws: int = DRAWS,
) -> pd.DataFrame:
    """Intervals of each customer's purchases and value within the horizon.

    Parameters
    ----------
    customers : one row per customer, indexed by customer_id: customer_type, x, t_x, T (weeks),
        spend_per_repeat_day
    values : one row per modelled customer, as `value.estimate_by_type` returns it for the same
        models, spends and horizon: expected_orders, expected_margin. Their ratio gives margin and
        discount per unit of spend (the customer's mean discount: purchase dates are not drawn)
    models : customer_type -> fitted; without a distribution of purchases (`has_distribution`) all
        ends are empty
    spends : customer_type -> Gamma-Gamma; any other counts as known exactly
    level : probability of an outcome within the interval

    Returns
    -------
    Same index as values; `COLUMNS`: margin in money, orders as whole numbers of purchase days (so
    that their interval covers more than `level`).

    Raises
    ------
    InputError : a level not between 0 and 1, or too few draws
    """
    check_level(level, draws)
    found = pd.DataFrame(np.nan, values.index, COLUMNS)
    for kind, rows in values.groupby(customers["customer_type"].reindex(values.index)):
        if has_distribution(models[kind]):
            forecast = spend_forecast(customers, rows, spends[kind])
            both = models[kind], spends[kind]
            found.loc[rows.index] = _each(forecast, both, horizon_weeks, level, draws)
    return found


def _each(
    forecast: Forecast, models: tuple[Any, Any], horizon: float, level: float, draws: int
) -> Array:
    """One row per row of the forecast: `COLUMNS`. Equal histories are simulated once."""
    row, h = np.arange(len(forecast.h)), forecast.h
    if not getattr(models[0], "by_customer", False):
        row = h.groupby(list(h), dropna=False).ngroup().to_numpy()
        h = h.assign(row=row).drop_duplicates("row").set_index("row").sort_index()
    found = np.empty((len(h), len(COLUMNS)))
    size = max(1, CHUNK // draws)
    for start in range(0, len(h), size):
        part = h.iloc[start : start + size]
        orders, spent = simulation.simulate(
            Forecast(part, np.ones(len(part))), models, horizon, draws
        )
        found[start : start + size] = np.column_stack(
            [*interval(spent, level), *interval(orders, level, "inverted_cdf")]
        )
    found = found[row]
    found[:, :2] = np.sort(found[:, :2] * forecast.margin_per_spend[:, None], axis=1)
    return found


def check_level(level: float, draws: int) -> None:
    """Refuse a level not between 0 and 1 and too few draws (InputError)."""
    if not 0 < level < 1:
        raise InputError(f"the level is {level}; 0.8 leaves 10 % out at either end")
    if draws < simulation.PARAMETER_SETS:
        raise InputError(f"{draws} draws are too few; take {simulation.PARAMETER_SETS} or more")


def spend_forecast(customers: pd.DataFrame, values: pd.DataFrame, spend: Any) -> Forecast:
    """The histories of the customers in `values`, and their margin per unit of spend."""
    rows = customers.loc[values.index]
    spent = (values["expected_orders"] * spend.expected_spend(rows)).to_numpy(float)
    margin = values["expected_margin"].to_numpy(float)
    return Forecast(
        rows[HISTORY].astype(float),
        np.divide(margin, spent, out=np.zeros_like(margin), where=spent > 0),
    )


def interval(draws: Array, level: float, method: Any = "linear") -> tuple[Array, Array]:
    """The quantiles that leave equal shares out at either end."""
    ends = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(draws, ends, axis=-1, method=method)
    return low, high
