"""Pareto/NBD: expected purchases and probability of being alive, with drop-out at any time.

Sources: [1] Schmittlein, Morrison & Colombo (1987), "Counting Your Customers: Who Are They and What
Will They Do Next?", Management Science 33(1), 1-24. [2] Fader & Hardie (2005), "A Note on Deriving
the Pareto/NBD Model and Related Expressions". Customers buy at random at their own rate (Gamma:
shape r, scale alpha in weeks) and drop out at a random time, at their own drop-out rate (Gamma:
shape s, scale beta in weeks), possibly before the first repeat purchase. Without drop-out it is the
NBD model. Symbols as in the papers: x repeat purchases, t_x weeks from first to last, T weeks
observed.

The papers' hypergeometric functions are computed as the integrals over the drop-out time that they
come from ([2]). With u weeks from the first purchase to drop-out, the likelihood of a history is
Gamma(r + x) / Gamma(r) alpha^r beta^s times the sum of (alpha + T)^-(r + x) (beta + T)^-s, if alive
at T, and the integral from t_x to T of s (alpha + u)^-(r + x) (beta + u)^-(s + 1), if not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import exprel

from cvm_analysis.arrays import Array
from cvm_analysis.clv import bg_nbd, discounting, histories, nbd, purchase_model
from cvm_analysis.clv.numerics import mle
from cvm_analysis.clv.numerics.pareto_counts import Counts
from cvm_analysis.clv.numerics.pareto_integrals import Curve, Piece, integral, pieces
from cvm_analysis.clv.purchase_model import Generator, PurchaseModel

_STARTS = ((1.0, 1.0), (0.1, 0.01), (30.0, 30.0))  # of s, and of beta as a multiple of mean T


class Params(NamedTuple):
    """Rates: shape r, scale alpha (weeks). Drop-out: shape s, scale beta; s / beta per week."""

    r: float
    alpha: float
    s: float
    beta: float


@dataclass(frozen=True)
class ParetoNbd(purchase_model.DropOut):
    """A fitted model; `fit` makes one."""

    code: ClassVar[str] = "pareto_nbd"

    params: Params
    std_errors: Params

    def log_odds_dead(self, h: pd.DataFrame) -> Array:
        """Log odds of having dropped out by T; -inf only for a purchase on the last day."""
        x, t_x, T, _ = histories.arrays(h)
        dead = np.zeros_like(x)
        for piece in _dead(self.params, x, t_x, T):
            dead[piece.rows] = piece.mass.sum(axis=1)
        log_dead = np.log(dead, out=np.full_like(dead, -np.inf), where=dead > 0)
        return log_dead - _log_alive(self.params, x, t_x, T)

    def probability(self, x: int, t: float | Array) -> Array:
        """Probability that a new customer makes x repeat purchases in t weeks."""
        weeks = np.asarray(t, float)
        none = np.zeros(weeks.size)
        r, alpha, s, beta = self.params
        counts = Counts(none + r, none + alpha, s, none + beta, weeks.ravel())
        found = counts.surviving(x + 1)[:, x] + counts.dropping_out(x)
        return found.reshape(weeks.shape)

    def purchase_probabilities(self, h: pd.DataFrame, horizon: float, most: int) -> Array:
        """One row per row of h: P(0, ..., most - 1, `most` or more purchases after T)."""
        x, _, T, _ = histories.arrays(h)
        # Given that a customer is alive, only x and T matter: far fewer pairs than histories.
        pairs, row = np.unique(np.column_stack([x, T]), axis=0, return_inverse=True)
        weeks = np.full(len(pairs), discounting.longest(0.0, horizon))
        r, alpha, s, beta = self.params
        counts = Counts(r + pairs[:, 0], alpha + pairs[:, 1], s, beta + pairs[:, 1], weeks)
        found = counts.surviving(most)
        found[:, :most] += np.column_stack([counts.dropping_out(k) for k in range(most)])
        found[:, most] = counts.at_least(most)
        return bg_nbd.mix_with_dead(found[row], self.log_odds_dead(h))

    def expected_purchases_new(self, t: float | Array) -> Array:
        """Expected repeat purchases of a new customer in the first t weeks ([1], [2])."""
        r, alpha, s, beta = self.params
        return r / alpha * _weeks_alive(s, beta, np.asarray(t, float))

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """As `purchase_model.DropOut.discounted_purchases`."""
        longest = discounting.longest(rate, horizon)
        distinct, row = np.unique(histories.arrays(h).T, return_inverse=True)
        left, until = self.params.beta + distinct, np.full(len(distinct), longest)
        if rate == 0:
            weeks = _weeks_alive(self.params.s, left, until)
        else:
            none = np.zeros(len(distinct))
            curve = Curve(none, none, left, none + self.params.s, left, none + rate)
            weeks = integral(curve, until, none)
        return (self.purchase_rate(h) * self.p_alive(h) * weeks[row]).rename("discounted_purchases")


def fit(h: pd.DataFrame) -> ParetoNbd:
    """Fit by maximum likelihood; arguments and errors as for `nbd.fit`, reasons as in `DropOut`."""
    data = histories.timed(h)
    without = nbd.fit(h)
    mean_T = fsum(data.n * data.T) / fsum(data.n)  # the same in any order of rows
    starts = [(*without.params, s, share * mean_T) for s, share in _STARTS]
    top = mle.multistart(derivatives, data, starts, "Pareto/NBD")
    reason = mle.reason(top, without.log_likelihood)
    return ParetoNbd.from_maximum(top, Params, data.n.sum(), reason)


def log_likelihood(params: Params, h: pd.DataFrame) -> float:
    """Log-likelihood of the histories at given parameters ([2])."""
    return derivatives(np.log(params), histories.arrays(h))[0]


def derivatives(log_params: Array, data: histories.Arrays) -> tuple[float, Array, Array]:
    """Log-likelihood, its gradient and its Hessian, of the logarithms of the parameters."""
    params = Params(*np.exp(log_params))
    r, alpha, s, beta = params
    x, t_x, T, n = data
    reached = histories.count_at_least(x, n)
    step = r / (r + np.arange(len(reached)))
    upto = r * np.log1p(t_x / alpha) + x * np.log(alpha + t_x) + s * np.log1p(t_x / beta)
    value = np.sum(reached * np.log(r + np.arange(len(reached)))) - np.sum(n * upto)
    gradient, curvature = np.zeros(4), np.zeros((4, 4))
    gradient[0] = np.sum(reached * step)
    curvature[0, 0] = np.sum(reached * step * (1 - step))
    for piece in _dead(params, x, t_x, T):
        rows = piece.rows
        alive = np.exp(_log_alive(params, x[rows], t_x[rows], T[rows]))
        total = alive + piece.mass.sum(axis=1)
        value += np.sum(n[rows] * np.log(total))
        u = t_x[rows, None] + np.column_stack([piece.v, (T - t_x)[rows]])
        share = np.column_stack([piece.mass, alive]) / total[:, None]
        slope, bend = _moments(params, x[rows, None], u, n[rows, None] * share, share)
        gradient += slope
        curvature += bend
    return float(value), gradient, curvature


def _moments(
    params: Params, x: Array, u: Array, weight: Array, share: Array
) -> tuple[Array, Array]:
    """Gradient and Hessian, of some rows, of the log of a sum over the drop-out time u.

    Each is a moment of the logarithm's derivatives under the shares of the terms; the last column
    is the term of customers alive at T. `weight` is `share` times the customers of a row.
    """
    r, alpha, s, beta = params
    dead = np.append(np.ones(u.shape[1] - 1), 0.0)
    e, f = u / (alpha + u), u / (beta + u)
    slopes = np.stack(
        [
            -r * np.log1p(u / alpha),
            r * e - x * (1 - e),
            dead - s * np.log1p(u / beta),
            s * f - dead * (1 - f),
        ]
    )
    flat, flat_weight = slopes.reshape(4, -1), weight.ravel()
    means = np.einsum("gij,ij->gi", slopes, share)
    customers = weight.sum(axis=1)
    slope = means @ customers
    bend = (flat * flat_weight) @ flat.T - (means * customers) @ means.T
    bend[0, 0] += slope[0]
    bend[2, 2] += slope[2] - np.sum(weight @ dead)
    bend[1, 1] -= np.sum(weight * (r + x) * e * (1 - e))
    bend[3, 3] -= np.sum(weight * (s + dead) * f * (1 - f))
    for row, column, mixed in ((0, 1, r * np.sum(weight * e)), (2, 3, s * np.sum(weight * f))):
        bend[row, column] += mixed
        bend[column, row] += mixed
    return slope, bend


def _dead(params: Params, x: Array, t_x: Array, T: Array) -> Iterator[Piece]:
    """Likelihood of drop-out v weeks after t_x, for v up to T - t_x, relative to t_x."""
    r, alpha, s, beta = params
    none = np.zeros_like(x)
    curve = Curve(none, r + x, alpha + t_x, none + s + 1, beta + t_x, none)
    return pieces(curve, T - t_x, np.log(s) - np.log(beta + t_x))


def _log_alive(params: Params, x: Array, t_x: Array, T: Array) -> Array:
    """Log-likelihood of being alive at T without a purchase since t_x, relative to t_x."""
    r, alpha, s, beta = params
    since = T - t_x
    return -(r + x) * np.log1p(since / (alpha + t_x)) - s * np.log1p(since / (beta + t_x))


def _weeks_alive(s: float, beta: float | Array, weeks: Array) -> Array:
    """Expected weeks alive within some weeks, of customers alive now; any s, also 1."""
    y = np.log1p(weeks / beta)
    return beta * y * exprel((1 - s) * y)


def draw(model: ParetoNbd, h: pd.DataFrame, horizon: float, draws: int, rng: Generator) -> Array:
    """Draw purchases in the `horizon` weeks after T: one row per row of h, one column per draw.

    The remaining lifetime of customers alive at T has a Pareto distribution (s, beta + T).
    """
    x, _, T, _ = histories.arrays(h)
    _, _, s, beta = model.params
    rates = purchase_model.rates(model, x, T, model.p_alive(h), draws, rng)
    lifetimes = (beta + T)[:, None] * np.expm1(rng.exponential(size=rates.shape) / s)
    return purchase_model.poisson(rates * np.minimum(lifetimes, horizon), rng)


MODEL = PurchaseModel(ParetoNbd.code, fit, draw)
