"""The maximum of a log-likelihood whose parameters are positive, with its curvature."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from autograd import grad, make_vjp

from cvm_analysis.arrays import Array
from cvm_analysis.clv import histories
from cvm_analysis.errors import FitError

Derivatives = Callable[[Array, histories.Arrays], tuple[float, Array, Array]]

MIN_GAIN = 2.0  # of log-likelihood, for two more parameters (Akaike)
_FLAT = 1e-6  # a gradient per customer below this is zero
_ROUNDING = 1e-15  # of a log-likelihood: the sum of very many terms
_UNKNOWN = 3.0  # standard error of a logarithm: the interval spans a factor of 100,000
MAX_LOG = 30.0  # of a parameter; beyond 1e13 or 1e-13 it has diverged
_MANY = 4_000  # histories; from twice as many, a sample gives the start
_SENSIBLE = (1e-6, 1e6)  # range of such a start


class Maximum(NamedTuple):
    """Where a log-likelihood is highest."""

    params: Array
    log_likelihood: float
    covariance_log: Array  # of the logarithms of the parameters; NaN where the maximum is flat
    std_errors: Array  # of the parameters, by the delta method; NaN if not identified
    diverged: bool  # some parameter has no optimum


def fit_autograd(
    log_likelihood: Callable[[Array], Any], start: Sequence[float], n_customers: float, model: str
) -> Maximum:
    """Maximise a log-likelihood written with autograd's numpy; arguments and errors as `newton`."""
    slope = grad(log_likelihood)

    def derivatives(logs: Array) -> tuple[float, Array, Array]:
        bend, gradient = make_vjp(slope)(logs)
        return log_likelihood(logs), gradient, np.array([bend(row) for row in np.eye(len(logs))])

    return newton(derivatives, start, n_customers, model)


def multistart(
    derivatives: Derivatives, data: histories.Arrays, starts: Iterable[Sequence[float]], model: str
) -> Maximum:
    """Maximise from several starts; the highest maximum counts.

    With many histories, a sample of them selects the start of one fit to all. The order of the rows
    does not matter. Arguments and errors as in `newton`.
    """
    order = np.lexsort(data)
    data = histories.Arrays(*(column[order] for column in data))
    part = histories.Arrays(*(column[:: max(1, len(order) // _MANY)] for column in data))

    def fit(rows: histories.Arrays, start: Sequence[float] | Array) -> Maximum:
        return newton(lambda logs: derivatives(logs, rows), start, rows.n.sum(), model)

    best = max((fit(part, start) for start in starts), key=lambda one: one.log_likelihood)
    return fit(data, np.clip(best.params, *_SENSIBLE)) if len(part.x) < len(data.x) else best


def newton(
    derivatives: Callable[[Array], tuple[float, Array, Array]],
    start: Sequence[float] | Array,
    n_customers: float,
    model: str,
) -> Maximum:
    """Maximise over the logarithms of the parameters by Newton steps in a trust region.

    Parameters
    ----------
    derivatives : of the logarithms of the parameters; a log-likelihood, its gradient and its
        Hessian
    start : parameters, not logarithms
    model : its name, for the message

    Raises
    ------
    FitError : no maximum was found
    """
    from scipy.optimize import minimize  # slow, and not every notebook fits a model

    known: dict[bytes, tuple[float, Array, Array]] = {}

    def cost(log_params: Array) -> tuple[float, Array, Array]:
        key = log_params.tobytes()
        if key not in known:
            value, slope, bend = derivatives(log_params)
            known[key] = (-value / n_customers, -slope / n_customers, -bend / n_customers)
        return known[key]

    def stop(logs: Array) -> None:
        if np.abs(logs).max() > MAX_LOG or _converged(*cost(logs)):
            raise StopIteration

    found = minimize(
        lambda logs: cost(logs)[:2],
        np.log(start),
        jac=True,
        hess=lambda logs: cost(logs)[2],
        method="trust-exact",
        callback=stop,
        options={"gtol": 1e-9, "initial_trust_radius": 0.5, "max_trust_radius": 2.0},
    )
    far = bool(np.abs(found.x).max() > MAX_LOG)
    flat = np.abs(found.jac).max() < _FLAT or _converged(*cost(found.x))
    if not (np.isfinite(found.fun) and (far or flat)):
        raise FitError(
            f"{model} did not converge on {n_customers:,.0f} customers ({found.message}); "
            "use a simpler model"
        )
    covariance = _inverse(n_customers * cost(found.x)[2])
    errors = np.sqrt(np.diag(covariance))
    errors = np.where(errors < _UNKNOWN, errors, np.nan)
    params = np.exp(found.x)
    diverged = far or bool(np.isnan(errors).any())
    value = float(-found.fun * n_customers)
    return Maximum(params, value, covariance, params * errors, diverged)


def _converged(value: float, slope: Array, bend: Array) -> bool:
    """Whether a further step would gain less than the rounding error of the log-likelihood."""
    return bool(slope @ _inverse(bend) @ slope / 2 < _ROUNDING * abs(value))


def _inverse(information: Array) -> Array:
    """The inverse of an information matrix, NaN where it is not positive definite."""
    values, vectors = np.linalg.eigh(information)
    if not values[0] > 1e-12 * values[-1]:
        return np.full_like(information, np.nan)
    return (vectors / values) @ vectors.T


def aic(model: Any) -> float:
    """Akaike's criterion; the lower, the better, among models of the same data."""
    return 2 * len(model.params) - 2 * model.log_likelihood


def bic(model: Any) -> float:
    """Schwarz's criterion; the lower, the better, among models of the same data."""
    return len(model.params) * float(np.log(model.n_customers)) - 2 * model.log_likelihood


def reason(top: Maximum, without: float) -> str:
    """Give the reason why drop-out is not identified; empty if it is.

    `no_drop_out_found` if it gains less than `MIN_GAIN` over `without`, the log-likelihood without
    drop-out; `parameters_diverged` if a parameter has no optimum.
    """
    if top.log_likelihood - without < MIN_GAIN:
        return "no_drop_out_found"
    return divergence(top)


@dataclass(frozen=True)
class Fitted:
    """The fields of every fitted model; the `fit` of its module makes one."""

    params: Any  # a named tuple
    std_errors: Any  # the same; NaN if not identified
    covariance_log: Array  # of the logarithms of the parameters
    log_likelihood: float
    n_customers: int
    identified: bool
    reason: str  # "", "no_drop_out_found" or "parameters_diverged"

    aic = property(aic)
    bic = property(bic)

    @classmethod
    def from_maximum(cls, top: Maximum, params: type, n: float, reason: str, *more: Any) -> Self:
        """Make the model at a maximum.

        params : type of the parameters; n : customers; more : fields that only this model has
        """
        estimates = params(*top.params.tolist()), params(*top.std_errors.tolist())
        likely = top.covariance_log, top.log_likelihood
        return cls(*estimates, *likely, round(n), not reason, reason, *more)


def divergence(top: Maximum) -> str:
    """`parameters_diverged`, or empty if all parameters are identified."""
    return "parameters_diverged" if top.diverged else ""
