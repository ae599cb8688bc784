"""Intervals of a model's parameters by profile likelihood: the best fit with one of them held.

A standard error is one number for both sides of the top. Where drop-out is hardly told, the top is
lopsided: a little less likely, s and beta of the Pareto/NBD model may be many times as large.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import chdtri

from cvm_analysis.clv import histories
from cvm_analysis.clv.numerics import mle

Array = NDArray[np.float64]

_STEP = 0.25  # of a logarithm, to begin with
_CLOSE = 1e-4  # of a logarithm: an end is found to so much


def intervals(
    derivatives: mle.Derivatives, model: Any, h: pd.DataFrame, level: float = 0.95
) -> pd.DataFrame:
    """Range of each parameter of a fitted model.

    A value is in the range if the log-likelihood with the parameter held there, and the others at
    their best, is less than 1.92 (for 95 %) below the top.

    Parameters
    ----------
    derivatives : of the model's module, `pareto_nbd.derivatives`
    model : fitted to `h`
    h : one row per history, as in the module's `fit`
    level : share of ranges that hold the truth

    Returns
    -------
    One row per parameter, its index: low, high. 0 or inf where the data set no bound.

    Raises
    ------
    InputError : impossible histories
    FitError : no maximum was found
    """
    data, top = histories.arrays(h), np.log(model.params)
    fall = chdtri(1, 1 - level) / 2

    def end(place: int, side: int) -> float:
        def left(away: float) -> float:
            held = top[place] + side * away
            return fall - model.log_likelihood + one_held(derivatives, data, top, place, held)

        near, far = 0.0, _STEP
        while left(far) > 0:
            near, far = far, 2 * far
            if abs(top[place] + side * far) > mle.FAR:
                return side * np.inf
        return float(top[place] + side * brentq(left, near, far, xtol=_CLOSE))

    ends = [[end(place, side) for side in (-1, 1)] for place in range(len(top))]
    names = pd.Index(model.params._fields, name="parameter")
    return pd.DataFrame(np.exp(ends), names, ["low", "high"])


def one_held(
    derivatives: mle.Derivatives, data: histories.Arrays, start: Array, place: int, held: float
) -> float:
    """Highest log-likelihood with one parameter held.

    Parameters
    ----------
    start : logarithms of all parameters
    place, held : which one is held, and its logarithm

    Raises
    ------
    FitError : no maximum was found
    """
    others = np.flatnonzero(np.arange(len(start)) != place)

    def fewer(logs: Array) -> tuple[float, Array, Array]:
        value, slope, bend = derivatives(np.insert(logs, place, held), data)
        return value, slope[others], bend[np.ix_(others, others)]

    top = mle.newton(fewer, np.exp(start[others]), data.n.sum(), "A model with one held")
    return top.log_likelihood
