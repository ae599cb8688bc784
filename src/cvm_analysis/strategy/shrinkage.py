"""Segments' effects shrunk to the whole: what a segment's own few customers cannot say alone.

Normal hierarchical model: y_i ~ N(theta_i, s_i^2), theta_i ~ N(mu, tau^2), flat priors on mu and
tau. Source: Rubin (1981), "Estimation in Parallel Randomized Experiments", Journal of Educational
Statistics 6, 377-400; formulas of Gelman et al., Bayesian Data Analysis (3rd ed., 2013), section
5.4. Given tau, with w_i = 1 / (s_i^2 + tau^2), V = 1 / sum w, m = V sum w y and
B_i = s_i^2 / (s_i^2 + tau^2):

    theta_i ~ N((1 - B_i) y_i + B_i m,  (1 - B_i) s_i^2 + B_i^2 V)
    p(tau | y) ~ V^0.5 prod w_i^0.5 exp(-w_i (y_i - m)^2 / 2)

The moment estimate of tau (DerSimonian & Laird, 1986) is 0 in about half of all small sets, and
all segments would then get one effect with too narrow an interval; here tau is integrated out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import norm

from cvm_analysis.arrays import Array

LEAST_SEGMENTS = 3  # with fewer, the data do not limit tau
_LEVEL = 0.95
_POINTS = 1000


def shrink(effects: pd.Series, errors: pd.Series) -> pd.DataFrame:
    """Shrink the effects of segments to their common mean.

    effects, errors : estimate and standard error (above 0) of each segment, in one unit

    Returns
    -------
    Same index; mean, sd, low, high (interval of 95 %). With fewer than LEAST_SEGMENTS segments
    nothing is shrunk.
    """
    y, s = effects.to_numpy(float), errors.to_numpy(float)
    if len(y) < LEAST_SEGMENTS:
        half = norm.ppf((1 + _LEVEL) / 2) * s
        columns = {"mean": y, "sd": s, "low": y - half, "high": y + half}
        return pd.DataFrame(columns, effects.index)
    weight, centre, spread = _given_tau(y, s)
    mean = weight @ centre
    sd = np.sqrt(weight @ (spread**2 + (centre - mean) ** 2))
    tails = (1 - _LEVEL) / 2, (1 + _LEVEL) / 2
    low, high = (
        [_quantile(p, weight, centre[:, i], spread[:, i]) for i in range(len(y))] for p in tails
    )
    return pd.DataFrame({"mean": mean, "sd": sd, "low": low, "high": high}, effects.index)


def _given_tau(y: Array, s: Array) -> tuple[Array, Array, Array]:
    """Weights of a grid of tau, from 0 to infinity, and each segment's normal given tau."""
    u = (np.arange(_POINTS) + 0.5) / _POINTS
    unit = np.sqrt(len(s) / (s**-2).sum())  # tau = unit u / (1 - u)
    tau = (unit * u / (1 - u))[:, None]
    w = 1 / (s**2 + tau**2)
    v = 1 / w.sum(axis=1)
    m = v * (w @ y)
    log_p = 0.5 * np.log(v) + 0.5 * (np.log(w) - w * (y - m[:, None]) ** 2).sum(axis=1)
    log_p -= 2 * np.log(1 - u)
    p = np.exp(log_p - log_p.max())
    b = s**2 * w
    centre = (1 - b) * y + b * m[:, None]
    spread = np.sqrt((1 - b) * s**2 + b**2 * v[:, None])
    return p / p.sum(), centre, spread


def _quantile(p: float, weight: Array, centre: Array, spread: Array) -> float:
    """Quantile of a mixture of normals."""
    ends = (centre - 9 * spread).min(), (centre + 9 * spread).max()
    found = brentq(lambda x: weight @ ndtr((x - centre) / spread) - p, *ends)
    return float(found)
