"""NBD: expected purchases if no customer ever drops out.

Source: Ehrenberg (1959), "The Pattern of Consumer Purchases", Applied Statistics 8(1), 26-41. Each
customer buys at random at their own rate; the rates follow a Gamma distribution with shape r and
scale alpha (weeks). It is the fallback where the data show no drop-out, and the benchmark for
models with drop-out.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import betainc, betaincc

from cvm_analysis.arrays import Array
from cvm_analysis.clv import discounting, histories, purchase_model
from cvm_analysis.clv.numerics import mle
from cvm_analysis.clv.purchase_model import ConstantRate, Generator, PurchaseModel
from cvm_analysis.errors import FitError, InputError


class Params(NamedTuple):
    """Shape and scale (weeks) of the purchase rates; r / alpha is their mean per week."""

    r: float
    alpha: float


@dataclass(frozen=True)
class Nbd(ConstantRate, mle.Fitted):
    """A fitted model; `fit` makes one. Its parameters diverge if all customers buy at one rate."""

    code: ClassVar[str] = "nbd"

    params: Params
    std_errors: Params

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per week of each row of h."""
        return purchase_model.posterior_rate(*self.params, h)

    def probability(self, x: int, t: float | Array) -> Array:
        """Probability that a new customer makes x repeat purchases in t weeks."""
        r, alpha = self.params
        weeks = np.asarray(t, float)
        found = probabilities(np.full(weeks.size, r), weeks.ravel() / alpha, x + 1)
        return found[:, x].reshape(weeks.shape)

    def purchase_probabilities(self, h: pd.DataFrame, horizon: float, most: int) -> Array:
        """Probabilities of purchases in the `horizon` weeks after T, one row per row of h.

        Columns: 0, 1, ..., most - 1 purchases, and last `most` or more.
        """
        x, _, T, _ = histories.arrays(h)
        r, alpha = self.params
        return probabilities(r + x, discounting.longest(0.0, horizon) / (alpha + T), most)

    def expected_purchases_new(self, t: float | Array) -> Array:
        """Expected repeat purchases of a new customer in the first t weeks."""
        return np.asarray(t) * self.params.r / self.params.alpha


def fit(h: pd.DataFrame) -> Nbd:
    """Fit by maximum likelihood.

    h : one row per history; x, t_x, T (weeks), optionally n customers who share it (else 1)

    InputError : impossible histories
    FitError : nobody bought again, or no maximum was found
    """
    rows = pd.DataFrame(histories.arrays(h)._asdict())
    rows = rows.groupby(["x", "T"], as_index=False)["n"].sum().assign(t_x=0.0)  # t_x has no effect
    data = histories.arrays(rows)
    purchases = (data.n * data.x).sum()
    if not purchases > 0:
        raise FitError(
            f"none of {data.n.sum():,.0f} customers bought again; no purchase rate can be estimated"
        )
    top = _maximise(*(column.tobytes() for column in data))
    return Nbd.from_maximum(top, Params, data.n.sum(), mle.divergence(top))


@lru_cache(maxsize=8)  # every model with drop-out starts from the NBD of the same histories
def _maximise(*columns: bytes) -> mle.Maximum:
    """The maximum for the columns of `histories.Arrays`."""
    data = histories.Arrays(*map(np.frombuffer, columns))
    start = 1.0, float((data.n * data.T).sum() / (data.n * data.x).sum())
    # the mean rate; r of an exponential distribution
    return mle.newton(lambda logs: derivatives(logs, data), start, data.n.sum(), "NBD")


def log_likelihood(params: Params, h: pd.DataFrame) -> float:
    """Log-likelihood at given parameters, with the terms Gamma(r + x) / Gamma(r) as in BG/NBD."""
    return derivatives(np.log(params), histories.arrays(h))[0]


def derivatives(log_params: Array, data: histories.Arrays) -> tuple[float, Array, Array]:
    """Log-likelihood, its gradient and its Hessian, of the logarithms of the parameters."""
    r, alpha = np.exp(log_params)
    x, _, T, n = data
    reached = histories.count_at_least(x, n)
    step = r / (r + np.arange(len(reached)))
    weeks = r * np.log1p(T / alpha)
    share = T / (alpha + T)
    value = reached @ np.log(r + np.arange(len(reached))) - n @ (weeks + x * np.log(alpha + T))
    gradient = [reached @ step - n @ weeks, n @ (r * share - x * (1 - share))]
    of_r = reached @ (step * (1 - step)) - n @ weeks
    mixed, of_alpha = r * (n @ share), -(n @ ((r + x) * share * (1 - share)))
    return float(value), np.array(gradient), np.array([[of_r, mixed], [mixed, of_alpha]])


def probabilities(shape: Array, ratio: Array, most: int) -> Array:
    """Probabilities of the negative binomial distribution, one row per shape and ratio.

    The mean is shape x ratio. Logs of positive factors and an incomplete Beta function for the last
    column keep small probabilities exact.

    Parameters
    ----------
    shape, ratio : of one length; r + x, and weeks ahead / (alpha + T), which may be 0
    most : 1 or more

    Returns
    -------
    Columns 0, 1, ..., most - 1, and last the probability of `most` or more.

    Raises
    ------
    InputError : `most` below 1
    """
    if most < 1:
        raise InputError(f"probabilities of up to {most} purchases; ask for 1 or more")
    log_ratio = np.log(ratio, out=np.full_like(ratio, -np.inf), where=ratio > 0)
    log_none, log_one = -shape * np.log1p(ratio), log_ratio - np.log1p(ratio)
    k = np.arange(1, most)
    rising = np.cumsum(np.log((shape[:, None] + k - 1) / k) + log_one[:, None], axis=1)
    tail = np.where(
        ratio < 1, betainc(most, shape, ratio / (1 + ratio)), betaincc(shape, most, 1 / (1 + ratio))
    )
    none = np.exp(log_none)[:, None]
    return np.hstack([none, np.exp(log_none[:, None] + rising), tail[:, None]])


def draw(model: Nbd, h: pd.DataFrame, horizon: float, draws: int, rng: Generator) -> Array:
    """Draw purchases in the `horizon` weeks after T: one row per row of h, one column per draw."""
    x, _, T, _ = histories.arrays(h)
    rates = purchase_model.rates(model, x, T, model.p_alive(h), draws, rng)
    return purchase_model.poisson(rates * horizon, rng)


MODEL = PurchaseModel(Nbd.code, fit, draw)
