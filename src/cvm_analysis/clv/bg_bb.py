"""BG/BB: purchases that can only be made at set times: yearly gifts, issues, annual fairs.

Source: Fader, Hardie & Shang (2010), "Customer-Base Analysis in a Discrete-Time Noncontractual
Setting", Marketing Science 29(6), 1086-1108. At each opportunity somebody alive buys with their own
probability (Beta: alpha, beta); before each, they leave for good with their own probability (Beta:
gamma, delta). Time is counted in opportunities, not weeks. In a table of histories x is the number
of opportunities used after the first purchase, t_x the number of the last one used (0 if none) and
T how many there were; rates and horizons are per opportunity.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import autograd.numpy as anp
import numpy as np
import pandas as pd
from autograd.scipy.special import logsumexp
from numpy.typing import NDArray
from scipy.special import expit

from cvm_analysis.clv import histories
from cvm_analysis.clv.numerics import mle
from cvm_analysis.clv.shifted_beta_geometric import expected_periods, whole
from cvm_analysis.errors import FitError, InputError

Array = NDArray[np.float64]

_STARTS = ((1.0, 3.0), (0.1, 0.1))  # of gamma and delta; the second if the first finds nothing


class Params(NamedTuple):
    """Buying at an opportunity: Beta(alpha, beta). Leaving before one: Beta(gamma, delta)."""

    alpha: float
    beta: float
    gamma: float
    delta: float


@dataclass(frozen=True)
class BgBb:
    """A fitted model; `fit` makes one."""

    code: ClassVar[str] = "bg_bb"

    params: Params
    std_errors: Params  # NaN where the data do not tell a parameter
    covariance_log: Array  # of the logarithms of the parameters
    log_likelihood: float
    n_customers: int
    identified: bool
    reason: str  # "", or why not: "no_drop_out_found", "parameters_run_off"

    aic = property(mle.aic)
    bic = property(mle.bic)

    def p_alive(self, h: pd.DataFrame) -> pd.Series:
        """Probability, in [0, 1], that each row of h is alive at the next opportunity, T + 1."""
        _, _, gamma, delta = self.params
        data = _arrays(h)
        alive = expit(-_log_odds_dead(self.params, data))
        stays = (delta + data.T) / (gamma + delta + data.T)
        return pd.Series(alive * stays, h.index, name="p_alive")

    def pace(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per opportunity of each row of h as long as the customer stays."""
        alpha, beta, _, _ = self.params
        x, _, T, _ = _arrays(h)
        return pd.Series((alpha + x) / (alpha + beta + T), h.index, name="pace")

    def expected_purchases(self, h: pd.DataFrame, horizon: int) -> pd.Series:
        """Expected purchases at the `horizon` opportunities after T, for each row of h."""
        return self.discounted_purchases(h, 0.0, horizon).rename("expected_purchases")

    def probability(self, x: int, t: int | Array) -> Array:
        """Probability that a new customer buys x times at t opportunities."""
        opportunities = whole("opportunities", t, 0)
        distinct, row = np.unique(opportunities, return_inverse=True)
        none = np.zeros(1)
        each = [_counts_while_alive(self.params, none, none, k, x + 1)[0, x] for k in distinct]
        return np.array(each)[row].reshape(opportunities.shape)

    def purchase_probabilities(self, h: pd.DataFrame, horizon: int, most: int) -> Array:
        """Probabilities of purchases at the `horizon` opportunities after T, one row per row of h.

        Columns: 0, 1, ..., most - 1 purchases, and last `most` or more.
        """
        data = _arrays(h)
        log_odds = _log_odds_dead(self.params, data)
        ahead = int(whole("the horizon", horizon, 0))
        found = _counts_while_alive(self.params, data.x, data.T, ahead, most)
        found *= expit(-log_odds)[:, None]
        found[:, 0] += expit(log_odds)
        return found

    def expected_purchases_new(self, t: int | Array) -> Array:
        """Expected purchases of a new customer at the first t opportunities."""
        opportunities = whole("opportunities", t, 0)
        alpha, beta, gamma, delta = self.params
        distinct, row = np.unique(opportunities, return_inverse=True)
        at, after = np.array([gamma]), np.array([delta])
        periods = [expected_periods(at, after, 0.0, k)[0] for k in distinct]
        return alpha / (alpha + beta) * np.array(periods)[row].reshape(opportunities.shape)

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: int | None = None
    ) -> pd.Series:
        """Expected purchases after T, discounted to T at a continuous `rate` per opportunity.

        At `horizon` opportunities, or for ever. For ever needs a rate above 0 (InputError).
        """
        _, _, gamma, delta = self.params
        data = _arrays(h)
        distinct, row = np.unique(data.T, return_inverse=True)
        left = delta + distinct
        periods = expected_periods(np.full(len(left), gamma), left, rate, horizon)
        alive = expit(-_log_odds_dead(self.params, data))
        return (self.pace(h) * alive * periods[row]).rename("discounted_purchases")


def fit(h: pd.DataFrame) -> BgBb:
    """Fit by maximum likelihood.

    The model contains the beta-Bernoulli model, where nobody leaves. Where the histories show no
    drop-out the fit does not fail: it is `identified` False with finite parameters close to that
    model's. `reason` is "no_drop_out_found" if the log-likelihood is less than 2 above that
    model's, and "parameters_run_off" if some parameter has no optimum (it could be 100,000 times as
    large).

    Parameters
    ----------
    h : one row per history; x, t_x, T (opportunities) and optionally n customers who share it
        (1 if absent)

    Raises
    ------
    InputError : impossible histories
    FitError : nobody bought again, or no maximum was found
    """
    data = _arrays(h)
    if not (data.x > 0).any():
        raise FitError(
            f"none of {data.n.sum():,.0f} customers bought again; nothing can be said about how "
            "often they do"
        )
    without = mle.fit_autograd(
        lambda logs: _log_likelihood_staying(logs, data), (1.0, 1.0), data.n.sum(), "beta-Bernoulli"
    )
    for gamma, delta in _STARTS:
        top = mle.fit_autograd(
            lambda logs: _log_likelihood(logs, data),
            (*without.params, gamma, delta),
            data.n.sum(),
            "BG/BB",
        )
        reason = mle.reason(top, without.log_likelihood)
        if reason != "no_drop_out_found":
            break
    return BgBb(
        Params(*top.params.tolist()),
        Params(*top.std_errors.tolist()),
        top.covariance_log,
        top.log_likelihood,
        round(data.n.sum()),
        not reason,
        reason,
    )


def log_likelihood(params: Params, h: pd.DataFrame) -> float:
    """Log-likelihood of the histories at given parameters: of which opportunities were used."""
    return float(_log_likelihood(np.log(params), _arrays(h)))


def _log_likelihood(log_params: Array, data: histories.Arrays) -> Array:
    """Either alive up to T, or gone after the last purchase, before each of the later ones."""
    alive, gone = _log_terms(anp.exp(log_params), data)
    return anp.sum(data.n * logsumexp(anp.hstack([alive[:, None], gone]), axis=1))


def _log_likelihood_staying(log_params: Array, data: histories.Arrays) -> Array:
    """The same without drop-out."""
    bought = _log_bought(anp.exp(log_params), int(data.T.max()))
    return anp.sum(data.n * bought(data.x.astype(int), data.T.astype(int)))


def _log_odds_dead(params: Params, data: histories.Arrays) -> Array:
    """Log odds of having left before T; -inf for who bought at T."""
    alive, gone = _log_terms(params, data)
    return logsumexp(np.hstack([gone, np.full((len(gone), 1), -np.inf)]), axis=1) - alive


def _log_terms(params: Params | Array, data: histories.Arrays) -> tuple[Array, Array]:
    """Log of the terms of the likelihood, one row per history.

    Alive up to T; and gone after opportunity t_x, t_x + 1, ..., T - 1 (-inf beyond).
    """
    alpha, beta, gamma, delta = params
    x, t_x, T = (column.astype(int) for column in data[:3])
    most = int(T.max(initial=0))
    bought = _log_bought((alpha, beta), most)
    steps = np.arange(most + 1)
    stays = -_cumulative(anp.log1p(gamma / (delta + steps[:-1])))
    leaves = stays + anp.log(gamma) - anp.log(gamma + delta + steps)
    last = t_x[:, None] + np.arange((T - t_x).max(initial=0))
    within = np.minimum(last, most)
    gone = bought(x[:, None], within) + leaves[within]
    return bought(x, T) + stays[T], anp.where(last < T[:, None], gone, -np.inf)


def _log_bought(params: Array | tuple[Any, Any], most: int) -> Callable[[Array, Array], Any]:
    """A function: x, m -> log of the probability to use just these x of m opportunities."""
    alpha, beta = params
    steps = np.arange(most)
    use = _cumulative(anp.log((alpha + steps) / (alpha + beta)))
    miss = _cumulative(anp.log((beta + steps) / (alpha + beta)))
    both = _cumulative(anp.log1p(steps / (alpha + beta)))
    return lambda x, m: use[x] + miss[m - x] - both[m]


def _cumulative(steps: Any) -> Any:
    """Sums of the first 0, 1, 2, ... values."""
    return anp.concatenate([np.zeros(1), anp.cumsum(steps)])


def _counts_while_alive(params: Params, x: Array, T: Array, ahead: int, most: int) -> Array:
    """Probabilities of 0, ..., most - 1, and of `most` or more purchases of who is alive at T.

    One row per x and T. Opportunity by opportunity, as in an urn: the more somebody bought, the
    likelier the next purchase. All terms are positive.
    """
    if most < 1:
        raise InputError(f"probabilities of up to {most} purchases; ask for 1 or more")
    alpha, beta, gamma, delta = params
    k = np.arange(most)
    now = np.zeros((len(x), most + 1))
    now[:, 0] = 1.0
    found, alive = np.zeros_like(now), np.ones(len(x))
    for step in range(ahead):
        stays = (delta + T + step) / (gamma + delta + T + step)
        found += (alive * gamma / (gamma + delta + T + step))[:, None] * now
        alive = alive * stays
        seen = (alpha + beta + T + step)[:, None]
        buys = now[:, :-1] * ((alpha + x)[:, None] + k) / seen
        misses = now[:, :-1] * np.maximum((beta + T - x)[:, None] + step - k, 0) / seen
        now = np.hstack([misses, now[:, -1:]])
        now[:, 1:] += buys
    return found + alive[:, None] * now


def _arrays(h: pd.DataFrame) -> histories.Arrays:
    """The columns of h: purchase histories that count opportunities."""
    data = histories.arrays(h)
    wrong = {
        "t_x or T is not a whole number": (data.t_x % 1 != 0) | (data.T % 1 != 0),
        "more purchases than opportunities up to the last": data.x > data.t_x,
    }
    found = [
        f"{what} in {bad.sum():,} of {len(bad):,} rows (the first: {h.index[bad.argmax()]})"
        for what, bad in wrong.items()
        if bad.any()
    ]
    if found:
        raise InputError("not histories of opportunities: " + "; ".join(found))
    return data
