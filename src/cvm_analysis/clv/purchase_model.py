"""What the purchase models share: their record, two base classes, and simulated purchases.

To add a model, write its module, which ends with its record, and name that in `forecasts.FITTED`;
the texts of each language give its label (`models`) and its notes.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from cvm_analysis.arrays import Array
from cvm_analysis.clv import discounting, histories
from cvm_analysis.clv.numerics import mle

Generator = np.random.Generator

_MOST_PURCHASES = 1e9  # of one customer


class PurchaseModel(NamedTuple):
    """The record of a model; its module exports one as `MODEL`."""

    code: str  # in tables; its label is the word `models.<code>` of the texts
    fit: Callable[[pd.DataFrame], Any]  # distinct histories -> fitted model
    # fitted model, histories, weeks ahead, draws -> purchases, one row per history, one column each
    draw: Callable[[Any, pd.DataFrame, float, int, Generator], Array]
    is_from_first_purchase: bool = True  # its new customers begin with their first purchase ever


class ConstantRate:
    """A forecast without drop-out: each customer keeps a constant purchase rate."""

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per week of each row of h."""
        raise NotImplementedError

    def p_alive(self, h: pd.DataFrame) -> pd.Series:
        """Empty for every row of h: the model has no drop-out."""
        return pd.Series(np.nan, h.index, name="p_alive")

    def expected_purchases(self, h: pd.DataFrame, horizon: float) -> pd.Series:
        """Expected purchases in the `horizon` weeks after T, for each row of h."""
        return (self.purchase_rate(h) * horizon).rename("expected_purchases")

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """As `DropOut.discounted_purchases`."""
        weeks = discounting.annuity(rate, horizon)
        return (self.purchase_rate(h) * weeks).rename("discounted_purchases")


class DropOut(mle.Fitted):
    """A model with the purchase rates of NBD, whose customers may drop out.

    It contains the NBD model as the case without drop-out. If the histories show no drop-out, the
    fit succeeds with `identified` False and finite parameters close to those of NBD. `reason` is
    "no_drop_out_found" if the log-likelihood is less than 2 above that of NBD, and
    "parameters_diverged" if some parameter has no optimum (it could be 100,000 times as large).
    """

    def log_odds_dead(self, h: pd.DataFrame) -> Array:
        """Log odds, for each row of h, of having dropped out by T; -inf where it is impossible."""
        raise NotImplementedError

    def p_alive(self, h: pd.DataFrame) -> pd.Series:
        """Probability, in [0, 1], that each row of h has not dropped out by T."""
        return pd.Series(expit(-self.log_odds_dead(h)), h.index, name="p_alive")

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per week of each row of h while alive."""
        return posterior_rate(self.params.r, self.params.alpha, h)

    def expected_purchases(self, h: pd.DataFrame, horizon: float) -> pd.Series:
        """Expected purchases in the `horizon` weeks after T, for each row of h."""
        return self.discounted_purchases(h, 0.0, horizon).rename("expected_purchases")

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """Expected purchases after T, discounted to T at a continuous `rate` per week.

        horizon : weeks; None: no end, which needs a rate above 0 (InputError)
        """
        raise NotImplementedError


def repeats_by_day(model: Any, days: pd.DataFrame, until: dt.date) -> pd.DataFrame:
    """Repeat purchases of all customers on each day, actual and expected.

    The expectation uses only the day of each customer's first purchase.

    Parameters
    ----------
    model : fitted, its new customers begin with their first purchase
    days : customer_id, day with a purchase; of the customers in the model
    until : the last day

    Returns
    -------
    One row per day from the first purchase on, indexed by day; columns actual, expected.
    """
    day = pd.to_datetime(days["day"])
    at = (day - day.min()).dt.days
    n = (pd.Timestamp(until) - day.min()).days + 1 if len(day) else 0
    if n < 1:
        return pd.DataFrame({"actual": [], "expected": []}, pd.DatetimeIndex([]))
    at = at[at < n]
    new = np.bincount(at.groupby(days["customer_id"]).min(), minlength=n)
    ahead = np.diff(model.expected_purchases_new(np.arange(n) / 7), prepend=0.0)
    return pd.DataFrame(
        {"actual": np.bincount(at, minlength=n) - new, "expected": np.convolve(new, ahead)[:n]},
        pd.date_range(day.min(), periods=n),
    )


def posterior_rate(r: float, alpha: float, h: pd.DataFrame) -> pd.Series:
    """Expected purchases per week of each row of h while alive, (r + x) / (alpha + T)."""
    x, _, T, _ = histories.arrays(h)
    return pd.Series((r + x) / (alpha + T), h.index, name="purchase_rate")


def rates(model: Any, x: Array, T: Array, alive: pd.Series, draws: int, rng: Generator) -> Array:
    """Draw purchases per week, one row per customer, one column per draw; 0 after drop-out by T.

    Given alive at T, rates have the distribution Gamma(r + x, alpha + T) in all these models.

    alive : probability of each customer, empty where the model has no drop-out
    """
    shape, (r, alpha) = (len(x), draws), model.params[:2]
    stays = rng.random(shape) < alive.fillna(1.0).to_numpy()[:, None]
    return rng.gamma(np.broadcast_to((r + x)[:, None], shape)) / (alpha + T)[:, None] * stays


def poisson(mean: Array, rng: Generator) -> Array:
    """Draw a number of purchases for each mean."""
    return rng.poisson(np.minimum(mean, _MOST_PURCHASES)).astype(float)
