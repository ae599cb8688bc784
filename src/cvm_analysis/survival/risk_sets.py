"""Risk sets of Cox's model: sums over the rows at risk at each event.

They give the likelihood and its derivatives, the score residuals and the baseline hazard of a
model, in time linear in the rows, with late entry, strata and ties after Efron. Own code because
lifelines' residuals ignore ties, and its derivatives take a step of Python for every event time.

Source: Therneau & Grambsch (2000), "Modeling Survival Data", Springer, chapters 3 and 4. With d
events at one time, the r-th of them (r = 0 .. d - 1) meets the risk set less the share r / d of
the d rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Bools, Ints


@dataclass(frozen=True)
class RiskSets:
    """The risk sets of one stratum with m distinct event times; `build` makes them.

    A row is at risk at the times from `first` up to, without, `last`.
    """

    rows: Ints  # places of the stratum's rows in the data
    x: Array  # rows x terms
    risk: Array  # exp of the log hazard, per row
    event: Bools
    first: Ints
    last: Ints
    times: Array
    deaths: Array  # events at each time
    at_risk: Array  # m x terms: sums of risk * x over the risk set
    dying: Array  # m x terms: the same over the rows with an event at that time
    log_risk: float  # sum of log s over all events; s and f as below
    hazard: tuple[Array, Array]  # sums of 1/s and f/s over the events of a time, ...
    squared: tuple[Array, Array, Array]  # ... of 1/s^2, f/s^2 and f^2/s^2; f = r/d, s = risk

    @property
    def event_place(self) -> Ints:
        """Place among `times` of each event."""
        return self.last[self.event] - 1

    @property
    def log_likelihood(self) -> float:
        """Of the events: log risk of each, less log s."""
        return float(np.log(self.risk[self.event]).sum()) - self.log_risk

    def sum_at_risk(self, steps: Array) -> Array:
        """Sum m values, or m rows of values, over the times each row was at risk."""
        total = np.concatenate([np.zeros_like(steps[:1]), np.cumsum(steps, axis=0)])
        return total[self.last] - total[self.first]

    def gradient(self, weights: Array) -> Array:
        """Sum over events of weight times (x - mean x at risk); one per term.

        weights : one per time; all 1: the gradient of the log likelihood
        """
        plain, shared = self.hazard
        expected = self.at_risk * plain[:, None] - self.dying * shared[:, None]
        return weights[self.event_place] @ self.x[self.event] - weights @ expected

    def information(self, weights: Array) -> Array:
        """Sum over events of weight times the covariance of x at risk.

        weights : one per time; all 1: the information matrix
        """
        plain, shared = self.hazard
        share = self.sum_at_risk(weights * plain)
        share[self.event] -= (weights * shared)[self.event_place]
        second = (self.x * (self.risk * share)[:, None]).T @ self.x
        one, mixed, two = (weights * q for q in self.squared)
        across = (self.at_risk * mixed[:, None]).T @ self.dying
        means = (self.at_risk * one[:, None]).T @ self.at_risk - across - across.T
        return second - means - (self.dying * two[:, None]).T @ self.dying

    def expected(self) -> Array:
        """Expected events of each row; events less these are the martingale residuals."""
        plain, shared = self.hazard
        share = self.sum_at_risk(plain)
        share[self.event] -= shared[self.event_place]
        return self.risk * share

    def scores(self) -> Array:
        """Score residuals: rows x terms, adding up to the gradient."""
        (plain, shared), (one, mixed, two) = self.hazard, self.squared
        pull = self.sum_at_risk(self.at_risk * one[:, None] - self.dying * mixed[:, None])
        own = self.event_place
        pull[self.event] -= (self.at_risk * mixed[:, None] - self.dying * two[:, None])[own]
        scores = self.risk[:, None] * pull - self.expected()[:, None] * self.x
        mean = (self.at_risk * plain[:, None] - self.dying * shared[:, None])[own]
        scores[self.event] += self.x[self.event] - mean / self.deaths[own, None]
        return scores


def build(x: Array, log_hazard: Array, observed: pd.DataFrame) -> list[RiskSets]:
    """Build the risk sets of each stratum with an event.

    Parameters
    ----------
    x : rows x terms, best centred, for sums of squares are subtracted
    log_hazard : of each row; a constant changes nothing but the baseline
    observed : one row each: entry (-inf: from the start), duration, event (1 or 0), stratum (any
        code); at risk in (entry, duration]
    """
    values = {name: observed[name].to_numpy() for name in ("entry", "duration", "event")}
    parts = observed.groupby("stratum").indices.values()
    return [
        _of_stratum(rows, x[rows], np.exp(log_hazard[rows]), values)
        for rows in parts
        if values["event"][rows].any()
    ]


def total(
    sets: Sequence[RiskSets], weigh: Callable[[Array], Array] = np.ones_like
) -> tuple[Array, Array]:
    """Sum gradient and information over all strata; `weigh` : weights of event times."""
    weights = [weigh(part.times) for part in sets]
    pairs = list(zip(sets, weights, strict=True))
    gradient = sum(part.gradient(weight) for part, weight in pairs)
    return np.asarray(gradient), np.asarray(sum(part.information(w) for part, w in pairs))


def score_statistic(gradient: Array, information: Array, tested: Ints) -> tuple[float, Array]:
    """Score test of terms with coefficient 0 at the maximum of all others.

    gradient, information : of all terms, those tested included
    tested : their places

    Returns the chi-squared, with one degree of freedom per term tested, and one Newton step towards
    their coefficients.
    """
    rest = np.setdiff1d(np.arange(len(gradient)), tested)
    known, mixed = information[np.ix_(rest, rest)], information[np.ix_(rest, tested)]
    left = information[np.ix_(tested, tested)] - mixed.T @ np.linalg.solve(known, mixed)
    step = np.asarray(np.linalg.lstsq(left, gradient[tested], rcond=None)[0])
    return float(step @ gradient[tested]), step


def _of_stratum(rows: Ints, x: Array, risk: Array, values: dict[str, Array]) -> RiskSets:
    entry, stop, event = (values[name][rows] for name in ("entry", "duration", "event"))
    happened = event == 1
    times, own, deaths = np.unique(stop[happened], return_inverse=True, return_counts=True)
    first, last = (np.searchsorted(times, values, side="right") for values in (entry, stop))
    m = len(times)
    weighted = np.column_stack([risk, risk[:, None] * x])
    change = _sums(last, weighted, m + 1)
    if first.any():
        change -= _sums(first, weighted, m + 1)
    at_risk = np.cumsum(change[:0:-1], axis=0)[::-1]
    dying = _sums(own, weighted[happened], m)
    place = np.repeat(np.arange(m), deaths)
    f = (np.arange(len(place)) - np.repeat(np.cumsum(deaths) - deaths, deaths)) / deaths[place]
    s = at_risk[place, 0] - f * dying[place, 0]
    sums = _sums(place, np.column_stack([1 / s, f / s, 1 / s**2, f / s**2, f**2 / s**2]), m).T
    return RiskSets(
        rows=rows,
        x=x,
        risk=risk,
        event=happened,
        first=first,
        last=last,
        times=times,
        deaths=deaths.astype(float),
        log_risk=float(np.log(s).sum()),
        at_risk=at_risk[:, 1:],
        dying=dying[:, 1:],
        hazard=(sums[0], sums[1]),
        squared=(sums[2], sums[3], sums[4]),
    )


def _sums(place: Ints, values: Array, n: int) -> Array:
    return np.column_stack([np.bincount(place, column, n) for column in values.T])
