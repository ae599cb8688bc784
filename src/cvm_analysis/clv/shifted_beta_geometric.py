"""Shifted beta-geometric: how many contracts will be renewed, and how often.

Sources: [1] Fader & Hardie (2007), "How to Project Customer Retention", Journal of Interactive
Marketing 21(1), 76-90. [2] the same authors (2010), "Customer-Base Valuation in a Contractual
Setting: The Perils of Ignoring Heterogeneity", Marketing Science 29(1), 85-93. Whenever a contract
is due, its holder lets it go with their own probability, the same each time; these probabilities
follow a Beta distribution (alpha, beta). Those who leave easily leave first, so the retention rate
of a cohort rises though nobody changes. Time is counted in contract periods.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import autograd.numpy as anp
import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Bools, Ints
from cvm_analysis.clv import discounting, histories
from cvm_analysis.clv.numerics import mle, quadrature
from cvm_analysis.errors import FitError, InputError


class Params(NamedTuple):
    """The probability of not renewing: Beta(alpha, beta), mean alpha / (alpha + beta)."""

    alpha: float
    beta: float


@dataclass(frozen=True)
class ShiftedBetaGeometric:
    """A fitted model; `fit` makes one."""

    code: ClassVar[str] = "shifted_beta_geometric"

    params: Params
    std_errors: Params  # NaN where the data do not tell a parameter
    covariance_log: Array  # of (log alpha, log beta)
    log_likelihood: float
    n_customers: int
    identified: bool
    reason: str  # "" or "parameters_diverged": e.g. one probability for all, or one period only

    aic = property(mle.aic)
    bic = property(mle.bic)

    def survival(self, periods: int | Array) -> Array:
        """Share of a new cohort that renews at least so many times ([1])."""
        k = whole("renewals", periods, 0)
        return np.exp(_log_survival(self.params, int(k.max(initial=0)))[k])

    def retention(self, period: int | Array) -> Array:
        """Share of those due for the first, second, ... renewal who renew; period is 1 or more."""
        alpha, beta = self.params
        before = whole("the number of a renewal", period, 1) - 1
        return (beta + before) / (alpha + beta + before)

    def p_renewing(self, contracts: pd.DataFrame, periods: int) -> pd.Series:
        """Probability that each row renews at least `periods` more times; 0 for the lost."""
        alpha, beta = self.params
        renewals, lost, _ = _columns(contracts)
        more = np.arange(int(whole("renewals", periods, 0)))
        stays = np.exp(-np.log1p(alpha / (beta + renewals[:, None] + more)).sum(axis=1))
        return pd.Series(np.where(lost, 0.0, stays), contracts.index, name="p_renewing")

    def expected_renewals(self, contracts: pd.DataFrame, horizon: int) -> pd.Series:
        """Expected renewals in the next `horizon` periods, for each row; 0 for the lost."""
        return self.discounted_renewals(contracts, 0.0, horizon).rename("expected_renewals")

    def discounted_renewals(
        self, contracts: pd.DataFrame, rate: float, horizon: int | None = None
    ) -> pd.Series:
        """Expected further renewals, discounted at a continuous `rate` per period; 0 for the lost.

        The next renewal is a period away. The residual lifetime of [2] stands just before it is
        due: it is exp(rate) times this for ever. For ever needs a rate above 0 (InputError).
        """
        alpha, beta = self.params
        renewals, lost, _ = _columns(contracts)
        distinct, row = np.unique(renewals, return_inverse=True)
        left = beta + distinct
        sums = expected_periods(np.full(len(left), alpha), left, rate, horizon)
        return pd.Series(
            np.where(lost, 0.0, sums[row]), contracts.index, name="discounted_renewals"
        )


def cohort(there: Sequence[float]) -> pd.DataFrame:
    """Turn the numbers of a cohort still there after 0, 1, 2, ... renewals into contracts.

    Returns
    -------
    One row per group of equal contracts: renewals, lost (bool), n; as `fit` takes them.

    Raises
    ------
    InputError : fewer than two numbers, or a number that is negative or above the one before
    """
    count = np.asarray(there, float)
    if len(count) < 2 or not (np.isfinite(count).all() and (np.diff(count, append=0) <= 0).all()):
        raise InputError(
            f"a cohort is two or more numbers that never rise, 0 or more; given: {list(there)}"
        )
    n = -np.diff(count, append=0)
    renewals = np.minimum(np.arange(len(count)), len(count) - 1)
    table = pd.DataFrame({"renewals": renewals, "lost": renewals < len(count) - 1, "n": n})
    return table[n > 0].reset_index(drop=True)


def fit(contracts: pd.DataFrame) -> ShiftedBetaGeometric:
    """Fit by maximum likelihood.

    `identified` is False, with `reason` "parameters_diverged", if some parameter has no optimum:
    all holders leave equally easily, or only one renewal was ever due, which tells the mean alone.

    Parameters
    ----------
    contracts : one row per contract
        renewals : how often it was renewed, 0 or more
        lost : true if it was not renewed when next due; false if it runs
        entered (optional) : renewals it had made before it was observed, 0 if absent; its
            likelihood is S(renewals) / S(entered), or it would seem to last too long
        n (optional) : customers who share the row, 1 if absent

    Raises
    ------
    InputError : a column is missing or a row impossible
    FitError : none was lost, none was renewed, or no maximum was found
    """
    _, _, n = _columns(contracts)
    renewed, ended = count_renewals(contracts)
    if not (renewed.sum() > 0 and ended.sum() > 0):
        raise FitError(
            f"of {n.sum():,.0f} contracts {ended.sum():,.0f} ended and {renewed.sum():,.0f} "
            "renewals were made; both are needed to say how long the others will last"
        )
    top = mle.fit_autograd(
        lambda logs: _log_likelihood(logs, renewed, ended),
        (1.0, float(renewed.sum() / ended.sum())),
        n.sum(),
        "shifted beta-geometric",
    )
    return ShiftedBetaGeometric(
        Params(*top.params.tolist()),
        Params(*top.std_errors.tolist()),
        top.covariance_log,
        top.log_likelihood,
        round(n.sum()),
        not top.diverged,
        "parameters_diverged" if top.diverged else "",
    )


def log_likelihood(params: Params, contracts: pd.DataFrame) -> float:
    """Log-likelihood of the contracts at given parameters ([1])."""
    return float(_log_likelihood(np.log(params), *count_renewals(contracts)))


def count_renewals(contracts: pd.DataFrame) -> tuple[Array, Array]:
    """Count who made the first, second, ... renewal while observed, and who did not though due.

    contracts : as for `fit`
    """
    renewals, lost, n = _columns(contracts)
    due = int((renewals + lost).max(initial=0))
    renewed = histories.count_at_least(renewals, n)
    before = histories.count_at_least(_entered(contracts, renewals), n)
    renewed[: len(before)] -= before
    ended = np.bincount(renewals[lost].astype(int), weights=n[lost], minlength=due)
    return np.append(renewed, np.zeros(due - len(renewed))), ended.astype(float)


def expected_periods(alpha: Array, beta: Array, rate: float, horizon: float | None) -> Array:
    """Expected discounted periods survived out of the next `horizon` (None: all), one per row.

    The mean over theta of Beta(alpha, beta) of the sum of ((1 - theta) exp(-rate))^k over
    k = 1, 2, ..., horizon. One factor 1 - theta raises beta by 1; the rest is between 1 and the
    number of periods, so the mean is a positive integral.

    Raises
    ------
    InputError : a negative rate, a horizon that is no whole number, or for ever without a rate
    """
    discounting.longest(rate, horizon)
    periods = np.inf if horizon is None else float(whole("the horizon", horizon, 0))
    if periods == 0:
        return np.zeros(len(alpha))
    most = min(periods, 1 / -np.expm1(-rate)) if rate else periods

    def within(theta: Array) -> Array:
        with np.errstate(divide="ignore"):  # theta = 1: nobody stays longer
            log_stays = np.log1p(-theta) - rate
        return np.expm1(periods * log_stays) / np.expm1(log_stays)

    rule = quadrature.beta_rule(alpha, beta + 1, most)
    sums = quadrature.expectation(rule, np.arange(len(alpha)), within)
    return np.exp(-rate) * beta / (alpha + beta) * sums


def _log_survival(params: Params | Array, most: int) -> Array:
    """Log of the share that renews at least 0, 1, ..., most times."""
    alpha, beta = params
    steps = anp.log1p(alpha / (beta + np.arange(most)))
    return -anp.concatenate([np.zeros(1), anp.cumsum(steps)])


def _log_likelihood(log_params: Array, renewed: Array, ended: Array) -> Array:
    """Whoever was due for the k-th renewal did or did not make it; k = 1, 2, ..."""
    alpha, beta = anp.exp(log_params)
    before = beta + np.arange(len(renewed))
    return -anp.sum(renewed * anp.log1p(alpha / before) + ended * anp.log1p(before / alpha))


def _entered(contracts: pd.DataFrame, renewals: Array) -> Array:
    """The column entered, 0 where absent; InputError unless it lies within the renewals."""
    if "entered" not in contracts:
        return np.zeros(len(contracts))
    entered = contracts["entered"].to_numpy(float)
    bad = ~((entered >= 0) & (entered <= renewals) & (entered == np.floor(entered)))
    if bad.any():
        raise InputError(
            f"not contracts: entered is no whole number from 0 to renewals in {bad.sum():,} of "
            f"{len(bad):,} rows (the first: {contracts.index[bad.argmax()]})"
        )
    return entered


def _columns(contracts: pd.DataFrame) -> tuple[Array, Bools, Array]:
    """renewals, lost and n (1 where absent)."""
    missing = [name for name in ("renewals", "lost") if name not in contracts]
    if missing:
        raise InputError(f"contracts need the columns renewals and lost; missing: {missing}")
    renewals = contracts["renewals"].to_numpy(float)
    n = contracts["n"].to_numpy(float) if "n" in contracts else np.ones(len(contracts))
    wrong = {
        "renewals is not a whole number of 0 or more": ~(
            (renewals >= 0) & (renewals == np.floor(renewals)) & np.isfinite(renewals)
        ),
        "lost is neither true nor false": ~contracts["lost"].isin([True, False]).to_numpy(),
        "n is not above 0": ~((n > 0) & np.isfinite(n)),
    }
    found = [
        f"{what} in {bad.sum():,} of {len(bad):,} rows (the first: {contracts.index[bad.argmax()]})"
        for what, bad in wrong.items()
        if bad.any()
    ]
    if found:
        raise InputError("not contracts: " + "; ".join(found))
    return renewals, contracts["lost"].to_numpy(bool), n


def whole(what: str, values: float | Array, least: int) -> Ints:
    """The values as whole numbers."""
    given = np.asarray(values, float)
    if not ((given >= least) & (given == np.floor(given)) & np.isfinite(given)).all():
        raise InputError(f"{what} must be a whole number of {least} or more; given: {values}")
    return given.astype(np.int64)
