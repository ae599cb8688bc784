"""How many customers a campaign needs, so that its control group can show the expected effect.

Two-sided test of the difference of two means or shares by the normal approximation; variances of
the two arms are not pooled. Source: Chow, Shao & Wang, Sample Size Calculations in Clinical
Research (2nd ed., 2008), sections 3.2 and 4.2, with control_share for their ratio of arms.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.stats import norm

from cvm_analysis.strategy.arm_difference import Measure

_POWER = 0.8  # probability that an effect as large as expected is found
_ALPHA = 0.05  # probability that an effect is found where there is none


def needed(
    measure: Measure,
    baseline: float,
    effect: float,
    control_share: float,
    power: float = _POWER,
    alpha: float = _ALPHA,
) -> float:
    """Customers needed in both arms together.

    Parameters
    ----------
    measure : margin or purchase
    baseline : without the action, within the window: standard deviation of the margin
        (`find_residual_sd`), or probability of a purchase
    effect : expected difference per customer, in money or in points (0.05 is five points)
    control_share : of the customers, above 0 and below 1

    Returns
    -------
    A whole number; infinity if no effect is expected or no control group is left.
    """
    if effect == 0 or not 0 < control_share < 1:
        return math.inf
    z = norm.ppf(1 - alpha / 2) + norm.ppf(power)
    variance = _variance(measure, baseline, effect, control_share)
    return float(math.ceil(z**2 * variance / effect**2))


def _variance(measure: Measure, baseline: float, effect: float, control_share: float) -> float:
    """Variance of the difference between the arms, times the number of customers."""
    if measure == "margin":
        control = treated = baseline**2
    else:
        rate = min(max(baseline + effect, 0.0), 1.0)
        control, treated = baseline * (1 - baseline), rate * (1 - rate)
    return control / control_share + treated / (1 - control_share)


def find_residual_sd(outcome: pd.Series, before: pd.Series) -> float:
    """Standard deviation of the outcome that the figure from before leaves after CUPED.

    outcome, before : of customers like those of the campaign, in an earlier window: of one that
        got no action
    """
    known = outcome.notna() & before.notna()
    y, x = outcome[known].to_numpy(float), before[known].to_numpy(float)
    explained = np.corrcoef(x, y)[0, 1] ** 2 if y.std() > 0 and x.std() > 0 else 0.0
    return float(y.std(ddof=1) * np.sqrt(1 - explained))


def count_rounds(needed: float, n_per_round: float, rounds_per_year: float) -> int | None:
    """Rounds of an action that must be pooled until its effect can be measured.

    needed : customers; n_per_round : customers of one round, of all regions that are pooled

    Returns
    -------
    None if not even the rounds of a year suffice: the effect cannot be measured here.
    """
    if n_per_round <= 0 or needed > n_per_round * rounds_per_year:
        return None
    return max(1, math.ceil(needed / n_per_round))
