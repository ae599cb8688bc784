"""Two corrections of the default model, used only if they forecast better in the backtest.

`rescaled`: the model's forecasts times actual / expected purchases of the last period. `boosted`:
regression trees learn from each customer's data (also spend and gaps) where the model was recently
too high or too low; its forecast is the offset, so trees that learn nothing leave it unchanged.
Both are fitted one origin earlier, to forecasts whose outcome is known by now. Gradient boosting:
Friedman (2001), "Greedy Function Approximation", Annals of Statistics 29(5), 1189-1232.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.clv import naive
from cvm_analysis.clv.dispersed import Dispersed
from cvm_analysis.clv.numerics import dispersion
from cvm_analysis.one_thread import one_thread

COLUMNS = (
    "x", "t_x", "T", "recent", "net_sales", "net_sales_365d", "spend_per_repeat_day",
    "return_share",
    "gap_median_days", "gap_last_days", "gap_cv",
)  # fmt: skip
_FOLDS = 3
_MIN_OFFSET = 1e-3  # purchases
_MIN_WEEKS = 8
_EDGES = np.linspace(0, 1, 61)[1:-1]  # quantiles between the bins of a feature
_MIN_LEAF = 20  # customers


class Origin(NamedTuple):
    """The data known on a day, one row per customer, and the default model fitted to them."""

    customers: pd.DataFrame  # columns of `customers`, and recent: repeats of the last period
    default: Any


class _Corrected:
    """The default model's forecasts times a factor of each row of h."""

    default: Any

    def _factor(self, h: pd.DataFrame) -> float | pd.Series:
        raise NotImplementedError

    def p_alive(self, h: pd.DataFrame) -> pd.Series:
        """Probability of not having dropped out, by the default model."""
        return self.default.p_alive(h)

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per week of each row of h while alive."""
        return self.default.purchase_rate(h) * self._factor(h)

    def expected_purchases(self, h: pd.DataFrame, horizon: float) -> pd.Series:
        """Expected purchases in the `horizon` weeks after T, for each row of h."""
        return self.default.expected_purchases(h, horizon) * self._factor(h)

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """As `purchase_model.DropOut.discounted_purchases`."""
        return self.default.discounted_purchases(h, rate, horizon) * self._factor(h)


@dataclass(frozen=True)
class Rescaled(_Corrected):
    """The default model's forecasts times one factor; `fit_rescaled` makes one."""

    code: ClassVar[str] = "rescaled"

    default: Any
    factor: float  # actual / expected purchases, one origin earlier

    def _factor(self, h: pd.DataFrame) -> float:
        return self.factor


@dataclass(frozen=True)
class Boosted(_Corrected):
    """The default model's forecasts times a factor of each customer; `fit_boosted` makes one."""

    code: ClassVar[str] = "boosted"
    by_customer: ClassVar[bool] = True  # h is indexed by customer_id

    default: Any
    factors: pd.Series  # by customer_id

    def _factor(self, h: pd.DataFrame) -> pd.Series:
        return naive.select_customers(self.factors, h)


def fit(then: Origin, now: Origin, actual: pd.Series, weeks: float) -> dict[str, Dispersed]:
    """Fit the challengers one origin earlier: code -> model; none without any purchases.

    Boosting needs a period of at least 8 weeks: in a shorter one, too few customers buy.

    Parameters
    ----------
    then, now : the two origins, `weeks` apart, with the same kind of default model
    actual : purchase days between them of the customers of `then`
    """
    actual = actual.reindex(then.customers.index)
    if not actual.sum() > 0:
        return {}
    expected = _expected(then, weeks)
    found = {"rescaled": fit_rescaled(now.default, expected, actual, weeks)}
    if weeks >= _MIN_WEEKS:
        found["boosted"] = fit_boosted(then, now, expected, actual, weeks)
    return found


def fit_rescaled(default: Any, expected: pd.Series, actual: pd.Series, weeks: float) -> Dispersed:
    """Estimate the factor from the expected and actual purchases of each customer."""
    factor = math.fsum(actual) / math.fsum(expected)  # the same in any order of rows
    return Dispersed(Rescaled(default, factor), dispersion.fit(expected * factor, actual), weeks)


def fit_boosted(
    then: Origin, now: Origin, expected: pd.Series, actual: pd.Series, weeks: float
) -> Dispersed:
    """Estimate a factor for each customer of `now` from the customers of `then`.

    The dispersion comes from three-fold cross-validation. Neither the order of the rows nor the ids
    matter.
    """
    offset = expected.clip(lower=_MIN_OFFSET).to_numpy()
    names = [name for name in COLUMNS if name in then.customers and name in now.customers]
    known = _features(then.customers[names], offset)
    edges = [np.unique(np.nanquantile(each, _EDGES)) for each in known.T if _is_usable(each)]
    usable = np.array([_is_usable(each) for each in known.T])
    features = _bin(known[:, usable], edges)
    target = actual.to_numpy(float)
    order = np.lexsort(np.column_stack([features, target]).T)
    features, offset, target = features[order], offset[order], target[order]
    part = np.arange(len(target)) % _FOLDS
    held_out = np.ones(len(target))
    for fold in range(_FOLDS):
        held = part == fold
        held_out[held] = _grow(features[~held], offset[~held], target[~held])(features[held])
    scatter = dispersion.fit(pd.Series(offset * held_out), pd.Series(target))
    ahead = _expected(now, weeks).clip(lower=_MIN_OFFSET).to_numpy()
    later = _bin(_features(now.customers[names], ahead)[:, usable], edges)
    factors = _grow(features, offset, target)(later)
    boosted = Boosted(now.default, pd.Series(factors, now.customers.index))
    return Dispersed(boosted, scatter, weeks)


def _grow(features: Array, offset: Array, target: Array) -> Any:
    """Grow trees; return a function from features to factors, actual / expected.

    Weights `offset` and targets `target / offset` are the Poisson likelihood with a log offset. A
    fifth of the rows serves for early stopping only; so the total is then set to that of all rows.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    if not target.sum() > 0:
        return lambda rows: np.ones(len(rows))
    if not features.shape[1] or np.isnan(features).all(axis=0).any():
        return lambda rows: np.full(len(rows), target.sum() / offset.sum())
    trees = HistGradientBoostingRegressor(
        loss="poisson", learning_rate=0.1, max_iter=80, max_bins=63, max_leaf_nodes=8, max_depth=3,
        min_samples_leaf=max(_MIN_LEAF, len(target) // 50), l2_regularization=10.0,
        early_stopping=True, validation_fraction=0.2, n_iter_no_change=5, random_state=0,
    )  # fmt: skip
    with one_thread():
        trees.fit(features, target / offset, sample_weight=offset)
        level = target.sum() / (offset * trees.predict(features)).sum()

    def factors(rows: Array) -> Array:
        with one_thread():
            return level * trees.predict(rows)

    return factors


def _is_usable(feature: Array) -> bool:
    """Whether enough customers for a leaf have the feature; else no split could use it."""
    return bool((~np.isnan(feature)).sum() >= _MIN_LEAF)


def _bin(features: Array, edges: list[Array]) -> Array:
    """Number the bin of each value; missing ones stay missing.

    scikit-learn would find weighted quantiles, which takes longer than growing the trees.
    """
    found = [
        np.where(np.isnan(each), np.nan, np.searchsorted(edge, each))
        for each, edge in zip(features.T, edges, strict=True)
    ]
    return np.column_stack(found) if found else np.empty((len(features), 0))


def _features(customers: pd.DataFrame, offset: Array) -> Array:
    """The columns, weeks since the last purchase, and the default model's forecast."""
    inactive = customers["T"] - customers["t_x"]
    return np.column_stack([customers.to_numpy(float, na_value=np.nan), inactive, offset])


def _expected(origin: Origin, weeks: float) -> pd.Series:
    return origin.default.expected_purchases(origin.customers, weeks)
