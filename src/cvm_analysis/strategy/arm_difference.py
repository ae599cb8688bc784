"""The difference between the treated and the control arm of a randomised campaign.

Effects are by assignment (intention to treat): whoever was assigned counts, reached or not.

- CUPED: y - theta x, x the same figure from before the campaign, theta its regression coefficient
  within the arms. Deng, Xu, Kohavi & Walker (2013), "Improving the Sensitivity of Online Controlled
  Experiments by Utilizing Pre-Experiment Data", WSDM, 123-132.
- Standard errors by cluster (household or account, else the customer): the influence of each row on
  the difference, summed by cluster and squared. Liang & Zeger (1986), Biometrika 73, 13-22.
- Margins have heavy tails: symmetric percentile-t bootstrap, clusters drawn within their arm. Hall
  (1988), "On Symmetric Bootstrap Confidence Intervals", JRSS B 50, 35-45. The clustered standard
  error is at hand, so that t can be drawn, and the p value comes from the same draws. Equal tails
  of t follow the few largest customers: with two arms of 500 and lognormal margins (sigma 1.5) an
  interval of 95 % misses in 13 % of samples, the symmetric one in 5 % (benchmarks/RESULTS.md).
- Purchases: normal approximation; with fewer than LEAST_EVENTS purchases, or customers without
  one, in an arm, the hybrid score interval of the unadjusted difference (Newcombe, 1998,
  Statistics in Medicine 17, 873-890, method 10), at the sample size divided by the design effect
  (Rao & Scott, 1992, Biometrics 48, 577-585).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from cvm_analysis.arrays import Array

Measure = Literal["margin", "purchase"]
LEAST_CLUSTERS = 10  # in each arm, for an effect of its own
LEAST_EVENTS = 10
LEVEL = 0.95
_CHUNK = 1_000_000  # weights of clusters that are held at once


class Difference(NamedTuple):
    """Treated less control, per customer, in the unit of the outcome.

    mean_treated, mean_control : as observed; effect : their difference after CUPED
    se : clustered standard error; low, high : interval of 95 %
    """

    mean_treated: float
    mean_control: float
    effect: float
    se: float
    low: float
    high: float
    p_value: float


def estimate(
    rows: pd.DataFrame, measure: Measure, n_resamples: int, seed: int
) -> Difference | None:
    """Estimate the difference between the arms.

    Parameters
    ----------
    rows : one row per customer assigned
        treated : bool
        outcome : money, or 1 for a purchase and 0 for none
        before : the same figure from before the campaign, or any other from before
        cluster : household or account; the customer where there is none
    measure : what the outcome is
    n_resamples : of the bootstrap; seed : same seed, same interval

    Returns
    -------
    None where an arm has fewer than LEAST_CLUSTERS clusters, or no margin differs from another.
    """
    if _is_too_small(rows):
        return None
    moments, stratum = _moments(rows)
    effect, se = (float(each[0]) for each in _fit(moments.sum(axis=0)[None, :]))
    means = rows.groupby("treated")["outcome"].mean()
    if measure == "purchase":
        if _has_few_events(rows):
            return _newcombe(rows)
        half, p_value = ndtri((1 + LEVEL) / 2), 2 * ndtr(-abs(effect) / se)
    elif se > 0:
        t = np.abs(_bootstrap(moments, stratum, effect, n_resamples, seed))
        half, p_value = np.quantile(t, LEVEL), ((t >= abs(effect) / se).sum() + 1) / (len(t) + 1)
    else:
        return None
    low, high = float(effect - half * se), float(effect + half * se)
    return Difference(
        float(means[True]), float(means[False]), effect, se, low, high, float(p_value)
    )


def find_effect(rows: pd.DataFrame, measure: Measure) -> tuple[float, float] | None:
    """Find effect and standard error as `estimate` does, without interval, to pool many of them.

    rows, measure, and None : as for `estimate`
    """
    if _is_too_small(rows):
        return None
    if measure == "purchase" and _has_few_events(rows):
        few = _newcombe(rows)
        return few.effect, few.se
    effect, se = (float(each[0]) for each in _fit(_moments(rows)[0].sum(axis=0)[None, :]))
    return (effect, se) if se > 0 else None


def _is_too_small(rows: pd.DataFrame) -> bool:
    clusters = rows.groupby("treated")["cluster"].nunique().reindex([False, True]).fillna(0)
    return bool(clusters.min() < LEAST_CLUSTERS)


def _has_few_events(rows: pd.DataFrame) -> bool:
    by_arm = rows.groupby("treated")["outcome"]
    return bool(pd.concat([by_arm.sum(), by_arm.size() - by_arm.sum()]).min() < LEAST_EVENTS)


def _moments(rows: pd.DataFrame) -> tuple[Array, Array]:
    """Sums of each cluster, from which any weighting of clusters is fitted; and its stratum.

    Returns
    -------
    One row per cluster: (n, sum y, sum x) of the treated and of the controls, the products of these
    six with each other, enlarged by G / (G - 1), and sum x x and sum x y of each arm. Strata are
    the arms; where a cluster has customers in both, all clusters are one stratum.
    """
    code, names = pd.factorize(rows["cluster"])
    treated = rows["treated"].to_numpy(bool)
    y = (rows["outcome"] - rows["outcome"].mean()).to_numpy(float)  # centred: no cancellation
    x = (rows["before"] - rows["before"].mean()).to_numpy(float)
    one = np.ones(len(y))

    def by_cluster(figure: Array, arm: Array) -> Array:
        return np.bincount(code, np.where(arm, figure, 0.0), len(names)).astype(float)

    arms = (treated, ~treated)
    sums = np.column_stack([by_cluster(each, arm) for arm in arms for each in (one, y, x)])
    squares = np.column_stack([by_cluster(x * each, arm) for arm in arms for each in (x, y)])
    is_mixed = bool(((sums[:, 0] > 0) & (sums[:, 3] > 0)).any())
    stratum = np.zeros(len(names), int) if is_mixed else (sums[:, 0] > 0).astype(int)
    size = np.bincount(stratum)[stratum]
    products = np.einsum("gi,gj,g->gij", sums, sums, size / (size - 1)).reshape(-1, 36)
    return np.column_stack([sums, products, squares]), stratum


def _fit(moments: Array) -> tuple[Array, Array]:
    """Difference after CUPED and its clustered standard error, of each row of summed moments."""
    n_t, y_t, x_t, n_c, y_c, x_c = moments[:, :6].T
    products = moments[:, 6:42].reshape(-1, 6, 6)
    xx_t, xy_t, xx_c, xy_c = moments[:, 42:].T
    with np.errstate(divide="ignore", invalid="ignore"):
        within_xx = xx_t - x_t**2 / n_t + xx_c - x_c**2 / n_c
        within_xy = xy_t - x_t * y_t / n_t + xy_c - x_c * y_c / n_c
        theta = np.where(within_xx > 1e-12 * (xx_t + xx_c), within_xy / within_xx, 0.0)
        mean_t, mean_c = (y_t - theta * x_t) / n_t, (y_c - theta * x_c) / n_c
        influence = np.column_stack(
            [-mean_t / n_t, 1 / n_t, -theta / n_t, mean_c / n_c, -1 / n_c, theta / n_c]
        )
        variance = np.einsum("bi,bij,bj->b", influence, products, influence)
        return mean_t - mean_c, np.sqrt(np.maximum(variance, 0.0))


def _bootstrap(moments: Array, stratum: Array, effect: float, n: int, seed: int) -> Array:
    """Draw t = (difference - effect) / standard error, clusters drawn within their stratum."""
    rng = np.random.default_rng(seed)
    parts = [moments[stratum == each] for each in np.unique(stratum)]
    used = [each.any(axis=0) for each in parts]  # an arm leaves the sums of the other one empty
    parts = [part[:, columns] for part, columns in zip(parts, used, strict=True)]
    drawn = []
    step = max(1, _CHUNK // len(moments))
    for start in range(0, n, step):
        sums = np.zeros((min(step, n - start), moments.shape[1]))
        for part, columns in zip(parts, used, strict=True):
            sums[:, columns] += _resample(rng, len(part), len(sums)) @ part
        found, se = _fit(sums)
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn.append((found - effect) / se)
    t: Array = np.concatenate(drawn)
    return t[np.isfinite(t)]


def _resample(rng: np.random.Generator, size: int, n: int) -> Array:
    """How often each of `size` clusters is drawn; n rows."""
    chosen = rng.integers(0, size, (n, size), dtype=np.int32).astype(np.intp)
    chosen += size * np.arange(n)[:, None]
    return np.bincount(chosen.ravel(), minlength=size * n).reshape(n, size).astype(float)


def _newcombe(rows: pd.DataFrame) -> Difference:
    """Compare two shares with few events: hybrid score interval, at the effective sample size."""
    by_arm = rows.groupby("treated")["outcome"].agg(["mean", "size"])
    p_t, p_c = by_arm.loc[True, "mean"], by_arm.loc[False, "mean"]
    n_t, n_c = (by_arm["size"] / _design_effect(rows)).reindex([True, False])
    low, high = newcombe_interval(p_t, n_t, p_c, n_c)
    pooled = (p_t * n_t + p_c * n_c) / (n_t + n_c)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n_t + 1 / n_c))
    p_value = float(2 * ndtr(-abs(p_t - p_c) / error)) if error > 0 else 1.0
    se = (high - low) / (2 * ndtri((1 + LEVEL) / 2))
    return Difference(float(p_t), float(p_c), float(p_t - p_c), se, low, high, p_value)


def newcombe_interval(p_1: float, n_1: float, p_2: float, n_2: float) -> tuple[float, float]:
    """Interval of 95 % of p_1 - p_2, shares of n_1 and n_2: Newcombe's hybrid score method."""
    (l_1, u_1), (l_2, u_2) = _wilson(p_1, n_1), _wilson(p_2, n_2)
    below = np.hypot(p_1 - l_1, u_2 - p_2)
    above = np.hypot(u_1 - p_1, p_2 - l_2)
    return float(p_1 - p_2 - below), float(p_1 - p_2 + above)


def _wilson(p: float, n: float) -> tuple[float, float]:
    """Score interval of one share (Wilson, 1927, JASA 22, 209-212)."""
    z = ndtri((1 + LEVEL) / 2)
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return centre - half, centre + half


def _design_effect(rows: pd.DataFrame) -> float:
    """Variance of the unadjusted difference by cluster over that by customer; 1 at least."""
    plain = rows.assign(before=0.0)
    by_cluster, by_customer = (
        float(_fit(_moments(each)[0].sum(axis=0)[None, :])[1][0])
        for each in (plain, plain.assign(cluster=np.arange(len(rows))))
    )
    return max(1.0, (by_cluster / by_customer) ** 2) if by_customer > 0 else 1.0
