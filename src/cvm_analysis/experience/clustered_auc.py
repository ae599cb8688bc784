"""The area under the ROC curve with a standard error for rows that come in clusters.

Source: Obuchowski (1997), "Nonparametric Analysis of Clustered ROC Curve Data", Biometrics 53,
567-578, which sums by cluster the structural components of DeLong, DeLong & Clarke-Pearson (1988).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata

from cvm_analysis.arrays import Array


class Auc(NamedTuple):
    """AUC, its standard error, and the limits of the interval at the level asked for."""

    auc: float
    std_error: float
    low: float
    high: float


def estimate(score: pd.Series, is_case: pd.Series, clusters: pd.Series, level: float = 0.95) -> Auc:
    """Estimate the probability that a case scores above a control; ties count half.

    Parameters
    ----------
    score : of each row
    is_case : whether the row is a case (True) or a control; both are needed
    clusters : rows with the same value depend on each other; of cases and controls alike
    level : of the interval, whose limits are cut to [0, 1]
    """
    values, cases = score.to_numpy(float), is_case.to_numpy(bool)
    code, names = pd.factorize(clusters)
    above, below = _placements(values[cases], values[~cases])
    auc, m, n = float(above.mean()), len(above), len(below)
    by_case = np.bincount(code[cases], above - auc, len(names))
    by_control = np.bincount(code[~cases], below - auc, len(names))
    n_cases, n_controls = (len(np.unique(code[part])) for part in (cases, ~cases))
    variance = (
        _unbiased(n_cases) * (by_case**2).sum() / m**2
        + _unbiased(n_controls) * (by_control**2).sum() / n**2
        + 2 * _unbiased(len(names)) * (by_case * by_control).sum() / (m * n)
    )
    error = float(np.sqrt(max(variance, 0.0)))
    reach = float(norm.ppf((1 + level) / 2)) * error
    return Auc(auc, error, max(auc - reach, 0.0), min(auc + reach, 1.0))


def _placements(cases: Array, controls: Array) -> tuple[Array, Array]:
    """Share of controls below each case, and of cases above each control; ties count half."""
    together = rankdata(np.concatenate([cases, controls]))
    above = (together[: len(cases)] - rankdata(cases)) / len(controls)
    below = 1 - (together[len(cases) :] - rankdata(controls)) / len(cases)
    return above, below


def _unbiased(n: int) -> float:
    return n / (n - 1) if n > 1 else np.inf
