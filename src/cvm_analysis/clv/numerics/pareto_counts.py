"""How many purchases Pareto/NBD customers make in some weeks, as probabilities.

Customers leave after the weeks, or within them; then the purchases are those before. Either way
they are negative binomial given the time, so each probability is a positive term plus a positive
integral over the time of leaving. Nothing is subtracted: small ones are as exact as large ones.
"""

from typing import NamedTuple

import numpy as np

from cvm_analysis.arrays import Array
from cvm_analysis.clv import nbd
from cvm_analysis.clv.numerics.pareto_integrals import Curve, integral


class Counts(NamedTuple):
    """Purchases in some weeks of customers alive before them: one row each, as arrays."""

    shape: Array  # of the purchase rate
    scale: Array
    s: Array  # of the drop-out rate
    beta: Array
    weeks: Array

    def staying(self, most: int) -> Array:
        """Probability of leaving after the weeks and making 0, ..., most - 1, most or more."""
        stays = np.exp(-self.s * np.log1p(self.weeks / self.beta))
        return stays[:, None] * nbd.probabilities(self.shape, self.weeks / self.scale, most)

    def leaving(self, k: int) -> Array:
        """Probability of leaving within the weeks and making k purchases before."""
        none = np.zeros_like(self.s)
        curve = Curve(none + k, self.shape + k, self.scale, self.s + 1, self.beta, none)
        return integral(curve, self.weeks, self._log_ways(k) + np.log(self.s) - np.log(self.beta))

    def at_least(self, k: int) -> Array:
        """Probability of k or more purchases, k above 0: time for the k-th before leaving."""
        none = np.zeros_like(self.s)
        curve = Curve(none + k - 1, self.shape + k, self.scale, self.s, self.beta, none)
        return integral(curve, self.weeks, self._log_ways(k) + np.log(k) - np.log(self.scale))

    def _log_ways(self, k: int) -> Array:
        """log of Gamma(shape + k) / Gamma(shape) / k!, free of cancellation."""
        steps = np.arange(k)
        return np.log((self.shape[:, None] + steps) / (1 + steps)).sum(axis=1)


def state_counts(
    params: tuple[float, float, float, float], x: Array, T: Array, weeks: Array
) -> Counts:
    """Of customers alive at T, in the weeks after it; params are r, alpha, s, beta."""
    r, alpha, s, beta = params
    return Counts(r + x, alpha + T, np.full_like(x, s), beta + T, weeks)
