"""What customers may do, drawn many times: purchases after T and what they bring.

Each draw takes the parameters from the normal distribution of their logarithms that the fit gives,
where the data tell them (else the fitted ones are taken as known); whether the customer is still
one, their rate and when they leave, given their history; a Poisson number of purchases until then;
and what these bring, given what they spent so far. Each model's record tells how to draw from it.
The seed is fixed: the same rows give the same draws.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.clv.forecasts import FITTED

SETS = 40  # of parameters; the draws are shared out among them
SEED = 20
HISTORY = ["x", "t_x", "T", "spend_per_repeat_day"]


class Forecast(NamedTuple):
    """Rows of one length: histories, and the money that a purchase of 1 brings, discounted."""

    h: pd.DataFrame
    worth_of_1: Array


def can_draw(model: Any) -> bool:
    """Whether there are limits for a model: those who give no distribution have none."""
    return model.code in FITTED


def draw(
    ahead: Forecast, models: tuple[Any, Any], horizon: float, draws: int, chunk: int = 0
) -> tuple[Array, Array]:
    """Purchases and money of each row (down) and draw (across).

    The sets of parameters are the same whatever the rows; the rest is drawn anew for each `chunk`.
    """
    model, spend = models
    by_set = np.array_split(np.arange(draws), SETS)
    model_sets, spend_sets = _sets(model, 1), _sets(spend, 2)
    rng = np.random.default_rng((SEED, chunk))
    orders, money = (np.empty((len(ahead.h), draws)) for _ in range(2))
    for columns, one_model, one_spend in zip(by_set, model_sets, spend_sets, strict=True):
        bought = FITTED[model.code].draw(one_model, ahead.h, horizon, len(columns), rng)
        orders[:, columns] = bought
        spent = one_spend.draw_spend(ahead.h, bought, rng)
        money[:, columns] = spent * ahead.worth_of_1[:, None]
    return orders, money


def _sets(model: Any, stream: int) -> list[Any]:
    """The model with parameters drawn anew, or itself where the data do not tell them.

    The draws come in pairs on either side of the fitted parameters, so their mean is these.
    """
    covariance = getattr(model, "covariance_log", None)
    if covariance is None or not model.identified or not np.isfinite(covariance).all():
        return [model] * SETS
    values, vectors = np.linalg.eigh(covariance)
    rng = np.random.default_rng((SEED, stream, len(values)))
    z = rng.standard_normal((SETS // 2, len(values)))
    shifts = np.concatenate([z, -z]) * np.sqrt(np.maximum(values, 0)) @ vectors.T
    logs = np.log(np.array(model.params)) + shifts
    return [replace(model, params=type(model.params)(*np.exp(one).tolist())) for one in logs]
