"""Gamma-Gamma: expected spend per purchase.

Sources: [1] Fader, Hardie & Lee (2005), "RFM and CLV: Using Iso-Value Curves for Customer Base
Analysis", Journal of Marketing Research 42(4), 415-430. [2] Fader & Hardie (2013), "The
Gamma-Gamma Model of Monetary Value" (note 025). A customer's purchases vary around their own mean
(Gamma: shape p), the means vary between customers (q, gamma in money). It assumes that spend and
number of purchases are independent. With many customers a test rejects this even for a tiny
relation; so `independence` measures its size, and `notes` warns above a threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import digamma, gammaln, polygamma

from cvm_analysis.arrays import Array
from cvm_analysis.clv.numerics import mle
from cvm_analysis.errors import FitError, InputError
from cvm_analysis.minimum_data import Note

_CORRELATION = 0.3  # Spearman; beyond it, spend depends on the number of purchases
_MANY = 500  # distinct rows; from twice as many, a sample gives the start
_WITHIN = (np.exp(-29.0), np.exp(29.0))  # of the parameters of that start
_RATIO = 1.5  # mean spend of the fifth with the largest x against the smallest, or its inverse


class Params(NamedTuple):
    """Shape p within customers, shape q between customers, gamma in money."""

    p: float
    q: float
    gamma: float


class Independence(NamedTuple):
    """The relation between number of purchases and spend per purchase."""

    correlation: float  # Spearman, of x and spend; NaN if one of them does not vary
    spend_ratio: float  # mean spend of the fifth with the largest x / of that with the smallest
    n_customers: int

    @property
    def is_violated(self) -> bool:
        """Whether the relation is too strong for the model.

        A rank correlation above 0.3, or a ratio between the top and bottom fifths by x above 1.5 or
        below 1 / 1.5.
        """
        far = not 1 / _RATIO <= self.spend_ratio <= _RATIO and not np.isnan(self.spend_ratio)
        return abs(self.correlation) > _CORRELATION or far


@dataclass(frozen=True)
class GammaGamma(mle.Fitted):
    """A fitted model; `fit` makes one. Its parameters diverge if spend does not vary."""

    params: Params
    std_errors: Params
    independence: Independence

    def notes(self) -> list[Note]:
        """`spend_depends_on_purchases`, with the ratio of the fifths in percent, or nothing."""
        if not self.independence.is_violated:
            return []
        ratio = float(round(100 * self.independence.spend_ratio))
        return [Note("value", "spend_depends_on_purchases", ratio)]

    @property
    def population_mean(self) -> float:
        """Mean spend per purchase over all customers, p gamma / (q - 1) ([2])."""
        p, q, gamma = self.params
        return p * gamma / (q - 1)

    def expected_spend(self, x_m: pd.DataFrame) -> pd.Series:
        """Expected spend per purchase of each customer, in the money of the input ([2], eq. 5).

        Parameters
        ----------
        x_m : one row per customer
            x : repeat purchases, 0 or more, or empty
            spend_per_repeat_day : mean spend per repeat purchase; customers without one (x is 0 or
                empty, or the mean is empty) get the population mean
        """
        p, q, gamma = self.params
        x, total = _repeat_spend(x_m)
        return pd.Series(p * (gamma + total) / (p * x + q - 1), x_m.index, name="expected_spend")

    def draw_spend(self, x_m: pd.DataFrame, bought: Array, rng: np.random.Generator) -> Array:
        """Draw the spend on purchases, given the spend so far.

        bought : purchases of each customer (down) and draw (across)
        """
        p, q, gamma = self.params
        x, total = (each[:, None] for each in _repeat_spend(x_m))
        nu = rng.gamma(np.broadcast_to(p * x + q, bought.shape)) / (gamma + total)
        return rng.gamma(p * bought) / nu


def is_individual(x_m: pd.DataFrame) -> pd.Series:
    """Whether each customer's expected spend rests on their own repeat purchases."""
    return ((x_m["x"] > 0) & x_m["spend_per_repeat_day"].notna()).rename("spend_is_individual")


def fit(x_m: pd.DataFrame) -> GammaGamma:
    """Fit by maximum likelihood to the customers who bought again.

    Parameters
    ----------
    x_m : one row per customer
        x : repeat purchases
        spend_per_repeat_day : mean spend per repeat purchase
        n (optional) : customers who share the row, 1 if absent
        Rows with x 0 or empty, or without a spend above 0, are left out.

    Raises
    ------
    InputError : a column is missing
    FitError : fewer than two different rows are left, no maximum was found, or q <= 1 (a few
        purchases are so large that the mean is infinite)
    """
    x, m, n = _columns(x_m)
    if len(m) < 2 or np.ptp(m) < 1e-6 * m.max():
        raise FitError(
            f"spend per purchase cannot be modelled: {n.sum():,.0f} of {len(x_m):,} customers "
            "bought again and spent something, too few or all the same; use the mean spend"
        )
    top = _maximise(x, m, n)
    if not top.params[1] > 1:
        raise FitError(
            f"spend per purchase has no finite mean (q = {top.params[1]:.3g}, from {n.sum():,.0f} "
            f"customers; the largest spends {m.max():,.2f}); use the median spend"
        )
    return GammaGamma.from_maximum(top, Params, n.sum(), mle.divergence(top), independence(x_m))


def _maximise(x: Array, m: Array, n: Array) -> mle.Maximum:
    """The maximum over distinct rows; with many of them, every k-th of the sorted gives the start.

    Spend that hardly varies sends the parameters to infinity: a long way, which only the few rows
    of the sample go.
    """
    rows = pd.DataFrame({"x": x, "m": m, "n": n}).groupby(["x", "m"])["n"].sum().reset_index()
    x, m, n = (rows[name].to_numpy() for name in rows)
    start = [2.0, 3.0, float(np.average(m, weights=n))]
    step = len(m) // _MANY
    if step > 1:
        part = _fit_rows(x[::step], m[::step], n[::step], start)
        start = np.clip(part.params, *_WITHIN).tolist()
    return _fit_rows(x, m, n, start)


def _fit_rows(x: Array, m: Array, n: Array, start: Sequence[float]) -> mle.Maximum:
    return mle.newton(lambda logs: _derivatives(logs, x, m, n), start, n.sum(), "Gamma-Gamma")


def independence(x_m: pd.DataFrame) -> Independence:
    """Measure the relation of spend to the number of purchases, over the customers of `fit`.

    The fifths are cut at the 20th and 80th percentile of x; customers with equal x stay together.
    """
    x, m, n = _columns(x_m)
    if len(x) == 0:
        return Independence(np.nan, np.nan, 0)
    (rank_x, up_to), (rank_m, _) = _shares(x, n), _shares(m, n)
    bottom, top = rank_x <= rank_x[up_to >= 0.2].min(), up_to > 0.8
    varies = len(np.unique(x)) > 1 and len(np.unique(m)) > 1
    covariance = np.cov(rank_x, rank_m, aweights=n) if varies else np.full((2, 2), np.nan)
    return Independence(
        float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])),
        float(np.average(m[top], weights=n[top]) / np.average(m[bottom], weights=n[bottom])),
        round(n.sum()),
    )


def log_likelihood(params: Params, x_m: pd.DataFrame) -> float:
    """Log-likelihood of the mean spends at given parameters ([2], eq. 1a)."""
    return _derivatives(np.log(params), *_columns(x_m))[0]


def _derivatives(log_params: Array, x: Array, m: Array, n: Array) -> tuple[float, Array, Array]:
    """Log-likelihood as in [2], gradient and Hessian, of the logarithms of the parameters.

    Gammas and their derivatives are written as what Stirling's formula leaves over, free of
    cancellation. That of the arguments p x, which depend on x alone, is taken once for each.
    """
    p, q, gamma = np.exp(log_params)
    distinct, row = np.unique(x, return_inverse=True)
    p_x = p * distinct
    left, right, own = (_beyond_stirling(z) for z in (p_x + q, p_x, np.array([q])))
    total, inner = ((each[:, row]) for each in (left, right))
    excess = (m * q - gamma * p) / (gamma + m * x)
    log_p, log_q = np.log1p(excess / p), np.log1p(-x * excess / q)
    w, shape = gamma / (gamma + m * x), p * x
    value = 0.5 * np.log(shape * q / (shape + q) / (2 * np.pi)) - np.log(m)
    value += total[0] - inner[0] - own[0] + shape * log_p + q * log_q
    slope_p = shape * (total[1] - inner[1] + log_p)
    slope_q = q * (total[1] - own[1] + log_q)
    both = shape * q / (shape + q)
    bend = {
        (0, 0): slope_p + shape**2 * (total[2] - inner[2]) - both,
        (1, 1): slope_q + q**2 * (total[2] - own[2]) - both,
        (0, 1): both + shape * q * total[2],
        (0, 2): -shape * w,
        (1, 2): q * (1 - w),
        (2, 2): -(q + shape) * w * (1 - w),
    }
    hessian = np.empty((3, 3))
    for (i, j), each in bend.items():
        hessian[i, j] = hessian[j, i] = n @ each
    return float(n @ value), np.array([n @ slope_p, n @ slope_q, n @ (x * excess)]), hessian


def _beyond_stirling(z: Array) -> Array:
    """What Stirling's formula leaves over of log Gamma(z), and of its first two derivatives.

    One row each: less (z - 1/2) log z - z + log(2 pi) / 2, less log z, less 1 / z; without loss
    where z is large.
    """
    large, is_large = np.maximum(z, 20.0), z > 20
    y = 1 / large**2
    series = (
        (1 / 12 - (1 / 360 - (1 / 1260 - y / 1680) * y) * y) / large,
        -1 / (2 * large) - (1 / 12 - (1 / 120 - (1 / 252 - y / 240) * y) * y) * y,
        y / 2 + (1 / 6 - (1 / 30 - (1 / 42 - y / 30) * y) * y) * y / large,
    )
    small = np.minimum(z, 20.0)
    log = np.log(small)
    exact = (
        gammaln(small) - (small - 0.5) * log + small - 0.5 * np.log(2 * np.pi),
        digamma(small) - log,
        polygamma(1, small) - 1 / small,
    )
    return np.where(is_large, series, exact)


def _repeat_spend(x_m: pd.DataFrame) -> tuple[Array, Array]:
    """Repeat purchases with known spend, and the spend on them; 0 without any."""
    x, m = (x_m[name].astype(float).to_numpy() for name in ("x", "spend_per_repeat_day"))
    known = (x > 0) & ~np.isnan(m)
    return np.where(known, x, 0.0), np.where(known, x * m, 0.0)


def _columns(x_m: pd.DataFrame) -> tuple[Array, Array, Array]:
    """x, mean spend and n of the customers with repeat purchases and spend."""
    missing = [name for name in ("x", "spend_per_repeat_day") if name not in x_m]
    if missing:
        raise InputError(f"spend needs the columns x and spend_per_repeat_day; missing: {missing}")
    taken = x_m[(x_m["x"] > 0) & (x_m["spend_per_repeat_day"] > 0)]
    n = taken["n"].to_numpy(float) if "n" in taken else np.ones(len(taken))
    return taken["x"].to_numpy(float), taken["spend_per_repeat_day"].to_numpy(float), n


def _shares(values: Array, n: Array) -> tuple[Array, Array]:
    """For each value its mid-rank and the share of customers at or below it, both in [0, 1]."""
    _, row = np.unique(values, return_inverse=True)
    at = np.bincount(row, weights=n)
    return ((at.cumsum() - at / 2) / n.sum())[row], (at.cumsum() / n.sum())[row]
