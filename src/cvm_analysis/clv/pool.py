"""A pool of forecasts: the mixture of their predictive distributions, weighted by past accuracy.

The weights maximise the log score of the mixture in a past period whose outcome is known, by the EM
algorithm for mixture proportions: Dempster, Laird & Rubin (1977), JRSS B 39(1), 1-38, section 4.3;
as a linear opinion pool: Hall & Mitchell (2007), "Combining density forecasts", International
Journal of Forecasting 23(1), 1-13. Few customers give wild weights, so a region shrinks to the
company's weights, which count as so many customers (a Dirichlet prior); never to equal ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.errors import InputError

PRIOR_CUSTOMERS = 500.0  # for whom the company's weights count in a region
LEAST = 0.02  # a smaller weight is left out
_STEPS, _TOLERANCE = 2000, 1e-7


@dataclass(frozen=True)
class Pool:
    """A mixture of forecasts with the methods of a model; `mix` makes one."""

    code: ClassVar[str] = "pool"

    members: tuple[Any, ...]  # each with a predictive distribution
    weights: tuple[float, ...]  # of the members; they sum to 1

    @property
    def by_customer(self) -> bool:
        """Whether the rows of h must be customers, by customer_id: a member needs it."""
        return any(getattr(member, "by_customer", False) for member in self.members)

    def p_alive(self, h: pd.DataFrame) -> pd.Series:
        """Probability of not having dropped out: the mean of the members that have drop-out.

        Empty if none has; the others say nothing of it.
        """
        return self._mean(lambda one, rows: one.p_alive(rows), h, self._with_drop_out(h))

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per week of each row of h while alive, by the same members."""
        return self._mean(lambda one, rows: one.purchase_rate(rows), h, self._with_drop_out(h))

    def expected_purchases(self, h: pd.DataFrame, horizon: float) -> pd.Series:
        """Expected purchases in the `horizon` weeks after T, for each row of h."""
        return self._mean(lambda one, rows: one.expected_purchases(rows, horizon), h)

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """As `purchase_model.DropOut.discounted_purchases`."""
        return self._mean(lambda one, rows: one.discounted_purchases(rows, rate, horizon), h)

    def purchase_probabilities(self, h: pd.DataFrame, horizon: float, most: int) -> Array:
        """One row per row of h: P(0, ..., most - 1, `most` or more purchases after T)."""
        total = np.zeros((len(h), most + 1))
        distinct = _distinct(h)
        for member, weight in zip(self.members, self.weights, strict=True):
            rows, key = _rows(member, h, distinct)
            total += weight * member.purchase_probabilities(rows, horizon, most)[key]
        return total

    def allocate(self, n: int) -> list[Any]:
        """A member for each of n parts of a simulation, as often as its weight says.

        Each draw of a total must come from one member for all customers: members differ in the
        total, and drawing one for each customer would average their disagreement away.
        """
        shares = n * np.cumsum(self.weights)
        number = np.searchsorted(shares, np.arange(n) + 0.5).clip(max=len(self.members) - 1)
        mixed = np.random.default_rng((n, len(self.members))).permutation(number)
        return [self.members[i] for i in mixed]

    def _with_drop_out(self, h: pd.DataFrame) -> list[bool]:
        """Whether each member has drop-out; of none, all count."""
        first = h.iloc[:1]
        having = [bool(one.p_alive(first).notna().all()) for one in self.members]
        return having if any(having) else [True] * len(having)

    def _mean(
        self,
        forecast: Callable[[Any, pd.DataFrame], pd.Series],
        h: pd.DataFrame,
        counted: list[bool] | None = None,
    ) -> pd.Series:
        """The weighted mean of what the members say of each row of h."""
        total, weights, distinct = np.zeros(len(h)), 0.0, _distinct(h)
        counted = counted or [True] * len(self.members)
        for member, weight, counts in zip(self.members, self.weights, counted, strict=True):
            if counts:
                rows, key = _rows(member, h, distinct)
                total += weight * forecast(member, rows).to_numpy(float)[key]
                weights += weight
        return pd.Series(total / weights, h.index)


def mix(models: Mapping[str, Any], weights: Mapping[str, float]) -> Pool:
    """Mix models, by code, with these weights; those without a model or below LEAST are left out.

    InputError : none is left
    """
    kept = {code: w for code, w in weights.items() if code in models and w >= LEAST}
    total = sum(kept.values())
    if not total > 0:
        raise InputError(f"no forecast to mix: none of {', '.join(weights)} could be fitted")
    return Pool(tuple(models[code] for code in kept), tuple(w / total for w in kept.values()))


def fit_weights(
    log_scores: pd.DataFrame,
    prior: Mapping[str, float] | None = None,
    prior_customers: float = PRIOR_CUSTOMERS,
) -> dict[str, float]:
    """Fit the weights to the log scores of a past period: code -> weight; they sum to 1.

    Parameters
    ----------
    log_scores : one row per customer, one column per forecast; columns with empty values and those
        without any are left out
    prior : weights of the company, by code, that count as `prior_customers` customers; a forecast
        without a column takes no part. None: the scores alone

    Raises
    ------
    InputError : no forecast has scores of all customers
    """
    scores = log_scores.dropna(axis=1)
    if scores.empty:
        raise InputError("no forecast has log scores of all customers; none can be weighted")
    likelihood = np.exp(scores.to_numpy() - scores.to_numpy().max(axis=1, keepdims=True))
    n, k = likelihood.shape
    pseudo = np.array([(prior or {}).get(str(code), 0.0) for code in scores])
    pseudo *= prior_customers / pseudo.sum() if pseudo.sum() > 0 else 0.0
    weights = np.full(k, 1 / k)
    for _ in range(_STEPS):
        share = weights * likelihood
        share /= share.sum(axis=1, keepdims=True)
        found = (share.sum(axis=0) + pseudo) / (n + pseudo.sum())
        done = np.abs(found - weights).max() < _TOLERANCE
        weights = found
        if done:
            break
    return {str(code): float(w) for code, w in zip(scores, weights, strict=True)}


def _distinct(h: pd.DataFrame) -> tuple[pd.DataFrame, Ints]:
    """The distinct histories, and the position among them of each row of h."""
    columns = ["x", "t_x", "T"]
    found, key = np.unique(h[columns].to_numpy(float), axis=0, return_inverse=True)
    return pd.DataFrame(found, columns=columns), key.ravel()


def _rows(
    member: Any, h: pd.DataFrame, distinct: tuple[pd.DataFrame, Ints]
) -> tuple[pd.DataFrame, Any]:
    """The rows a member forecasts, and the position of each row of h among them."""
    return (h, slice(None)) if getattr(member, "by_customer", False) else distinct
