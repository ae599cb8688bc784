"""The effect of an action: an assumption, what campaigns measured, and draws of both.

An effect is a share of what it multiplies (margin expected, margin at stake) or points of the
probability of a purchase. Assumed and measured effects are combined by the normal-normal model
(Gelman et al., Bayesian Data Analysis, 3rd ed., 2013, section 2.5): precisions add up, and the mean
is weighted by them. Every customer of an action meets the same effect, so that it is drawn once
per action; customers do not average its error away. Assumptions of one catalogue err in the same
direction, as they were made by the same people: their draws share a common part.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cvm_analysis.arrays import Array

Evidence = Literal["measured_with_control", "measured_without", "elsewhere", "assumed"]
MEASURED = get_args(Evidence)[:2]
LEAST_SD = 0.001  # of an assumption: nobody knows an effect better than to a tenth of a point
WEIGHS_IN = 0.5  # share of the precision from which measured effects name the evidence
_COVERED = 0.8  # of what is expected, between low and high; also of the intervals of net gain


class Effect(NamedTuple):
    """What is known of an action's effect: a normal distribution, and what it rests on.

    mean, sd : in shares, or in points of probability (0.05 is five points)
    n_treated, n_control : customers of the campaigns it was measured on; 0 if not measured
    """

    mean: float
    sd: float
    evidence: str
    n_treated: int = 0
    n_control: int = 0


class NetGain(NamedTuple):
    """Net gains of plans: mean, the interval that holds 80 % of the draws, P(net gain > 0)."""

    mean: Array
    low: Array
    high: Array
    p_positive: Array


def from_assumption(low: float, likely: float, high: float, evidence: str) -> Effect:
    """Read an assumption: a normal with mean `likely`; low to high hold 80 % of what is expected.

    The standard deviation is (high - low) / (2 x 1.2816), and LEAST_SD at least.

    Raises
    ------
    ValueError : low, likely, high do not rise
    """
    if not low <= likely <= high:
        raise ValueError(f"low, likely, high must rise, not {low}, {likely}, {high}")
    z = ndtri((1 + _COVERED) / 2)
    return Effect(likely, max((high - low) / (2 * z), LEAST_SD), evidence)


def find_limits(mean: float, sd: float) -> tuple[float, float]:
    """Find the limits that hold 80 % of what is expected of an effect."""
    half = float(ndtri((1 + _COVERED) / 2)) * sd
    return mean - half, mean + half


def combine(prior: Effect, measured: Iterable[Effect]) -> Effect:
    """Update an assumption by measured effects, weighted by precision (1 / variance).

    measured : in the unit of the prior; those without a mean or with no spread are left out (a
        campaign whose window is open, or that had no control group)

    Returns
    -------
    Posterior mean and standard deviation, and the customers it was measured on. The evidence stays
    the prior's until the measured effects have half of the precision (WEIGHS_IN); then it is the
    measured kind with more of it.

    Raises
    ------
    ValueError : the prior has no spread, so that nothing could change it
    """
    if not prior.sd > 0:
        raise ValueError(f"an assumed effect needs a standard deviation above 0, not {prior.sd}")
    used = [each for each in measured if np.isfinite(each.mean) and 0 < each.sd < np.inf]
    if not used:
        return prior
    every = (prior, *used)
    precision = np.array([each.sd**-2 for each in every])
    mean = float(precision @ [each.mean for each in every] / precision.sum())
    return Effect(
        mean,
        float(precision.sum() ** -0.5),
        _evidence(every, precision),
        sum(each.n_treated for each in every),
        sum(each.n_control for each in every),
    )


def _evidence(every: Iterable[Effect], precision: np.ndarray) -> str:
    """Name the evidence: the first effect is the prior."""
    first, *others = every
    if precision[1:].sum() < WEIGHS_IN * precision.sum():
        return first.evidence
    kinds = pd.Series(precision[1:]).groupby([each.evidence for each in others]).sum()
    return str(kinds.idxmax())


def draw(
    effects: Mapping[str, Effect], common_share: float, n_draws: int, seed: int
) -> pd.DataFrame:
    """Draw each action's effect, once per action and draw.

    Parameters
    ----------
    effects : by action
    common_share : correlation, 0 to 1, of the errors of effects that are assumed or come from
        elsewhere; the errors of measured effects are independent
    n_draws : number of draws
    seed : same seed, same draws; an action's draws do not depend on which others there are

    Returns
    -------
    One row per draw, one column per action.
    """
    common = np.random.default_rng(seed).standard_normal(n_draws)
    drawn = {}
    for action, effect in effects.items():
        own = np.random.default_rng([seed, zlib.crc32(action.encode())]).standard_normal(n_draws)
        share = 0.0 if effect.evidence in MEASURED else common_share
        error = np.sqrt(share) * common + np.sqrt(1 - share) * own
        drawn[action] = effect.mean + effect.sd * error
    return pd.DataFrame(drawn, index=pd.RangeIndex(n_draws, name="draw"))


def draw_net_gain(base: pd.DataFrame, cost: pd.Series, draws: pd.DataFrame) -> Array:
    """Compute the net gain of plans, or of parts of one, in each draw.

    base : money that each action's effect multiplies, summed over its customers; one row per plan,
        one column per action
    cost : of the same customers, by plan
    draws : as `draw` makes them, with a column for every action of `base`

    Returns
    -------
    One row per plan, one column per draw: the sum over actions of base x effect, less the cost.
    """
    gains = base.to_numpy(float) @ draws[list(base)].to_numpy().T
    return np.asarray(gains - cost.to_numpy(float)[:, None])


def summarise(gains: Array) -> NetGain:
    """Summarise draws of net gain, one row per plan; those of several parts may be added up."""
    tail = (1 - _COVERED) / 2
    low, high = np.percentile(gains, [100 * tail, 100 * (1 - tail)], axis=1)
    return NetGain(gains.mean(axis=1), low, high, (gains > 0).mean(axis=1))
