"""Present value of expected purchases, with continuous discounting per week.

With E(t) the expected purchases within t weeks and H the horizon, integration by parts gives
exp(-rate H) E(H) + rate * integral from 0 to H of exp(-rate t) E(t) dt. Without a horizon only the
integral remains. Both terms are positive.
"""

from collections.abc import Callable

import numpy as np

from cvm_analysis.arrays import Array
from cvm_analysis.errors import InputError

_WITHIN = 32  # Gauss-Legendre nodes up to a horizon
_LATEST = np.log(40.0)  # log of rate * weeks; exp(-40) is below the rounding of a double


def discounted(
    expected: Callable[[Array], Array], scale: Array, rate: float, horizon: float | None = None
) -> Array:
    """Discounted purchases, one value per row.

    Parameters
    ----------
    expected : weeks (one per row) -> expected purchases within them (one per row), rising from 0
    scale : weeks, one per row, in which the expected purchases begin to bend
    rate : continuous, per week
    horizon : weeks; None: no end
    """
    if horizon is None:
        logs, step = np.linspace(_LATEST - 41, _LATEST, 200, retstep=True)
        terms = (
            step * np.exp(v - np.exp(v)) * expected(np.full(len(scale), np.exp(v) / rate))
            for v in logs
        )
        return sum(terms, np.zeros(len(scale)))
    # Nodes even in log(1 + t / scale): dense where the expected purchases bend.
    total = np.exp(-rate * horizon) * expected(np.full(len(scale), float(horizon)))
    if rate == 0 or horizon == 0:
        return total
    end = np.log1p(horizon / scale)
    for node, weight in zip(*np.polynomial.legendre.leggauss(_WITHIN), strict=True):
        q = end * (node + 1) / 2
        t = scale * np.expm1(q)
        width = end * weight / 2 * (scale + t)
        total = total + rate * width * np.exp(-rate * t) * expected(t)
    return total


def annuity(rate: float, horizon: float | None = None) -> float:
    """Present value of one purchase a week until the horizon; errors as `longest`."""
    end = longest(rate, horizon)
    return float(-np.expm1(-rate * end) / rate) if rate else end


def longest(rate: float, horizon: float | None) -> float:
    """The latest week that counts.

    InputError : a negative rate or horizon, or neither a horizon nor a discount rate
    """
    if not 0 <= rate < np.inf:
        raise InputError(f"the discount rate is {rate}; it must be 0 or more per week")
    if horizon is None:
        if rate == 0:
            raise InputError(
                "purchases without a horizon need a discount rate above 0; give one or a horizon"
            )
        return float(np.exp(_LATEST)) / rate
    if not 0 <= horizon < np.inf:
        raise InputError(f"the horizon is {horizon}; it must be a number of weeks, 0 or more")
    return horizon
