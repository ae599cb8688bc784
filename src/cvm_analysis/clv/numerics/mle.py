"""The maximum of a log-likelihood whose parameters are positive, with its curvature."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from autograd import hessian, value_and_grad
from scipy.optimize import minimize

from cvm_analysis.arrays import Array
from cvm_analysis.clv import histories
from cvm_analysis.errors import FitError

Derivatives = Callable[[Array, histories.Arrays], tuple[float, Array, Array]]

MIN_GAIN = 2.0  # log-likelihood two more parameters must bring to be preferred (Akaike)
_FLAT = 1e-6  # a gradient per customer below this is zero
_ROUNDING = 1e-15  # of a log-likelihood: the sum of very many terms
_UNKNOWN = 3.0  # standard error of a logarithm: the interval spans a factor of 100,000
MAX_LOG = 30.0  # a logarithm beyond it, 1e13 or 1e-13, has run off: climbing ends
_MANY = 4_000  # histories; of more than twice as many a part shows where to start
_SENSIBLE = (1e-6, 1e6)  # limits of a start that the part says


class Maximum(NamedTuple):
    """Where a log-likelihood is highest."""

    params: Array
    log_likelihood: float
    covariance_log: Array  # of the logarithms of the parameters; NaN where the top is flat
    std_errors: Array  # of the parameters, by the delta method; NaN for one the data do not tell
    diverged: bool  # some parameter has no optimum: the data do not tell it


def fit_autograd(
    log_likelihood: Callable[[Array], Any],
    start: Sequence[float],
    n_customers: float,
    model: str,
) -> Maximum:
    """Maximise a log-likelihood written with autograd's numpy, which differentiates it exactly.

    Arguments and errors as in `newton`.
    """
    slope, bend = value_and_grad(log_likelihood), hessian(log_likelihood)
    return newton(lambda logs: (*slope(logs), bend(logs)), start, n_customers, model)


def multistart(
    derivatives: Derivatives,
    data: histories.Arrays,
    starts: Iterable[Sequence[float]],
    model: str,
) -> Maximum:
    """The highest top of purchase histories that is found from several starts.

    Of many histories a part shows which top it is, and all are climbed once, from there. The order
    of the rows does not matter.

    Arguments and errors as in `newton`.
    """
    order = np.lexsort(data)
    data = histories.Arrays(*(column[order] for column in data))
    part = histories.Arrays(*(column[:: max(1, len(order) // _MANY)] for column in data))

    def top(rows: histories.Arrays, start: Sequence[float] | Array) -> Maximum:
        return newton(lambda logs: derivatives(logs, rows), start, rows.n.sum(), model)

    best = max((top(part, start) for start in starts), key=lambda one: one.log_likelihood)
    return top(data, np.clip(best.params, *_SENSIBLE)) if len(part.x) < len(data.x) else best


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
    return Maximum(
        params,
        float(-found.fun * n_customers),
        covariance,
        params * errors,
        far or bool(np.isnan(errors).any()),
    )


def _converged(value: float, slope: Array, bend: Array) -> bool:
    """Whether a further step promises less than what a log-likelihood's rounding hides."""
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
    """Say why drop-out is not identified; empty if it is.

    without : log-likelihood of the model in which nobody leaves. Two more parameters must bring
        `MIN_GAIN` to be preferred, else `no_drop_out_found`; `parameters_diverged` if one has no
        optimum.
    """
    if top.log_likelihood - without < MIN_GAIN:
        return "no_drop_out_found"
    return divergence(top)


@dataclass(frozen=True)
class Fitted:
    """What every fitted model tells; the `fit` of its module makes one."""

    params: Any  # a named tuple
    std_errors: Any  # the same; NaN where the data do not tell a parameter
    covariance_log: Array  # of the logarithms of the parameters
    log_likelihood: float
    n_customers: int
    identified: bool
    reason: str  # "", or why not: "no_drop_out_found", "parameters_diverged"

    aic = property(aic)
    bic = property(bic)

    @classmethod
    def from_maximum(cls, top: Maximum, params: type, n: float, reason: str, *more: Any) -> Self:
        """The model at a maximum.

        params : type of the parameters; n : customers; reason : as `reason` gives it; more :
        fields that only this model has
        """
        known = params(*top.params.tolist()), params(*top.std_errors.tolist())
        likely = top.covariance_log, top.log_likelihood
        return cls(*known, *likely, round(n), not reason, reason, *more)


def divergence(top: Maximum) -> str:
    """The reason of a model without drop-out: `parameters_diverged`, or empty if identified."""
    return "parameters_diverged" if top.diverged else ""
