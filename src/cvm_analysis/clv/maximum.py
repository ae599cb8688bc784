"""The maximum of a log-likelihood whose parameters are positive, with its curvature."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from autograd import hessian, value_and_grad
from numpy.typing import NDArray
from scipy.optimize import minimize

from cvm_analysis.errors import FitError

Array = NDArray[np.float64]

_FLAT = 1e-6  # a gradient per customer below this is zero
_UNKNOWN = 3.0  # standard error of a logarithm: the interval spans a factor of 100,000


class Maximum(NamedTuple):
    """Where a log-likelihood is highest."""

    params: Array
    log_likelihood: float
    covariance_log: Array  # of the logarithms of the parameters; NaN where the top is flat
    std_errors: Array  # of the parameters, by the delta method; NaN for one the data do not tell
    runs_off: bool  # some parameter has no optimum: the data do not tell it


def find(
    log_likelihood: Callable[[Array], Any],
    start: Sequence[float],
    n_customers: float,
    model: str,
) -> Maximum:
    """Maximise over the logarithms of the parameters by Newton steps in a trust region.

    Parameters
    ----------
    log_likelihood : of the logarithms of the parameters, written with autograd's numpy; its
        gradient and Hessian are exact
    start : parameters, not logarithms
    model : its name, for the message

    Raises
    ------
    FitError : no maximum was found
    """

    def cost(log_params: Array) -> Any:
        return -log_likelihood(log_params) / n_customers

    curvature = hessian(cost)
    found = minimize(
        value_and_grad(cost),
        np.log(start),
        jac=True,
        hess=curvature,
        method="trust-exact",
        options={"gtol": 1e-9, "initial_trust_radius": 0.5, "max_trust_radius": 2.0},
    )
    if not (np.isfinite(found.fun) and np.abs(found.jac).max() < _FLAT):
        raise FitError(
            f"{model} did not converge on {n_customers:,.0f} customers ({found.message}); "
            "use a simpler model"
        )
    covariance = _inverse(n_customers * curvature(found.x))
    errors = np.sqrt(np.diag(covariance))
    errors = np.where(errors < _UNKNOWN, errors, np.nan)
    params = np.exp(found.x)
    return Maximum(
        params,
        float(-found.fun * n_customers),
        covariance,
        params * errors,
        bool(np.isnan(errors).any()),
    )


def _inverse(information: Array) -> Array:
    """The inverse of an information matrix, NaN where it is not positive definite."""
    values, vectors = np.linalg.eigh(information)
    if not values[0] > 1e-12 * values[-1]:
        return np.full_like(information, np.nan)
    return (vectors / values) @ vectors.T
