"""BG/NBD: expected purchases and probability of being alive, with drop-out after purchases.

Sources: [1] Fader, Hardie & Lee (2005), "Counting Your Customers the Easy Way", Marketing Science
24(2), 275-284. [2] the same authors (2008), "Computing P(alive) Using the BG/NBD Model". Customers
buy at random at their own rate (Gamma: shape r, scale alpha in weeks) and drop out after each
repeat purchase with their own probability (Beta: a, b). Without drop-out it is the NBD model.
Symbols as in the papers: x repeat purchases, t_x weeks from first to last, T weeks observed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from cvm_analysis.arrays import Array
from cvm_analysis.clv import discounting, histories, nbd, purchase_model
from cvm_analysis.clv.numerics import mle, quadrature
from cvm_analysis.clv.purchase_model import Generator, PurchaseModel

_STARTS = ((1.0, 3.0), (0.1, 0.1))  # of a and b
_MAX_START_R = 10.0
_NEW = pd.DataFrame({"x": [0.0], "t_x": [0.0], "T": [0.0]})  # a customer on the first day


class Params(NamedTuple):
    """Rates: shape r, scale alpha (weeks). Drop-out after a repeat purchase: mean a / (a + b)."""

    r: float
    alpha: float
    a: float
    b: float


class DropOutAtPurchase(purchase_model.DropOut):
    """What BG/NBD and MBG/NBD share: the future of customers alive at T."""

    @property
    def params_while_alive(self) -> Params:
        """Parameters of the BG/NBD model that customers alive at T follow."""
        raise NotImplementedError

    def purchase_probabilities(self, h: pd.DataFrame, horizon: float, most: int) -> Array:
        """One row per row of h: P(0, ..., most - 1, `most` or more purchases after T)."""
        x, _, T, _ = histories.arrays(h)
        weeks = np.full(len(x), discounting.longest(0.0, horizon))
        counts = counts_while_alive(self.params_while_alive, x, T, weeks, most)
        return mix_with_dead(counts, self.log_odds_dead(h))

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """As `purchase_model.DropOut.discounted_purchases`."""
        x, _, T, _ = histories.arrays(h)
        longest = discounting.longest(rate, horizon)
        r, alpha, a, b = self.params_while_alive
        # Given that a customer is alive, only x and T matter: far fewer pairs than histories.
        pairs, row = np.unique(np.column_stack([x, T]), axis=0, return_inverse=True)
        x, T = pairs.T
        purchases = expected_while_alive(self.params_while_alive, x, T, longest)
        bend = (alpha + T) / np.maximum((r + x) * a / (a + b + x), 1)
        sums = discounting.discounted(purchases, bend, rate, horizon)[row]
        return (self.p_alive(h) * sums).rename("discounted_purchases")

    def probability(self, x: int, t: float | Array) -> Array:
        """Probability that a new customer makes x repeat purchases in t weeks ([1], eq. 8).

        A sum of positive terms: small probabilities are exact, too.
        """
        weeks = np.asarray(t, float)
        none = np.zeros(weeks.size)
        counts = counts_while_alive(self.params_while_alive, none, none, weeks.ravel(), x + 1)
        return mix_with_dead(counts, self.log_odds_dead(_NEW))[:, x].reshape(weeks.shape)

    def expected_purchases_new(self, t: float | Array) -> Array:
        """Expected repeat purchases of a new customer in the first t weeks ([1], eq. 9)."""
        weeks = np.asarray(t, float)
        none, longest = np.zeros(weeks.size), float(weeks.max(initial=0))
        purchases = expected_while_alive(self.params_while_alive, none, none, longest)
        return self.p_alive(_NEW)[0] * purchases(weeks.ravel()).reshape(weeks.shape)


@dataclass(frozen=True)
class BgNbd(DropOutAtPurchase):
    """A fitted model; `fit` makes one."""

    code: ClassVar[str] = "bg_nbd"

    params: Params
    std_errors: Params

    @property
    def params_while_alive(self) -> Params:
        """The fitted parameters."""
        return self.params

    def log_odds_dead(self, h: pd.DataFrame) -> Array:
        """Log odds of having dropped out by T ([2]); -inf for x = 0."""
        x, t_x, T, _ = histories.arrays(h)
        return _log_odds_dead(self.params, x, t_x, T)


def fit(h: pd.DataFrame) -> BgNbd:
    """Fit by maximum likelihood; arguments and errors as for `nbd.fit`, reasons as in `DropOut`."""
    data = histories.timed(h)
    without = nbd.fit(h)
    top = mle.multistart(derivatives, data, start_values(without.params), "BG/NBD")
    reason = mle.reason(top, without.log_likelihood)
    return BgNbd.from_maximum(top, Params, data.n.sum(), reason)


def start_values(without: nbd.Params) -> list[tuple[float, float, float, float]]:
    """Start values from the NBD model of the same customers.

    Without drop-out in the model, r may diverge; the search would not return from there.
    """
    r = min(without.r, _MAX_START_R)
    return [(r, r * without.alpha / without.r, a, b) for a, b in _STARTS]


def log_likelihood(params: Params, h: pd.DataFrame) -> float:
    """Log-likelihood of the histories at given parameters ([1], eq. 6)."""
    return derivatives(np.log(params), histories.arrays(h))[0]


def derivatives(log_params: Array, data: histories.Arrays) -> tuple[float, Array, Array]:
    """Log-likelihood, its gradient and its Hessian, of the logarithms of the parameters.

    The sum of three terms: the NBD model, no drop-out at earlier purchases, and drop-out at the
    last.
    """
    params = Params(*np.exp(log_params))
    value, slope, bend = _buying(params, data)
    for more in (_surviving(params, data), _dropping_out(params, data)):
        value, slope, bend = value + more[0], slope + more[1], bend + more[2]
    return value, slope, bend


def _buying(params: Params, data: histories.Arrays) -> tuple[float, Array, Array]:
    """The NBD term, in r and alpha."""
    r, alpha, _, _ = params
    x, _, T, n = data
    reached = histories.count_at_least(x, n)
    step = r / (r + np.arange(len(reached)))
    seen, e = n * r * np.log1p(T / alpha), alpha / (alpha + T)
    value = np.sum(reached * np.log(r + np.arange(len(reached))))
    value -= np.sum(seen + n * x * np.log(alpha + T))
    slope, bend = np.zeros(4), np.zeros((4, 4))
    slope[:2] = np.sum(reached * step) - seen.sum(), np.sum(n * (r * (1 - e) - x * e))
    bend[0, 0] = np.sum(reached * step * (1 - step)) - seen.sum()
    bend[0, 1] = bend[1, 0] = np.sum(n * r * (1 - e))
    bend[1, 1] = -np.sum(n * (r + x) * e * (1 - e))
    return float(value), slope, bend


def _surviving(params: Params, data: histories.Arrays) -> tuple[float, Array, Array]:
    """The term of no drop-out at a purchase that another followed; free of cancellation."""
    _, _, a, b = params
    reached = histories.count_at_least(data.x, data.n)
    before = b + np.arange(len(reached))
    after = a + before
    both = reached * a * b / after
    slope, bend = np.zeros(4), np.zeros((4, 4))
    slope[2:] = -np.sum(reached * a / after), np.sum(both / before)
    bend[2, 2] = -np.sum(reached * a / after * (before / after))
    bend[2, 3] = bend[3, 2] = np.sum(both / after)
    bend[3, 3] = np.sum(both / before * (1 - b / before - b / after))
    return -float(np.sum(reached * np.log1p(a / before))), slope, bend


def _dropping_out(params: Params, data: histories.Arrays) -> tuple[float, Array, Array]:
    """The term of drop-out at the last purchase, log(1 + odds)."""
    r, alpha, _, b = params
    x, t_x, T, n = (column[data.x > 0] for column in data)
    odds = _log_odds_dead(params, x, t_x, T)
    p = n * expit(odds)
    inactive, e, f = r * np.log1p((T - t_x) / (alpha + t_x)), alpha / (alpha + T), t_x + alpha
    shift, last = -e * (T - t_x) / f, b / (b + (x - 1))
    slopes = np.stack([inactive, (r + x) * shift, np.ones_like(x), -last])
    bend = (slopes * (p * expit(-odds))) @ slopes.T
    bend[0, 0] += np.sum(p * inactive)
    bend[[0, 1], [1, 0]] += np.sum(p * r * shift)
    bend[1, 1] += np.sum(p * (r + x) * shift * (1 - e - alpha / f))
    bend[3, 3] -= np.sum(p * last * (1 - last))
    return float(np.sum(n * np.logaddexp(0.0, odds))), slopes @ p, bend


def _log_odds_dead(params: Params | Array, x: Array, t_x: Array, T: Array) -> Array:
    """Log odds of drop-out right after the last purchase ([2]); -inf for x = 0."""
    r, alpha, a, b = params
    once = np.maximum(x, 1)
    odds = np.log(a) - np.log(b + (once - 1)) + (r + x) * np.log1p((T - t_x) / (alpha + t_x))
    return np.where(x > 0, odds, -np.inf)


def expected_while_alive(
    params: Params, x: Array, T: Array, longest: float
) -> Callable[[Array], Array]:
    """A function: weeks (one per row) -> expected purchases of customers alive at T ([1], eq. 10).

    Given alive, p has the distribution Beta(a, b + x) and the rate Gamma(r + x, alpha + T), so
    the purchases are the mean over p of (1 - (1 + p t / (alpha + T))^-(r + x)) / p.
    """
    r, alpha, a, b = params
    distinct, row = np.unique(x, return_inverse=True)
    steepness = float(((r + x) * longest / (alpha + T)).max(initial=1.0))
    rule = quadrature.beta_rule(np.full(len(distinct), a), b + distinct, steepness)

    def given(p: Array, shape: Array, ratio: Array) -> Array:
        return -np.expm1(-shape * np.log1p(p * ratio)) / p

    return lambda weeks: quadrature.expectation(rule, row, given, r + x, weeks / (alpha + T))


def counts_while_alive(params: Params, x: Array, T: Array, weeks: Array, most: int) -> Array:
    """Probabilities of 0, ..., most - 1, and of `most` or more purchases of customers alive at T.

    One row per x, T and weeks after T. Two cases make k purchases: no drop-out and time for just k,
    or drop-out at the k-th and time for k or more ([1], eq. 8).
    """
    r, alpha, a, b = params
    if_staying = nbd.probabilities(r + x, weeks / (alpha + T), most)
    or_more = np.cumsum(if_staying[:, ::-1], axis=1)[:, ::-1]
    stayed_before = (b + x)[:, None] + np.arange(most)
    stays = np.exp(-np.cumsum(np.log1p(a / stayed_before), axis=1))
    before = np.hstack([np.ones((len(x), 1)), stays[:, :-1]])
    leaves = before * a / (a + stayed_before)
    inner = stays[:, :-1] * if_staying[:, 1:-1] + leaves[:, :-1] * or_more[:, 1:-1]
    return np.hstack([if_staying[:, :1], inner, before[:, -1:] * or_more[:, -1:]])


def mix_with_dead(counts: Array, log_odds_dead: Array) -> Array:
    """The same without knowing whether the customers are alive: others buy nothing."""
    found = counts * expit(-log_odds_dead)[:, None]
    found[:, 0] += expit(log_odds_dead)
    return found


def draw(model: BgNbd, h: pd.DataFrame, horizon: float, draws: int, rng: Generator) -> Array:
    """Draw purchases in the `horizon` weeks after T: one row per row of h, one column per draw."""
    x, _, T, _ = histories.arrays(h)
    rates = purchase_model.rates(model, x, T, model.p_alive(h), draws, rng)
    return draw_until_drop_out(model.params, x, rates * horizon, rng)


def draw_until_drop_out(
    params: tuple[float, float, float, float], stayed: Array, mean: Array, rng: Generator
) -> Array:
    """Draw purchases with drop-out after each, of probability p from Beta(a, b + stayed).

    stayed : purchases without drop-out so far, one per customer
    mean : expected purchases without drop-out, 0 after drop-out by T; one column per draw
    """
    _, _, a, b = params
    leave = rng.gamma(a, size=mean.shape)
    stay = rng.gamma(np.broadcast_to((b + stayed)[:, None], mean.shape))
    p = np.clip(leave / (leave + stay), 1e-12, 1 - 1e-12)
    last = np.ceil(rng.exponential(size=mean.shape) / -np.log1p(-p))
    return np.minimum(purchase_model.poisson(mean, rng), np.maximum(last, 1))


MODEL = PurchaseModel(BgNbd.code, fit, draw)
