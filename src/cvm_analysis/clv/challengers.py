"""Two corrections of the default model that may replace it, if they were better in the past.

`rescaled`: the model's forecasts times what recently came / what it had expected. `boosted`:
regression trees learn from what is known of each customer (also spend and gaps) where the model
was recently too high or too low; its forecast is the offset, so trees that learn nothing leave it
as it is. Both learn one origin earlier, from forecasts whose outcome is known by now. Gradient
boosting: Friedman (2001), "Greedy Function Approximation", Annals of Statistics 29(5), 1189-1232.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.clv import naive
from cvm_analysis.clv.numerics import dispersion
from cvm_analysis.clv.numerics.dispersion import Dispersion

COLUMNS = (
    "x", "t_x", "T", "recent", "net_sales", "net_sales_365d", "spend_per_repeat_day",
    "return_share",
    "gap_median_days", "gap_last_days", "gap_cv",
)  # fmt: skip
_FOLDS = 3
_LEAST = 1e-3  # purchases; an offset below this counts as this
_LEAF = 20  # customers in a leaf, at least


class Origin(NamedTuple):
    """What was known on a day: one row per customer in each, and the default model fitted then."""

    customers: pd.DataFrame  # columns of `customers`, and recent: purchase days of the last period
    default: Any


class _Corrected:
    """The default model's forecasts times a factor of each row of h."""

    default: Any

    def _factor(self, h: pd.DataFrame) -> float | pd.Series:
        raise NotImplementedError

    def p_alive(self, h: pd.DataFrame) -> pd.Series:
        """Probability of not having dropped out, as the default model says."""
        return self.default.p_alive(h)

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per week of each row of h as long as the customer stays."""
        return self.default.purchase_rate(h) * self._factor(h)

    def expected_purchases(self, h: pd.DataFrame, horizon: float) -> pd.Series:
        """Expected purchases in the `horizon` weeks after T, for each row of h."""
        return self.default.expected_purchases(h, horizon) * self._factor(h)

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """The same, discounted to T at a continuous `rate` per week; without horizon, for ever."""
        return self.default.discounted_purchases(h, rate, horizon) * self._factor(h)


@dataclass(frozen=True)
class Rescaled(_Corrected):
    """The default model's forecasts times one factor; `rescaled` makes one."""

    code: ClassVar[str] = "rescaled"

    default: Any
    factor: float  # purchases that came / expected, one origin earlier
    dispersion: Dispersion

    def _factor(self, h: pd.DataFrame) -> float:
        return self.factor


@dataclass(frozen=True)
class Boosted(_Corrected):
    """The default model's forecasts times a factor of each customer; `boosted` makes one."""

    code: ClassVar[str] = "boosted"
    by_customer: ClassVar[bool] = True  # h is indexed by customer_id

    default: Any
    factors: pd.Series  # by customer_id
    dispersion: Dispersion

    def _factor(self, h: pd.DataFrame) -> pd.Series:
        return naive.per_customer(self.factors, h)


def fit(then: Origin, now: Origin, came: pd.Series, weeks: float) -> dict[str, Any]:
    """Learn both challengers one origin earlier: code -> model; none where nothing came.

    Parameters
    ----------
    then, now : the two origins, `weeks` apart, with the same kind of default model
    came : purchase days between them of the customers of `then`
    """
    came = came.reindex(then.customers.index)
    if not came.sum() > 0:
        return {}
    expected = _expected(then, weeks)
    return {
        "rescaled": fit_rescaled(now.default, expected, came),
        "boosted": fit_boosted(then, now, expected, came, weeks),
    }


def fit_rescaled(default: Any, expected: pd.Series, came: pd.Series) -> Rescaled:
    """Learn the factor from the purchases of each customer that were expected, and that came."""
    factor = math.fsum(came) / math.fsum(expected)  # the order of rows does not count
    return Rescaled(default, factor, dispersion.fit(expected * factor, came))


def fit_boosted(
    then: Origin, now: Origin, expected: pd.Series, came: pd.Series, weeks: float
) -> Boosted:
    """Learn a factor for each customer of `now` from the customers of `then`.

    The scatter is learned from customers the trees had not seen (three parts, each forecast by
    trees grown on the other two). Neither the order of the rows nor the ids count.
    """
    offset = expected.clip(lower=_LEAST).to_numpy()
    names = [name for name in COLUMNS if name in then.customers and name in now.customers]
    features = _features(then.customers[names], offset)
    target = came.to_numpy(float)
    order = np.lexsort(np.column_stack([features, target]).T)
    features, offset, target = features[order], offset[order], target[order]
    part = np.arange(len(target)) % _FOLDS
    unseen = np.ones(len(target))
    for fold in range(_FOLDS):
        held = part == fold
        unseen[held] = _grow(features[~held], offset[~held], target[~held])(features[held])
    scatter = dispersion.fit(pd.Series(offset * unseen), pd.Series(target))
    ahead = _expected(now, weeks).clip(lower=_LEAST).to_numpy()
    factors = _grow(features, offset, target)(_features(now.customers[names], ahead))
    return Boosted(now.default, pd.Series(factors, now.customers.index), scatter)


def _grow(features: Array, offset: Array, target: Array) -> Any:
    """Grow trees; return a function from features to factors, actual / expected.

    Weights `offset` and targets `target / offset` are the Poisson likelihood with a log offset. A
    fifth of the rows only says when to stop; so the total is then set to that of all rows. What is
    known of fewer than a leaf is not looked at: no leaf could tell them, and scikit-learn fails on
    a column that nobody of the other four fifths has.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    if not target.sum() > 0:
        return lambda rows: np.ones(len(rows))
    told = (~np.isnan(features)).sum(axis=0) >= _LEAF
    if not told.any():
        return lambda rows: np.full(len(rows), target.sum() / offset.sum())
    trees = HistGradientBoostingRegressor(
        loss="poisson", learning_rate=0.1, max_iter=80, max_bins=63, max_leaf_nodes=8, max_depth=3,
        min_samples_leaf=max(_LEAF, len(target) // 50), l2_regularization=10.0, early_stopping=True,
        validation_fraction=0.2, n_iter_no_change=5, random_state=0,
    )  # fmt: skip
    with threadpool_limits(1):
        trees.fit(features[:, told], target / offset, sample_weight=offset)
        level = target.sum() / (offset * trees.predict(features[:, told])).sum()

    def factors(rows: Array) -> Array:
        with threadpool_limits(1):
            return level * trees.predict(rows[:, told])

    return factors


def _features(customers: pd.DataFrame, offset: Array) -> Array:
    """What the trees look at: the columns, weeks of silence, and the model's own forecast."""
    silence = customers["T"] - customers["t_x"]
    return np.column_stack([customers.to_numpy(float, na_value=np.nan), silence, offset])


def _expected(origin: Origin, weeks: float) -> pd.Series:
    return origin.default.expected_purchases(origin.customers, weeks)
