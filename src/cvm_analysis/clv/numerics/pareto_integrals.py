"""Integrals over the drop-out time of Pareto/NBD, by one positive sum, for any parameters.

P(alive), numbers of purchases and their present value all need integrals from 0 to `end` of
(v / a)^m (1 + v / a)^-p (1 + v / b)^-q exp(-rate v).
Of y = log(1 + v / min(a, b)) the integrand is log-concave and analytic within pi of the real axis,
so a few dozen Gauss-Legendre nodes over the range where it is not negligible reach rounding error.
Closed forms (hypergeometric functions) cancel or overflow for many histories.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from cvm_analysis.arrays import Array, Bools, Ints

_FALL = 38.0  # exp(-38) is below the rounding of a double
_CHUNK = 2**14  # doubles held at a time: fits in a processor's cache


# Largest range of y, largest fall of the logarithm over it, nodes; the first that fits counts.
# Against quadrature with 96 nodes each keeps a relative error below 1e-12.
_RULES = ((1.5, 12.0, 12), (2.5, 20.0, 16), (4.0, np.inf, 24), (np.inf, np.inf, 96))


class Curve(NamedTuple):
    """Parameters of the integrand, one value per row; a and b above 0, the others 0 or more."""

    m: Array  # 0 throughout, or 1 and more throughout
    p: Array
    a: Array
    q: Array
    b: Array
    rate: Array


class Piece(NamedTuple):
    """Some rows of an integral: the sum of a row of `mass` is its value, by nodes v."""

    rows: Ints
    v: Array
    mass: Array


def pieces(curve: Curve, end: Array, log_scale: Array) -> Iterator[Piece]:
    """The integral from 0 to `end` times exp(log_scale), row by row, in pieces of bounded memory.

    Rows whose `end` is 0 come with masses of 0.
    """
    curve = Curve(*np.broadcast_arrays(*curve, end)[:-1])
    low, high = _ends(curve, end)
    fall = -_log(curve, high, _v(curve, high)) if not curve.m.any() else np.full(len(end), np.inf)
    short = [(high <= widest) & (fall <= deepest) for widest, deepest, _ in _RULES]
    chosen = np.where(curve.m > 0, len(_RULES) - 1, np.argmax(short, axis=0))
    for which, (_, _, nodes) in enumerate(_RULES):
        rows = np.flatnonzero(chosen == which)
        node, weight = _gauss(nodes)
        size = _CHUNK // nodes
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            one = Curve(*(column[part, None] for column in curve))
            half = (high - low)[part, None] / 2
            y, unit = low[part, None] + half * (1 + node), _unit(one)
            v = unit * np.expm1(y)
            mass = np.exp(_log(one, y, v) + log_scale[part, None]) * (half * unit * weight)
            yield Piece(part, v, mass)


def integral(curve: Curve, end: Array, log_scale: Array) -> Array:
    """The integral from 0 to `end` (finite), times exp(log_scale): one value per row."""
    found = np.zeros(len(end))
    for piece in pieces(curve, end, log_scale):
        found[piece.rows] = piece.mass.sum(axis=1)
    return found


@cache
def _gauss(nodes: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes in (-1, 1) and their weights."""
    return np.polynomial.legendre.leggauss(nodes)


def _unit(curve: Curve) -> Array:
    """The unit of v: min(a, b)."""
    return np.minimum(curve.a, curve.b)


def _v(curve: Curve, y: Array) -> Array:
    """The drop-out time v of y."""
    return _unit(curve) * np.expm1(y)


def _log(curve: Curve, y: Array, v: Array) -> Array:
    """Log of the integrand of y; 0 at y = 0 if m is 0, which needs v = 0 there."""
    m, p, a, q, b, rate = curve
    log = y - p * np.log1p(v / a) - q * np.log1p(v / b)
    if rate.any():
        log = log - rate * v
    return log + m * np.log(v / a) if m.any() else log


def _slope(curve: Curve, v: Array) -> Array:
    """Derivative of `_log` by y; it falls with y."""
    m, p, a, q, b, rate = curve
    u = v + _unit(curve)
    slope = 1 - p * u / (a + v) - q * u / (b + v) - rate * u
    return slope + m * u / v if m.any() else slope


def _ends(curve: Curve, end: Array) -> tuple[Array, Array]:
    """Range of y, within 0 and that of `end`, outside which the integrand is negligible."""
    if curve.m.any():
        return _around_mode(curve, np.log1p(end / _unit(curve)))
    # Each factor alone is negligible beyond its own v; y itself stays below 40.
    alone = (
        curve.a * np.expm1(np.minimum(2 * _FALL / np.maximum(curve.p, 0.2), 400.0)),
        curve.b * np.expm1(np.minimum(2 * _FALL / np.maximum(curve.q, 0.2), 400.0)),
        2 * _FALL / np.maximum(curve.rate, 1e-200),
    )
    last = np.log1p(np.minimum.reduce([end, *alone]) / _unit(curve))
    steep = np.maximum(-_slope(curve, np.zeros_like(last)), 1e-200)
    high = np.minimum(last, _FALL / steep)
    wide = np.flatnonzero(high > _RULES[0][0])
    some = Curve(*(column[wide] for column in curve))
    # A tangent of a concave function lies above it: each step stays on the negligible side.
    for _ in range(4 if len(wide) else 0):
        v = _v(some, high[wide])
        excess = np.minimum(_log(some, high[wide], v) + _FALL, 0.0)
        high[wide] -= excess / np.where(excess < 0, _slope(some, v), 1.0)
    return np.zeros_like(high), high


def _around_mode(curve: Curve, last: Array) -> tuple[Array, Array]:
    """The same for m above 0, where the integrand rises from 0 first."""
    last = np.maximum(last, 1e-140)
    mode = _turn(lambda y: _slope(curve, _v(curve, y)) > 0, 1e-9 * last, last)
    level = _log(curve, mode, _v(curve, mode)) - _FALL
    low = _turn(lambda y: _log(curve, y, _v(curve, y)) < level, 1e-9 * mode, mode)
    high = _turn(lambda y: _log(curve, y, _v(curve, y)) > level, mode, last)
    return np.where(low < 1e-8 * mode, 0.0, low), high


def _turn(holds: Callable[[Array], Bools], low: Array, high: Array) -> Array:
    """Where a condition that holds at `low` ends, or `high`, to a thousandth."""
    for _ in range(16):
        middle = np.sqrt(low * high)
        on = holds(middle)
        low, high = np.where(on, middle, low), np.where(on, high, middle)
    return high
