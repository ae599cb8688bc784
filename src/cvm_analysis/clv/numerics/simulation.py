"""Simulated futures of customers: purchases after T and the margin they bring.

Each draw takes the parameters from the normal distribution of their logarithms that the fit gives
(the fitted ones where they are not identified), then, given the customer's history: whether they
are alive, their rate, when they drop out, a Poisson number of purchases until then, and the spend
on these. Each model's record has its own draw function. Of a pool, each set of parameters is of one
member, the same for all customers. The seed is fixed: the same rows give the same draws.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.clv.forecasts import FITTED
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.clv.pool import Pool

Generator = np.random.Generator

PARAMETER_SETS = 40  # the draws are divided among them
SEED = 20
HISTORY = ["x", "t_x", "T", "spend_per_repeat_day"]


class Forecast(NamedTuple):
    """Rows of one length: histories, and the discounted margin per unit of spend."""

    h: pd.DataFrame
    margin_per_spend: Array


def has_distribution(model: Any) -> bool:
    """Whether purchases can be drawn from the model, so that it has intervals."""
    return predictive_distribution.is_known(model) or model.code in FITTED


def simulate(
    forecast: Forecast, models: tuple[Any, Any], horizon: float, draws: int, chunk: int = 0
) -> tuple[Array, Array]:
    """Draw purchases and margin, one row per row of the forecast, one column per draw.

    The sets of parameters are the same for all rows; the rest is drawn anew for each `chunk`.
    """
    model, spend = models
    by_set = np.array_split(np.arange(draws), PARAMETER_SETS)
    model_sets, spend_sets = _model_sets(model), _parameter_sets(spend, 2)
    rng = np.random.default_rng((SEED, chunk))
    orders, margin = (np.empty((len(forecast.h), draws)) for _ in range(2))
    for columns, one_model, one_spend in zip(by_set, model_sets, spend_sets, strict=True):
        bought = _draw(one_model, forecast.h, horizon, len(columns), rng)
        orders[:, columns] = bought
        spent = one_spend.draw_spend(forecast.h, bought, rng)
        margin[:, columns] = spent * forecast.margin_per_spend[:, None]
    return orders, margin


def _draw(model: Any, h: pd.DataFrame, horizon: float, draws: int, rng: Generator) -> Array:
    """Draw purchases by the model's record, or by its own method if it has none."""
    record = FITTED.get(model.code)
    return (
        record.draw(model, h, horizon, draws, rng) if record else model.draw(h, horizon, draws, rng)
    )


def _model_sets(model: Any) -> list[Any]:
    """The parameter sets of a model, or of the members of a pool by their weights."""
    if not isinstance(model, Pool):
        return _parameter_sets(model, 1)
    sets = {id(member): _parameter_sets(member, 1) for member in model.members}
    members = model.allocate(PARAMETER_SETS)
    return [sets[id(member)][number] for number, member in enumerate(members)]


def _parameter_sets(model: Any, stream: int) -> list[Any]:
    """The model with drawn parameters, or unchanged where they are not identified.

    Antithetic pairs: the mean of the draws is the fitted parameters.
    """
    covariance = getattr(model, "covariance_log", None)
    if covariance is None or not model.identified or not np.isfinite(covariance).all():
        return [model] * PARAMETER_SETS
    values, vectors = np.linalg.eigh(covariance)
    rng = np.random.default_rng((SEED, stream, len(values)))
    z = rng.standard_normal((PARAMETER_SETS // 2, len(values)))
    shifts = np.concatenate([z, -z]) * np.sqrt(np.maximum(values, 0)) @ vectors.T
    if hasattr(model, "with_logs"):  # its coefficients are no logarithms of parameters
        return [model.with_logs(one) for one in model.logs + shifts]
    logs = np.log(np.array(model.params)) + shifts
    return [replace(model, params=type(model.params)(*np.exp(one).tolist())) for one in logs]
