"""What customers may do, drawn many times: purchases after T and what they bring.

Each draw takes the parameters from the normal distribution of their logarithms that the fit gives,
where the data tell them (else the fitted ones are taken as known); whether the customer is still
one, their rate and when they leave, given their history; a Poisson number of purchases until then;
and what these bring, given what they spent so far. Given alive at T, in all these models the rate
has the distribution Gamma(r + x, alpha + T), and what remains of the stay that of a new customer
whose parameters have been updated. The seed is fixed: the same rows give the same draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cvm_analysis.clv.gamma_gamma import GammaGamma

Array = NDArray[np.float64]
Generator = np.random.Generator

SETS = 40  # of parameters; the draws are shared out among them
SEED = 20
HISTORY = ["x", "t_x", "T", "spend_per_repeat_day"]
_MOST_PURCHASES = 1e9  # of one customer


class Forecast(NamedTuple):
    """Rows of one length: histories, and the money that a purchase of 1 brings, discounted."""

    h: pd.DataFrame
    worth_of_1: Array


def can_draw(model: Any) -> bool:
    """Whether there are limits for a model: those who give no distribution have none."""
    return model.code in STAYS


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
        bought = _purchases(one_model, ahead.h, horizon, len(columns), rng)
        orders[:, columns] = bought
        money[:, columns] = _spent(one_spend, ahead.h, bought, rng) * ahead.worth_of_1[:, None]
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


def _purchases(model: Any, h: pd.DataFrame, horizon: float, draws: int, rng: Generator) -> Array:
    """Purchases within the horizon, row by draw: of who is alive, until they leave."""
    shape = (len(h), draws)
    alive = rng.random(shape) < model.p_alive(h).fillna(1.0).to_numpy()[:, None]
    r, alpha = model.params[:2]
    x, T = (h[name].to_numpy(float)[:, None] for name in ("x", "T"))
    if model.code == "zero_truncated_nbd":
        x, T = x + 1, np.full_like(T, model.window)
    rate = rng.gamma(np.broadcast_to(r + x, shape)) / (alpha + T)
    return STAYS[model.code](model, (x, T), rate * alive, horizon, rng)


def _until_a_time(
    model: Any, seen: tuple[Array, Array], rate: Array, horizon: float, rng: Generator
) -> Array:
    """Pareto/NBD: who is alive at T stays longer by a Pareto time (s, beta + T)."""
    _, _, s, beta = model.params
    stays = (beta + seen[1]) * np.expm1(rng.exponential(size=rate.shape) / s)
    return _poisson(rate * np.minimum(stays, horizon), rng)


def _until_a_purchase(
    model: Any, seen: tuple[Array, Array], rate: Array, horizon: float, rng: Generator
) -> Array:
    """BG/NBD and MBG/NBD: after each purchase they leave with a probability of Beta (a, b + x).

    b + x + 1 in MBG/NBD, where they might also have left right after the first purchase.
    """
    _, _, a, b = model.params
    stayed = seen[0] + (1 if model.code == "mbg_nbd" else 0)
    leave, stay = rng.gamma(a, size=rate.shape), rng.gamma(np.broadcast_to(b + stayed, rate.shape))
    p = np.clip(leave / (leave + stay), 1e-12, 1 - 1e-12)
    last = np.ceil(rng.exponential(size=rate.shape) / -np.log1p(-p))
    return np.minimum(_poisson(rate * horizon, rng), np.maximum(last, 1))


def _for_ever(
    model: Any, seen: tuple[Array, Array], rate: Array, horizon: float, rng: Generator
) -> Array:
    """NBD and zero-truncated NBD: nobody leaves."""
    return _poisson(rate * horizon, rng)


STAYS: dict[str, Callable[[Any, tuple[Array, Array], Array, float, Generator], Array]] = {
    "pareto_nbd": _until_a_time,
    "bg_nbd": _until_a_purchase,
    "mbg_nbd": _until_a_purchase,
    "nbd": _for_ever,
    "zero_truncated_nbd": _for_ever,
}


def _poisson(mean: Array, rng: Generator) -> Array:
    return rng.poisson(np.minimum(mean, _MOST_PURCHASES)).astype(float)


def _spent(spend: Any, h: pd.DataFrame, bought: Array, rng: Generator) -> Array:
    """What these purchases bring: by Gamma-Gamma given the spend so far, or at the known mean."""
    if not isinstance(spend, GammaGamma):
        return bought * spend.expected_spend(h).to_numpy(float)[:, None]
    p, q, gamma = spend.params
    known = (h["x"] > 0) & h["spend_per_repeat_day"].notna()
    x = h["x"].where(known, 0.0).to_numpy()[:, None]
    total = x * h["spend_per_repeat_day"].where(known, 0.0).to_numpy()[:, None]
    nu = rng.gamma(np.broadcast_to(p * x + q, bought.shape)) / (gamma + total)
    return rng.gamma(p * bought) / nu
