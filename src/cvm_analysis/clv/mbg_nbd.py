"""MBG/NBD: BG/NBD in which a customer may also leave right after the very first purchase.

Sources: [1] Batislam, Denizel & Filiztekin (2007), "Empirical Validation and Comparison of Models
for Customer Base Analysis", International Journal of Research in Marketing 24(3), 201-209.
[2] Hoppe & Wagner (2007), "Customer Base Analysis: The Case for a Central Variant of the
Betageometric/NBD Model", Marketing - Journal of Research and Management 3(2), 75-90. Customers buy
at random at their own rate (Gamma: shape r, scale alpha in weeks) and after each purchase, the
first included, leave with their own probability (Beta: a, b). So a one-time buyer may be gone,
whom BG/NBD holds alive for ever. Once alive at T, both models go on alike: what BG/NBD says of b,
this one says of b + 1.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import autograd.numpy as anp
import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.clv import bg_nbd, histories, nbd, purchase_model
from cvm_analysis.clv.numerics import mle
from cvm_analysis.clv.purchase_model import Generator, PurchaseModel


class Params(NamedTuple):
    """Rates: shape r, scale alpha (weeks). Drop-out after a purchase: mean a / (a + b)."""

    r: float
    alpha: float
    a: float
    b: float


@dataclass(frozen=True)
class MbgNbd(bg_nbd.DropOutAtPurchase):
    """A fitted model; `fit` makes one."""

    code: ClassVar[str] = "mbg_nbd"

    params: Params
    std_errors: Params

    @property
    def params_while_alive(self) -> bg_nbd.Params:
        """The BG/NBD model of who did not leave with the first purchase."""
        r, alpha, a, b = self.params
        return bg_nbd.Params(r, alpha, a, b + 1)

    def log_odds_dead(self, h: pd.DataFrame) -> Array:
        """Log odds of having left by T, as anybody may have."""
        x, t_x, T, _ = histories.arrays(h)
        return _log_odds_dead(self.params, x, t_x, T)

    def probability(self, x: int, t: float | Array) -> Array:
        """Probability that a new customer makes x repeat purchases in t weeks."""
        weeks = np.asarray(t, float)
        none = np.zeros(weeks.size)
        counts = bg_nbd.counts_while_alive(
            self.params_while_alive, none, none, weeks.ravel(), x + 1
        )
        found = bg_nbd.mix_with_dead(counts, _log_odds_dead(self.params, none, none, none))
        return found[:, x].reshape(weeks.shape)

    def expected_purchases_new(self, t: float | Array) -> Array:
        """Expected repeat purchases of a new customer in the first t weeks."""
        weeks = np.asarray(t, float)
        none = np.zeros(weeks.size)
        longest = float(weeks.max(initial=0))
        purchases = bg_nbd.expected_while_alive(self.params_while_alive, none, none, longest)(
            weeks.ravel()
        )
        _, _, a, b = self.params
        return purchases.reshape(weeks.shape) * b / (a + b)


def fit(h: pd.DataFrame) -> MbgNbd:
    """Fit by maximum likelihood; arguments and errors as for `nbd.fit`, reasons as in `DropOut`."""
    data = histories.arrays(h)
    without = nbd.fit(h)
    tops = [
        mle.fit_autograd(lambda logs: _log_likelihood(logs, data), start, data.n.sum(), "MBG/NBD")
        for start in bg_nbd.start_values(without.params)
    ]
    top = max(tops, key=lambda one: one.log_likelihood)
    reason = mle.reason(top, without.log_likelihood)
    return MbgNbd.from_maximum(top, Params, data.n.sum(), reason)


def log_likelihood(params: Params, h: pd.DataFrame) -> float:
    """Log-likelihood of the histories at given parameters.

    In the convention of the NBD and BG/NBD models, so the three may be compared.
    """
    return float(_log_likelihood(np.log(params), histories.arrays(h)))


def _log_likelihood(log_params: Array, data: histories.Arrays) -> Array:
    """That of the NBD model, of who has survived each purchase, and of who has not the last."""
    _, _, a, b = anp.exp(log_params)
    x, t_x, T, n = data
    reached = np.concatenate([[n.sum()], histories.count_at_least(x, n)])
    stayed = -anp.sum(reached * anp.log1p(a / (b + np.arange(len(reached)))))
    left = anp.sum(n * anp.logaddexp(0.0, _log_odds_dead(anp.exp(log_params), x, t_x, T)))
    return nbd.log_likelihood_at(log_params[:2], data) + stayed + left


def _log_odds_dead(params: Params | Array, x: Array, t_x: Array, T: Array) -> Array:
    """Log odds of having left right after the last purchase."""
    r, alpha, a, b = params
    return anp.log(a) - anp.log(b + x) + (r + x) * anp.log1p((T - t_x) / (alpha + t_x))


def draw(model: MbgNbd, h: pd.DataFrame, horizon: float, draws: int, rng: Generator) -> Array:
    """Draw purchases in the `horizon` weeks after T: one row per row of h, one column per draw.

    Each might have left once more than in BG/NBD: right after the first purchase.
    """
    x, _, T, _ = histories.arrays(h)
    rates = purchase_model.rates(model, x, T, model.p_alive(h), draws, rng)
    return bg_nbd.draw_until_leaving(model.params, x + 1, rates * horizon, rng)


MODEL = PurchaseModel(MbgNbd.code, fit, draw)
