"""Probabilities of numbers of purchases of Pareto/NBD customers in some weeks.

Customers drop out after the weeks, or within them. Either way the purchases are negative binomial
given the time, so each probability is a positive term plus a positive integral over the drop-out
time: without subtraction, small probabilities are exact, too.
"""

from typing import NamedTuple

import numpy as np

from cvm_analysis.arrays import Array
from cvm_analysis.clv import nbd
from cvm_analysis.clv.numerics.pareto_integrals import Curve, integral


class Counts(NamedTuple):
    """Purchases in some weeks of customers alive before them, as arrays of one length."""

    shape: Array  # of the purchase rate
    scale: Array
    s: float  # shape of the drop-out rate
    beta: Array
    weeks: Array

    def surviving(self, most: int) -> Array:
        """Probability of surviving the weeks and making 0, ..., most - 1, most or more."""
        survival = np.exp(-self.s * np.log1p(self.weeks / self.beta))
        return survival[:, None] * nbd.probabilities(self.shape, self.weeks / self.scale, most)

    def dropping_out(self, k: int) -> Array:
        """Probability of drop-out within the weeks after k purchases."""
        none = np.zeros_like(self.beta)
        curve = Curve(none + k, self.shape + k, self.scale, none + self.s + 1, self.beta, none)
        return integral(curve, self.weeks, self._log_ways(k) + np.log(self.s) - np.log(self.beta))

    def at_least(self, k: int) -> Array:
        """Probability of k or more purchases, k above 0, before drop-out."""
        none = np.zeros_like(self.beta)
        curve = Curve(none + k - 1, self.shape + k, self.scale, none + self.s, self.beta, none)
        return integral(curve, self.weeks, self._log_ways(k) + np.log(k) - np.log(self.scale))

    def _log_ways(self, k: int) -> Array:
        """log of Gamma(shape + k) / Gamma(shape) / k!, free of cancellation."""
        steps = np.arange(k)
        return np.log((self.shape[:, None] + steps) / (1 + steps)).sum(axis=1)
