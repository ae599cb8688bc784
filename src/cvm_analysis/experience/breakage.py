"""Breakage: the share of points that are never used; and what the others will cost.

Use, expiry and withdrawal (points taken back) compete for each point; points still there are
censored. The cumulative incidence of each cause by the age of the points (Aalen & Johansen, 1978,
Scandinavian Journal of Statistics 5, 141-150) counts points, not customers; the interval is by
bootstrap of customers, whose points share a fate (Efron & Tibshirani, 1993, "An Introduction to the
Bootstrap", chapter 13). Limits are symmetric on the scale of log(-log), by Student's t: a few
customers with most of the points tell less than their number (effective number: Kish, 1965, "Survey
Sampling", section 11.2).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse, stats

from cvm_analysis.arrays import Array

CAUSES = ("redeem", "expire", "adjust")
LEAST_CUSTOMERS = 20  # with points of an age, for a figure at that age
LEVEL = 0.95
_CHUNK = 20_000_000  # weights of customers that are held at once


class Interval(NamedTuple):
    """A figure and its interval of 95 %."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Fates:
    """What becomes of points by their age in days, 0 to `horizon_days`; `estimate` makes one.

    curves : by cause, share of all points; draws : the same, one row per bootstrap sample
    """

    horizon_days: int
    is_final: bool  # the rule lets no point live longer: what is not used by then never is
    n_customers: int
    n_effective: float  # customers with equal points of known fate that would tell as much
    curves: dict[str, Array]
    draws: dict[str, Array]

    @property
    def redeemed(self) -> Interval:
        """Share of points used within the horizon."""
        return self._share(self.curves["redeem"][-1], self.draws["redeem"][:, -1])

    @property
    def withdrawn(self) -> Interval:
        """Share of points taken back within the horizon."""
        return self._share(self.curves["adjust"][-1], self.draws["adjust"][:, -1])

    @property
    def breakage(self) -> Interval:
        """Share of points neither used nor taken back within the horizon.

        Final where points expire by a rule and the data reach so far; else only up to the horizon,
        after which some may still be used.
        """
        gone = float(self.curves["redeem"][-1] + self.curves["adjust"][-1])
        drawn = self.draws["redeem"][:, -1] + self.draws["adjust"][:, -1]
        return self._share(1 - gone, 1 - drawn)

    def use_from(self, ages: Array) -> tuple[Array, Array]:
        """Probability that points of these ages (days) will be used within the horizon.

        Returns the estimate, and one row per bootstrap sample.
        """
        place = np.minimum(np.asarray(ages, dtype=int), self.horizon_days)
        return (
            _conditional({k: v[None, :] for k, v in self.curves.items()}, place)[0],
            _conditional(self.draws, place),
        )

    def _share(self, found: float, drawn: Array) -> Interval:
        return _log_log(float(np.clip(found, 0.0, 1.0)), drawn, self.n_effective)


def estimate(
    parts: pd.DataFrame,
    as_of: dt.date,
    expire_after_days: int | None,
    n_resamples: int,
    seed: int,
) -> Fates | None:
    """Estimate the fates of points.

    Parameters
    ----------
    parts : as `points.match` returns them, of all customers
    expire_after_days : the rule, None if there is none
    n_resamples : of the bootstrap by customer; seed : same seed, same interval

    Returns
    -------
    None if fewer than LEAST_CUSTOMERS customers have points.
    """
    ended = parts["ended_on"].fillna(pd.Timestamp(as_of))
    age = (ended - parts["earned_on"]).dt.days.to_numpy()
    horizon = _horizon(parts["customer_id"], age, expire_after_days)
    if horizon is None:
        return None
    code, names = pd.factorize(parts["customer_id"], sort=True)
    counted = np.minimum(age, horizon + 1)
    shape = (len(names), horizon + 2)

    def by_customer(rows: pd.Series | None) -> sparse.csr_array:
        points = parts["points"].to_numpy(float) * (1.0 if rows is None else rows.to_numpy(float))
        return sparse.coo_array((points, (code, counted)), shape).tocsr()

    moves = {cause: by_customer(parts["ended_by"] == cause) for cause in CAUSES}
    moves["all"] = by_customer(None)
    curves = _curves(moves, np.ones((1, len(names))))
    draws = _draws(moves, len(names), n_resamples, seed)
    return Fates(
        horizon_days=horizon,
        is_final=expire_after_days is not None and horizon == expire_after_days,
        n_customers=len(names),
        n_effective=_effective(parts[parts["ended_by"].notna() | (age >= horizon)]),
        curves={cause: each[0] for cause, each in curves.items()},
        draws=draws,
    )


def _horizon(customers: pd.Series, age: Array, expire_after_days: int | None) -> int | None:
    """The greatest age that enough customers' points reached, at most that of the rule."""
    oldest = pd.Series(age).groupby(customers.to_numpy()).max().sort_values(ascending=False)
    if len(oldest) < LEAST_CUSTOMERS:
        return None
    observed = int(oldest.iloc[LEAST_CUSTOMERS - 1])
    return observed if expire_after_days is None else min(observed, expire_after_days)


def _draws(
    moves: dict[str, sparse.csr_array], n_customers: int, n_resamples: int, seed: int
) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // n_customers)
    found = []
    for start in range(0, n_resamples, step):
        chosen = rng.integers(0, n_customers, (min(step, n_resamples - start), n_customers))
        weights = [np.bincount(row, minlength=n_customers) for row in chosen]
        found.append(_curves(moves, np.array(weights, dtype=float)))
    return {cause: np.concatenate([each[cause] for each in found]) for cause in CAUSES}


def _curves(moves: dict[str, sparse.csr_array], weights: Array) -> dict[str, Array]:
    """Cumulative incidence of each cause at ages 0, 1, ..., one row per row of weights."""
    left = (moves["all"].T @ weights.T).T  # points whose observation ends at each age
    at_risk = left[:, ::-1].cumsum(axis=1)[:, ::-1][:, :-1]
    hazards = {}
    for cause in CAUSES:
        events = (moves[cause].T @ weights.T).T[:, :-1]
        hazards[cause] = np.divide(events, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
    total = np.clip(sum(hazards.values(), start=np.zeros_like(at_risk)), 0.0, 1.0)
    survival = np.cumprod(1 - total, axis=1)
    before = np.concatenate([np.ones((len(weights), 1)), survival[:, :-1]], axis=1)
    return {cause: (before * hazard).cumsum(axis=1) for cause, hazard in hazards.items()}


def _conditional(curves: dict[str, Array], place: Array) -> Array:
    """Use after an age within the horizon, of points that are still there at this age."""
    used = curves["redeem"]
    left = 1 - sum(curves[cause][:, place] for cause in CAUSES)
    later = used[:, -1:] - used[:, place]
    return np.clip(np.divide(later, left, out=np.zeros_like(later), where=left > 1e-12), 0.0, 1.0)


def _effective(known: pd.DataFrame) -> float:
    """Effective number of customers; known : parts whose fate within the horizon is known."""
    points = known.groupby("customer_id")["points"].sum().to_numpy(float)
    return float(points.sum() ** 2 / (points**2).sum()) if len(points) else 1.0


def _log_log(found: float, drawn: Array, n_effective: float) -> Interval:
    """95 % interval, symmetric on the scale of log(-log(share))."""
    if not 0 < found < 1:
        return Interval(found, found, found)
    z = float(stats.t.ppf((1 + LEVEL) / 2, max(n_effective - 1, 1)))
    inside = np.clip(drawn, 1e-9, 1 - 1e-9)
    error = float(np.std(np.log(-np.log(inside)), ddof=1))
    centre = np.log(-np.log(found))
    low, high = (float(np.exp(-np.exp(centre + side * z * error))) for side in (1, -1))
    return Interval(found, low, high)


class Liability(NamedTuple):
    """What the points that customers hold may cost, in the config's currency.

    points : held, without negative balances; face_value : if all of them were used
    expected, low, high : of those that will be used within the horizon of the fates; interval of
    95 % of the expectation
    """

    points: float
    face_value: float
    expected: float
    low: float
    high: float


def liability(parts: pd.DataFrame, fates: Fates | None, as_of: dt.date, value: float) -> Liability:
    """Value the points that customers still hold.

    parts : as `points.match` returns them
    fates : as `estimate` returns; without them the expectation is empty
    value : of one point, in the config's currency
    """
    still = parts[parts["ended_on"].isna()]
    held = still["points"].to_numpy(float)
    face = float(held.sum() * value)
    if fates is None:
        return Liability(float(held.sum()), face, np.nan, np.nan, np.nan)
    ages = (pd.Timestamp(as_of) - still["earned_on"]).dt.days.to_numpy()
    ages, place = np.unique(ages, return_inverse=True)
    points = np.bincount(place, held, len(ages))
    used, drawn = fates.use_from(ages)
    if not points.sum():
        return Liability(0.0, 0.0, 0.0, 0.0, 0.0)
    mean, spread = float(points @ used / points.sum()), drawn @ points / points.sum()
    share = _log_log(mean, spread, fates.n_effective)
    return Liability(float(points.sum()), face, *(face * each for each in share))
