"""MBG/NBD: BG/NBD with possible drop-out right after the very first purchase.

Sources: [1] Batislam, Denizel & Filiztekin (2007), "Empirical Validation and Comparison of Models
for Customer Base Analysis", International Journal of Research in Marketing 24(3), 201-209.
[2] Hoppe & Wagner (2007), "Customer Base Analysis: The Case for a Central Variant of the
Betageometric/NBD Model", Marketing - Journal of Research and Management 3(2), 75-90. Customers buy
at random at their own rate (Gamma: shape r, scale alpha in weeks) and drop out after each purchase,
the first included, with their own probability (Beta: a, b). So one-time buyers may be inactive;
BG/NBD counts them as always alive. From T on, customers alive follow BG/NBD with b + 1.
"""

from dataclasses import dataclass
from typing import ClassVar

import autograd.numpy as anp
import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.clv import bg_nbd, histories, nbd, purchase_model
from cvm_analysis.clv.bg_nbd import Params
from cvm_analysis.clv.numerics import mle
from cvm_analysis.clv.purchase_model import Generator, PurchaseModel


@dataclass(frozen=True)
class MbgNbd(bg_nbd.DropOutAtPurchase):
    """A fitted model; `fit` makes one."""

    code: ClassVar[str] = "mbg_nbd"

    params: Params
    std_errors: Params

    @property
    def params_while_alive(self) -> Params:
        """The BG/NBD model of customers who did not drop out at the first purchase."""
        r, alpha, a, b = self.params
        return Params(r, alpha, a, b + 1)

    def log_odds_dead(self, h: pd.DataFrame) -> Array:
        """Log odds of having dropped out by T."""
        x, t_x, T, _ = histories.arrays(h)
        return _log_odds_dead(self.params, x, t_x, T)


def fit(h: pd.DataFrame) -> MbgNbd:
    """Fit by maximum likelihood; arguments and errors as for `nbd.fit`, reasons as in `DropOut`."""
    data = histories.timed(h)
    without = nbd.fit(h)
    tops = [
        mle.fit_autograd(lambda logs: _log_likelihood(logs, data), start, data.n.sum(), "MBG/NBD")
        for start in bg_nbd.start_values(without.params)
    ]
    top = max(tops, key=lambda one: one.log_likelihood)
    reason = mle.reason(top, without.log_likelihood)
    return MbgNbd.from_maximum(top, Params, data.n.sum(), reason)


def log_likelihood(params: Params, h: pd.DataFrame) -> float:
    """Log-likelihood of the histories at given parameters, comparable to NBD and BG/NBD."""
    return float(_log_likelihood(np.log(params), histories.arrays(h)))


def _log_likelihood(log_params: Array, data: histories.Arrays) -> Array:
    """The NBD term, no drop-out at earlier purchases, and drop-out at the last."""
    r, alpha, a, b = anp.exp(log_params)
    x, t_x, T, n = data
    again = histories.count_at_least(x, n)
    bought = anp.sum(again * anp.log(r + np.arange(len(again))))
    bought = bought - anp.sum(n * (r * anp.log1p(T / alpha) + x * anp.log(alpha + T)))
    reached = np.concatenate([[n.sum()], again])
    stayed = -anp.sum(reached * anp.log1p(a / (b + np.arange(len(reached)))))
    left = anp.sum(n * anp.logaddexp(0.0, _log_odds_dead(anp.exp(log_params), x, t_x, T)))
    return bought + stayed + left


def _log_odds_dead(params: Params | Array, x: Array, t_x: Array, T: Array) -> Array:
    """Log odds of drop-out right after the last purchase."""
    r, alpha, a, b = params
    return anp.log(a) - anp.log(b + x) + (r + x) * anp.log1p((T - t_x) / (alpha + t_x))


def draw(model: MbgNbd, h: pd.DataFrame, horizon: float, draws: int, rng: Generator) -> Array:
    """Draw purchases in the `horizon` weeks after T: one row per row of h, one column per draw.

    One more chance of drop-out than in BG/NBD: the first purchase.
    """
    x, _, T, _ = histories.arrays(h)
    rates = purchase_model.rates(model, x, T, model.p_alive(h), draws, rng)
    return bg_nbd.draw_until_drop_out(model.params, x + 1, rates * horizon, rng)


MODEL = PurchaseModel(MbgNbd.code, fit, draw)
