"""Zero-truncated NBD: for left-truncated records, in which no customer is known to be new.

Where the records start after the business did, most first recorded purchases are those of existing
customers. Their date then depends on how often customers buy, not on when they were won, and models
with drop-out misread it. Here all purchases in the recorded window count, over the same weeks for
all customers: a customer with rate lambda makes n of them (Poisson), the rates follow a Gamma
distribution (shape r, scale alpha in weeks), and customers without a purchase are not recorded:
P(n) = NBD(n) / (1 - NBD(0)), n = 1, 2, ... There is no drop-out in this model.
The distribution: Johnson, Kemp & Kotz (2005), "Univariate Discrete Distributions", 3rd ed., ch. 5.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import autograd.numpy as anp
import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.clv import discounting, histories, nbd, purchase_model
from cvm_analysis.clv.numerics import mle
from cvm_analysis.clv.purchase_model import ConstantRate, Generator, PurchaseModel
from cvm_analysis.errors import FitError, InputError

_DAY = 1 / 7  # of a week


class Params(NamedTuple):
    """Shape and scale (weeks) of the rates of all customers, recorded or not."""

    r: float
    alpha: float


@dataclass(frozen=True)
class ZeroTruncatedNbd(ConstantRate, mle.Fitted):
    """A fitted model; `fit` makes one. AIC and BIC are not comparable to those of other models.

    Its parameters diverge if all customers buy at one rate, or the rates pile up at 0. Forecasts
    start at the end of the window, not at T.
    """

    code: ClassVar[str] = "zero_truncated_nbd"

    params: Params
    std_errors: Params
    window: float  # weeks of the records

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per week of each row of h: (r + x + 1) / (alpha + window)."""
        r, alpha = self.params
        rate = (r + _purchases(h, self.window)) / (alpha + self.window)
        return pd.Series(rate, h.index, name="purchase_rate")

    def probability(self, x: int, t: float | Array) -> Array:
        """Probability of x more purchases of a customer first seen t weeks before the window ends.

        Given the time until the first purchase, the rate is Gamma(r + 1, alpha + window - t).
        InputError: t is not within the window.
        """
        shape, ratio = self._since_first_seen(t)
        found = nbd.probabilities(shape.ravel(), ratio.ravel(), x + 1)
        return found[:, x].reshape(ratio.shape)

    def purchase_probabilities(self, h: pd.DataFrame, horizon: float, most: int) -> Array:
        """One row per row of h: P(0, ..., most - 1, `most` or more purchases after the window)."""
        shape = self.params.r + _purchases(h, self.window)
        ratio = discounting.longest(0.0, horizon) / (self.params.alpha + self.window)
        return nbd.probabilities(shape, np.full(len(shape), ratio), most)

    def expected_purchases_new(self, t: float | Array) -> Array:
        """Expected further purchases of a customer first seen t weeks before the window ends.

        InputError: t is not within the window.
        """
        shape, ratio = self._since_first_seen(t)
        return shape * ratio

    def _since_first_seen(self, t: float | Array) -> tuple[Array, Array]:
        """Shape of the rates, and weeks / scale, of customers first seen t weeks before the end."""
        weeks = np.asarray(t, float)
        if not ((weeks >= 0) & (weeks <= self.window)).all():
            raise InputError(
                f"weeks since a customer was first seen must lie in 0 to {self.window:g}, the "
                f"window that the model was fitted to; given: {weeks.min():g} to {weeks.max():g}"
            )
        r, alpha = self.params
        return np.full(weeks.shape, r + 1), weeks / (alpha + (self.window - weeks))


def fit(h: pd.DataFrame, window: float | None = None) -> ZeroTruncatedNbd:
    """Fit by maximum likelihood.

    `identified` is False, with `reason` "parameters_diverged", if some parameter has no optimum.

    Parameters
    ----------
    h : one row per history; x (recorded purchases after the first), t_x, T (weeks) and optionally n
        customers who share it (1 if absent). Only x + 1, the purchases in the window, counts.
    window : weeks that the records cover; None: from the day of the earliest purchase in h to the
        last day of T, both included

    Raises
    ------
    InputError : impossible histories, or purchases before the window
    FitError : nobody bought twice, or no maximum was found
    """
    data = histories.arrays(h)
    weeks = float(data.T.max(initial=0)) + _DAY if window is None else float(window)
    purchases = _purchases(h, weeks)
    if not (data.x > 0).any():
        raise FitError(
            f"none of {data.n.sum():,.0f} customers bought twice; no purchase rate can be estimated"
        )
    start = 1.0, weeks * float(data.n.sum() / (data.n * data.x).sum())
    top = mle.fit_autograd(
        lambda logs: _log_likelihood(logs, purchases, data.n, weeks),
        start,
        data.n.sum(),
        "zero-truncated NBD",
    )
    return ZeroTruncatedNbd.from_maximum(top, Params, data.n.sum(), mle.divergence(top), weeks)


def log_likelihood(params: Params, h: pd.DataFrame, window: float) -> float:
    """Log of the probability of the numbers of purchases, x + 1, in `window` weeks."""
    n = histories.arrays(h).n
    return float(_log_likelihood(np.log(params), _purchases(h, window), n, window))


def _log_likelihood(log_params: Array, purchases: Array, n: Array, window: float) -> Array:
    """Each count n has the weight r (r+1) ... (r+n-1) / n! p^r q^n / (1 - p^r), p = 1 - q."""
    r, alpha = anp.exp(log_params)
    reached = histories.count_at_least(purchases, n)
    before = np.arange(len(reached))
    log_p, log_q = -anp.log1p(window / alpha), -anp.log1p(alpha / window)
    return (
        anp.sum(reached * (anp.log(r + before) - np.log(before + 1) + log_q))
        + n.sum() * r * log_p
        - n.sum() * anp.log(-anp.expm1(r * log_p))
    )


def _purchases(h: pd.DataFrame, window: float) -> Array:
    """All purchases of each row of h in the window, x + 1."""
    data = histories.arrays(h)
    if not 0 < window < np.inf:
        raise InputError(f"the window is {window} weeks; give the weeks that the records cover")
    early = np.greater(data.T, window)
    if early.any():
        raise InputError(
            f"{early.sum():,} of {len(h):,} histories begin before the window of {window:g} weeks; "
            "give the weeks that the records cover"
        )
    return data.x + 1


def draw(
    model: ZeroTruncatedNbd, h: pd.DataFrame, horizon: float, draws: int, rng: Generator
) -> Array:
    """Draw purchases in the `horizon` weeks after the window: rows as in h, columns per draw."""
    purchases = _purchases(h, model.window)
    weeks = np.full(len(h), model.window)
    rates = purchase_model.rates(model, purchases, weeks, model.p_alive(h), draws, rng)
    return purchase_model.poisson(rates * horizon, rng)


MODEL = PurchaseModel(ZeroTruncatedNbd.code, fit, draw, is_from_first_purchase=False)
