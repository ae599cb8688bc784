"""Dispersion of purchases around a forecast that is only a mean: a negative binomial distribution.

Estimated from earlier forecasts of the same kind and their outcome. Its size k is exp(a) x mean^b,
so the variance, mean + mean^2 / k, may grow with the mean in any way. A forecast of exactly 0 is
replaced by the mean outcome of such customers; else one purchase would have probability 0.
The distribution: Johnson, Kemp & Kotz (2005), "Univariate Discrete Distributions", 3rd ed., ch. 5.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaln, xlogy

from cvm_analysis.arrays import Array

_RANGES = ((-12.0, 12.0), (-3.0, 3.0))  # of a and b
_LEAST = -690.0  # smallest log probability, as in `predictive_distribution`


@dataclass(frozen=True)
class Dispersion:
    """A fitted dispersion; `fit` makes one."""

    mean_if_zero: float  # mean purchases of customers with a forecast of 0
    log_size: float  # a
    power: float  # b

    def log_score(self, mean: pd.Series, actual: pd.Series) -> pd.Series:
        """Natural log of the probability of the outcome, given the forecast mean.

        mean, actual : purchases of each customer, same index
        """
        scores = _log_probability(*self._shape(mean), actual.reindex(mean.index).to_numpy(float))
        return pd.Series(np.maximum(scores, _LEAST), mean.index, name="log_score")

    def median(self, mean: pd.Series) -> pd.Series:
        """The predictive median of each customer's purchases, a whole number."""
        from scipy.stats import nbinom

        expected, size = self._shape(mean)
        levels, row = np.unique(np.column_stack([expected, size]), axis=0, return_inverse=True)
        found = nbinom.ppf(0.5, levels[:, 1], levels[:, 1] / levels.sum(axis=1))
        return pd.Series(found[row].astype(int), mean.index, name="median_purchases")

    def _shape(self, mean: pd.Series) -> tuple[Array, Array]:
        """Mean and size of the distribution of each customer."""
        forecast = mean.to_numpy(float)
        expected = np.where(forecast > 0, forecast, self.mean_if_zero)
        return expected, _size(self.log_size, self.power, expected)


def fit(mean: pd.Series, actual: pd.Series) -> Dispersion:
    """Fit by maximum likelihood to forecasts and their outcome.

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
