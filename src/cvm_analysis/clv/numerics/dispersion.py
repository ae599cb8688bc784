"""Dispersion of purchases around a forecast that is only a mean: a negative binomial distribution.

Estimated from earlier forecasts of the same kind and their outcome. Its size k is exp(a) x mean^b,
so the variance, mean + mean^2 / k, may grow with the mean in any way. A forecast of exactly 0 is
replaced by the mean outcome of such customers; else one purchase would have probability 0.

Over a longer horizon than the period it was learned from, it is widened. A customer's size is that
of their mean in one period, since the rates behind the purchases differ from the forecast by the
same factor however long they last; and since rates change with time, 1/k grows by up to _CHANGE.
The distribution: Johnson, Kemp & Kotz (2005), "Univariate Discrete Distributions", 3rd ed., ch. 5.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaln, xlogy

from cvm_analysis.arrays import Array
from cvm_analysis.clv import nbd
from cvm_analysis.clv.purchase_model import Generator, poisson

_CHANGE = 0.5  # relative variance of the rates over a horizon without end, beyond the period's
_RANGES = ((-12.0, 12.0), (-3.0, 3.0))  # of a and b


@dataclass(frozen=True)
class Dispersion:
    """A fitted dispersion; `fit` makes one. `mean` is of one period, whatever the horizon."""

    mean_if_zero: float  # mean purchases in a period of customers with a forecast of 0
    log_size: float  # a
    power: float  # b

    def replace_zero(self, mean: Array) -> Array:
        """The means, and `mean_if_zero` where they are 0."""
        return np.where(mean > 0, mean, self.mean_if_zero)

    def probabilities(self, mean: Array, periods: float, most: int) -> Array:
        """Probabilities of 0, ..., most - 1, and `most` or more purchases in so many periods."""
        expected, size = self._shape(mean, periods)
        return nbd.probabilities(size, periods * expected / size, most)

    def draw(self, mean: Array, periods: float, draws: int, rng: Generator) -> Array:
        """Draw purchases in so many periods: one row per mean, one column per draw."""
        expected, size = (each[:, None] for each in self._shape(mean, periods))
        shape = (len(mean), draws)
        return poisson(periods * expected / size * rng.gamma(np.broadcast_to(size, shape)), rng)

    def _shape(self, mean: Array, periods: float) -> tuple[Array, Array]:
        """Mean of a period and size of the distribution of each customer."""
        expected = self.replace_zero(mean)
        size = _size(self.log_size, self.power, expected)
        longer = _CHANGE * (1 - 1 / periods) if periods > 1 else 0.0
        return expected, size / (1 + longer * size)


def fit(mean: pd.Series, actual: pd.Series) -> Dispersion:
    """Fit by maximum likelihood to forecasts of a period and their outcome.

    mean, actual : purchases of each customer, same index; at least one
    """
    from scipy.optimize import minimize

    forecast, outcome = mean.to_numpy(float), actual.reindex(mean.index).to_numpy(float)
    if_zero = outcome[forecast <= 0]
    mean_if_zero = float((if_zero.sum() + 0.5) / (len(if_zero) + 1))
    pairs = np.column_stack([np.where(forecast > 0, forecast, mean_if_zero), outcome])
    distinct, n = np.unique(pairs, axis=0, return_counts=True)
    expected, purchases = distinct.T

    def loss(at: Array) -> float:
        size = _size(at[0], at[1], expected)
        return -float((n * _log_probability(expected, size, purchases)).sum() / n.sum())

    found = minimize(loss, (0.0, 0.0), method="L-BFGS-B", bounds=_RANGES)
    return Dispersion(mean_if_zero, *map(float, found.x))


def _size(log_size: float, power: float, mean: Array) -> Array:
    return np.exp(np.clip(log_size + power * np.log(mean), -20.0, 20.0))


def _log_probability(mean: Array, size: Array, k: Array) -> Array:
    """log of Gamma(size + k) / Gamma(size) / k! p^size (1 - p)^k with p = size / (size + mean)."""
    ways = gammaln(size + k) - gammaln(size) - gammaln(k + 1)
    return ways - size * np.log1p(mean / size) + xlogy(k, mean / (mean + size))
