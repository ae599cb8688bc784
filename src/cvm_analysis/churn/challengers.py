"""Forecasts of no purchase beside Cox's: the purchase model, boosted trees, recency alone.

Each forecasts no purchase within h days after a landmark, and learns from the same rows. None
forecasts beyond the longest outcome it learned from, except the purchase model.

Sources: Friedman (2001), "Greedy Function Approximation: A Gradient Boosting Machine", Annals of
Statistics 29(5), 1189-1232. Kaplan & Meier (1958), JASA 53, 457-481.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.churn.evaluation import logit
from cvm_analysis.one_thread import one_thread
from cvm_analysis.survival import kaplan_meier

_FOLDS = 3
_MIN_SHARE, _MAX_GROUPS = 0.01, 50  # share of rows a region needs to be a category; most of them
_DECILES = np.arange(1, 10) / 10


class Rows(NamedTuple):
    """Features and outcomes: one row per customer and landmark, all with the same index.

    `inactive` and `outcome` have no columns where nothing is known yet.
    """

    customers: pd.Series  # customer_id
    day: pd.Series  # the landmark
    group: pd.Series  # region; None in every row where there is only one
    features: pd.DataFrame  # `features.build`
    recency: pd.Series  # days since the last purchase
    value: (
        pd.DataFrame
    )  # p_no_purchase_<h>d of the purchase model at the landmark; may lack columns
    outcome: pd.DataFrame  # duration, event
    inactive: pd.DataFrame  # p_no_purchase_<h>d: 1 or 0, empty where the outcome is unknown


class ValueModel(NamedTuple):
    """P(no purchase within h | history) by the purchase model."""

    def p_no_purchase(self, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
        """Return the model's own columns; columns it lacks are empty."""
        return rows.value.reindex(columns=column_names(days)).astype(float)


@dataclass(frozen=True)
class Recency:
    """The inactive share of each decile of recency (Kaplan-Meier); `fit_recency` makes one."""

    edges: Array  # days since the last purchase at which a decile ends
    times: Array  # days after the landmark
    shares: Array  # one row per decile: inactive before the first of `times`, and after each
    longest: float  # days; no forecast beyond

    def p_no_purchase(self, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
        """Forecast by decile; falls with the horizon."""
        shares = self.shares[:, np.searchsorted(self.times, days, side="right")]
        shares = np.where(np.asarray(days) > self.longest, np.nan, shares)
        decile = np.searchsorted(self.edges, rows.recency.to_numpy(float))
        return pd.DataFrame(shares[decile], rows.recency.index, column_names(days))


@dataclass(frozen=True)
class Boosted:
    """Shallow trees on features, region, the purchase model's logit and horizon; see `fit_boosted`.

    The forecast may only fall with the horizon, and rise with the purchase model's.
    """

    columns: list[str]
    groups: list[str]  # regions that are categories
    longest: int  # days; the longest horizon learned
    out_of_fold: pd.DataFrame = field(repr=False)  # forecasts of the training rows
    trees: Any = field(repr=False)

    def p_no_purchase(self, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
        """Forecast; empty beyond the longest horizon learned. Linear in customers."""
        table = pd.DataFrame(np.nan, rows.features.index, column_names(days))
        for day, name in zip(days, table, strict=True):
            if day <= self.longest:
                table[name] = _forecast(self.trees, _inputs(rows, day, self.columns, self.groups))
        return table


def fit_recency(rows: Rows) -> Recency:
    """Fit the inactive share by decile of recency, with censored outcomes.

    Beyond its longest outcome a decile follows the curve of all rows. One average row is added to
    each decile, so that no share is 0 or 1.
    """
    since = rows.recency.to_numpy(float)
    edges = np.unique(np.quantile(since, _DECILES))
    edges = edges[edges < since.max()]
    duration, decile = rows.outcome["duration"].to_numpy(float), np.searchsorted(edges, since)
    pooled = kaplan_meier.product_limit(rows.outcome)
    times, mean = pooled["duration"].to_numpy(float), np.concatenate([[1.0], pooled["survival"]])
    shares = []
    for own in (decile == each for each in range(len(edges) + 1)):
        curve = kaplan_meier.product_limit(rows.outcome[own])
        share = np.concatenate([[1.0], kaplan_meier.survival_at(curve, times)])
        last = np.searchsorted(times, duration[own].max(initial=0.0), side="right")
        onward = mean[last:] / mean[last] if mean[last] > 0 else mean[last:]
        share[last:] = share[last] * onward
        shares.append((share * own.sum() + mean) / (own.sum() + 1))
    longest = max([float(duration.max()), *observed_horizons(rows)])
    return Recency(edges, times, np.array(shares), longest)


def fit_boosted(rows: Rows) -> Boosted | None:
    """Fit the trees to every row and horizon with a known outcome; None if all outcomes are equal.

    Out-of-fold forecasts (three folds by customer) serve the recalibration. The result does not
    depend on the order of the rows or on the ids.
    """
    columns, groups, days = list(rows.features), _groups(rows), observed_horizons(rows)
    if not days:
        return None
    cases, inactive, place = _cases(rows, days, columns, groups)
    if len(np.unique(inactive)) < 2:
        return None
    fold = _folds(rows)[place[:, 0]]
    held_out = np.full(rows.inactive.shape, np.nan)
    for k in range(_FOLDS):
        held = fold == k
        if held.any() and len(np.unique(inactive[~held])) == 2:
            trees = _fit_trees(cases[~held], inactive[~held])
            held_out[tuple(place[held].T)] = _forecast(trees, cases[held])
    out_of_fold = pd.DataFrame(held_out, rows.inactive.index, rows.inactive.columns)
    return Boosted(columns, groups, max(days), out_of_fold, _fit_trees(cases, inactive))


def observed_horizons(rows: Rows) -> list[int]:
    """Horizons with at least one known outcome."""
    return [horizon(str(name)) for name in rows.inactive if rows.inactive[name].notna().any()]


def column_names(days: Sequence[int]) -> list[str]:
    """Name the columns of horizons: p_no_purchase_<h>d."""
    return [f"p_no_purchase_{day}d" for day in days]


def horizon(name: str) -> int:
    """Read the horizon from a column name p_no_purchase_<h>d."""
    return int(name.removeprefix("p_no_purchase_").removesuffix("d"))


def _groups(rows: Rows) -> list[str]:
    """Regions with enough rows to be a category, by name."""
    share = rows.group.value_counts(normalize=True)
    return sorted(map(str, share.index[share >= _MIN_SHARE]))[:_MAX_GROUPS]


def _cases(
    rows: Rows, days: list[int], columns: list[str], groups: list[str]
) -> tuple[Array, Array, Ints]:
    """One case per row and horizon with a known outcome, sorted by value.

    Returns the inputs of the trees, the outcomes, and the row and column of each case.
    """
    inputs, outcomes, places = [], [], []
    for column, name in enumerate(rows.inactive):
        if horizon(str(name)) in days:
            inactive = rows.inactive[name].to_numpy(float)
            known = np.flatnonzero(~np.isnan(inactive))
            inputs.append(_inputs(rows, horizon(str(name)), columns, groups)[known])
            outcomes.append(inactive[known])
            places.append(np.column_stack([known, np.full(len(known), column)]))
    cases, outcome, place = np.vstack(inputs), np.concatenate(outcomes), np.vstack(places)
    order = np.lexsort(np.column_stack([outcome, cases]).T)
    return cases[order], outcome[order], place[order]


def _folds(rows: Rows) -> Ints:
    """The fold of each row; customers are dealt out in the order of their features and outcomes."""
    totals = rows.features.join(rows.outcome).groupby(rows.customers, sort=False).sum()
    order = np.lexsort(totals.to_numpy(float).T)
    fold = pd.Series(np.arange(len(order)) % _FOLDS, totals.index[order])
    return rows.customers.map(fold).to_numpy()


def _inputs(rows: Rows, day: int, columns: list[str], groups: list[str]) -> Array:
    """Features, region as a number, the purchase model's logit (0 where it has none), horizon."""
    number = rows.group.map({group: k for k, group in enumerate(groups)}).fillna(len(groups))
    value = np.nan_to_num(logit(ValueModel().p_no_purchase(rows, [day]).to_numpy(float)))
    features = rows.features[columns].to_numpy(float)
    days = np.full(len(features), float(day))
    return np.column_stack([features, number.to_numpy(float), value, days])


def _fit_trees(cases: Array, inactive: Array) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(
        learning_rate=0.1, max_iter=60, max_leaf_nodes=8, max_depth=4, max_bins=63,
        min_samples_leaf=max(20, len(inactive) // 500), l2_regularization=10.0,
        early_stopping=False, categorical_features=[cases.shape[1] - 3], random_state=0,
        monotonic_cst=[0] * (cases.shape[1] - 2) + [1, -1],
    )  # fmt: skip
    with one_thread():
        return trees.fit(cases, inactive)


def _forecast(trees: Any, cases: Array) -> Array:
    with one_thread():
        return trees.predict_proba(cases)[:, 1]
