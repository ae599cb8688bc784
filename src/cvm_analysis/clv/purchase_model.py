"""What the package knows of a model of purchases, and what their draws have in common.

To add a model, write its module, which ends with its record, and name that in `forecasts.FITTED`;
the texts of each language say what it is called (`models`) and what its notes mean.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array

Generator = np.random.Generator

_MOST_PURCHASES = 1e9  # of one customer


class PurchaseModel(NamedTuple):
    """The record of a model; its module exports one as `MODEL`."""

    code: str  # in tables; its label is the word `models.<code>` of the texts
    fit: Callable[[pd.DataFrame], Any]  # distinct histories -> fitted model
    # fitted model, histories, weeks ahead, draws -> purchases, one row per history, one column each
    draw: Callable[[Any, pd.DataFrame, float, int, Generator], Array]
    is_from_first_purchase: bool = True  # its new customers begin with their first purchase ever


def rates(model: Any, x: Array, T: Array, alive: pd.Series, draws: int, rng: Generator) -> Array:
    """Purchases per week of each customer (down) and draw (across), 0 for who has left by T.

    Given alive at T, rates have the distribution Gamma(r + x, alpha + T) in all these models.

    alive : probability of each customer, empty where the model knows no drop-out
    """
    shape, (r, alpha) = (len(x), draws), model.params[:2]
    stays = rng.random(shape) < alive.fillna(1.0).to_numpy()[:, None]
    return rng.gamma(np.broadcast_to((r + x)[:, None], shape)) / (alpha + T)[:, None] * stays


def poisson(mean: Array, rng: Generator) -> Array:
    """Numbers of purchases, of a mean each."""
    return rng.poisson(np.minimum(mean, _MOST_PURCHASES)).astype(float)
