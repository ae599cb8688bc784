"""Means over a Beta distribution by one positive sum, for any parameters.

The models' closed forms (hypergeometric functions) cancel or overflow for many histories. The mean
of a positive function is a positive integral, free of cancellation. It is taken on the logit scale
s = log(p / (1 - p)) by the trapezoidal rule, whose error falls exponentially with the step for a
function that is analytic in a strip and dies out at both ends (Trefethen & Weideman 2014, SIAM
Review 56(3), 385-458). Slow ends, where a or b is small, are shortened by s = u + exp(u).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import wrightomega

from cvm_analysis.arrays import Array, Ints

_NEGLIGIBLE = 38.0  # exp(-38) is below the rounding of a double
_STEP = 0.17  # of u, where the density is wide
_SMALLEST = 1e-278  # a node below this changes no mean: functions are flat there
_NARROW = 0.4  # of u, in widths, where the density is narrow
_CHUNK = 2**18  # doubles held at a time


class Rule(NamedTuple):
    """Nodes and weights, one row per distribution; the weights of a row sum to 1."""

    p: Array
    weight: Array


def beta_rule(a: Array, b: Array, steepness: float) -> Rule:
    """Nodes and weights for means over Beta(a, b), one row per pair of a and b.

    Parameters
    ----------
    a, b : more than 0, one-dimensional, of one length
    steepness : how many times larger the function may be at p = 0 than at p = 1; beyond
        1 / steepness it may fall like 1 / p, not faster
    """
    mode = np.log(a) - np.log(b)
    width = np.sqrt(1 / a + 1 / b)
    depth = _NEGLIGIBLE + np.log(max(steepness, 1.0))
    low, high = _end(a, b, -1, depth), _end(a, b, +1, _NEGLIGIBLE)
    # Between these the density or the function bends; outside, the density is a plain exponential.
    bend_low = -np.log(np.maximum(b, max(steepness, 1.0))) - 3
    bend_high = np.log(np.maximum(a, 1)) + 3
    wide = width > 0.55
    left = np.where(wide, np.maximum(mode + low, bend_low), mode + low - 60)
    right = np.where(wide, np.minimum(mode + high, bend_high), mode + high + 60)
    first = mode + low + wrightomega(left - mode - low)
    last = mode + high - wrightomega(mode + high - right)
    step = np.where(wide, _STEP, _NARROW * width)
    nodes = int(np.ceil(((last - first) / step).max())) + 1
    u = first[:, None] + (last - first)[:, None] * np.linspace(0, 1, nodes)
    up, down = np.exp(u - right[:, None]), np.exp(left[:, None] - u)
    s = u + up - down
    weight = np.exp(_log_density(a[:, None], b[:, None], s - mode[:, None])) * (1 + up + down)
    p = np.maximum(np.exp(-np.logaddexp(0, -s)), _SMALLEST)
    return Rule(p, weight / weight.sum(axis=1, keepdims=True))


def expectation(rule: Rule, row: Ints, function: Callable[..., Array], *by: Array) -> Array:
    """The mean of `function(p, *by)` over row `row[i]` of the rule, for each i.

    `by` are arrays of the length of `row`; the function gets them as columns. Memory stays bounded.
    """
    found = np.empty(len(row))
    size = max(1, _CHUNK // rule.p.shape[1])
    for start in range(0, len(row), size):
        part = slice(start, start + size)
        values = function(rule.p[row[part]], *(column[part, None] for column in by))
        found[part] = np.einsum("ij,ij->i", rule.weight[row[part]], values)
    return found


def _log_density(a: Array, b: Array, v: Array) -> Array:
    """Log density of Beta(a, b) on the logit scale, `v` away from its mode and relative to it."""
    log_p, log_q = -np.log1p(b / a), -np.log1p(a / b)
    near = np.abs(v) < 1
    step = np.where(near, v, 0.0)
    return -np.where(
        near,
        a * np.log1p(np.exp(log_q) * np.expm1(-step))
        + b * np.log1p(np.exp(log_p) * np.expm1(step)),
        a * np.logaddexp(log_p, log_q - v) + b * np.logaddexp(log_q, log_p + v),
    )


def _end(a: Array, b: Array, side: int, depth: float) -> Array:
    """How far from the mode, left (-1) or right (+1), the log density has fallen by `depth`."""
    near = np.zeros_like(a)
    far = np.sqrt(1 / a + 1 / b)
    while (short := _log_density(a, b, side * far) > -depth).any():
        far = np.where(short, 2 * far, far)
    for _ in range(20):
        middle = (near + far) / 2
        short = _log_density(a, b, side * middle) > -depth
        near, far = np.where(short, middle, near), np.where(short, far, middle)
    return side * far
