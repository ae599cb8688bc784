"""Forecasts of silence beside Cox's: the value model, boosted trees, and recency alone.

All forecast the same: no purchase within h days after the landmark. All learn from the same rows,
several landmarks one below the other, and none forecasts a longer silence than it has seen (the
value model has seen the purchases themselves, and may).

Gradient boosting: Friedman (2001), "Greedy Function Approximation", Annals of Statistics 29(5),
1189-1232. Kaplan & Meier (1958), JASA 53, 457-481.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.churn.evaluation import logit
from cvm_analysis.survival import kaplan_meier

_FOLDS = 3
_RAREST, _MOST_GROUPS = 0.01, 50  # share of rows of a region that is told apart; how many are
_TENTHS = np.arange(1, 10) / 10


class Rows(NamedTuple):
    """What was known of customers at one or several landmarks: one row per customer and landmark.

    All have the same index; `silent` and `outcome` are empty frames where nothing came yet.
    """

    customers: pd.Series  # customer_id
    day: pd.Series  # the landmark
    group: pd.Series  # region; None throughout where there is only one
    features: pd.DataFrame  # `features.build`
    recency: pd.Series  # days since the last purchase
    value: (
        pd.DataFrame
    )  # p_no_purchase_<h>d of the value model fitted at the landmark; may lack columns
    outcome: pd.DataFrame  # duration, event
    silent: pd.DataFrame  # p_no_purchase_<h>d: 1 or 0, empty where the outcome is not known


class ValueModel(NamedTuple):
    """P(no purchase within h | history) as the model of purchases gives it."""

    def p_no_purchase(self, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
        """Give the columns the value model gave; the others are empty."""
        return rows.value.reindex(columns=column_names(days)).astype(float)


@dataclass(frozen=True)
class Recency:
    """The share that stayed silent among customers of the same tenth of recency (Kaplan-Meier)."""

    edges: Array  # days since the last purchase at which a tenth ends
    times: Array  # days after the landmark
    shares: Array  # one row per tenth: still silent before the first of `times`, and after each
    longest: float  # days; nothing is said beyond

    def p_no_purchase(self, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
        """Look each customer's tenth up; falls with the horizon."""
        told = self.shares[:, np.searchsorted(self.times, days, side="right")]
        told = np.where(np.asarray(days) > self.longest, np.nan, told)
        tenth = np.searchsorted(self.edges, rows.recency.to_numpy(float))
        return pd.DataFrame(told[tenth], rows.recency.index, column_names(days))


@dataclass(frozen=True)
class Boosted:
    """Shallow trees over features, region, value model's logit and horizon; `fit_boosted` grows it.

    The risk of silence may only fall with the horizon and rise with the value model's.
    """

    columns: list[str]
    groups: list[str]  # the regions it tells apart
    longest: int  # days; the longest horizon it has learned from
    unseen: pd.DataFrame = field(
        repr=False
    )  # of the training rows, by trees that had not seen them
    trees: Any = field(repr=False)

    def p_no_purchase(self, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
        """Forecast; empty for horizons beyond those learned from. Linear in customers."""
        table = pd.DataFrame(np.nan, rows.features.index, column_names(days))
        for day, name in zip(days, table, strict=True):
            if day <= self.longest:
                table[name] = _forecast(self.trees, _seen_by(rows, day, self.columns, self.groups))
        return table


def fit_recency(rows: Rows) -> Recency:
    """Learn the shares by tenths of recency; each outcome counts for as long as it was watched.

    Beyond what a tenth was watched it goes on as all customers do. A customer of the mean is added
    to each tenth, so that no share is 0 or 1.
    """
    since = rows.recency.to_numpy(float)
    edges = np.unique(np.quantile(since, _TENTHS))
    edges = edges[edges < since.max()]
    duration, tenth = rows.outcome["duration"].to_numpy(float), np.searchsorted(edges, since)
    every = kaplan_meier.product_limit(rows.outcome)
    times, mean = every["duration"].to_numpy(float), np.concatenate([[1.0], every["survival"]])
    shares = []
    for own in (tenth == each for each in range(len(edges) + 1)):
        then = np.concatenate(
            [[1.0], kaplan_meier.survival_at(kaplan_meier.product_limit(rows.outcome[own]), times)]
        )
        last = np.searchsorted(times, duration[own].max(initial=0.0), side="right")
        onward = mean[last:] / mean[last] if mean[last] > 0 else mean[last:]
        then[last:] = then[last] * onward
        shares.append((then * own.sum() + mean) / (own.sum() + 1))
    longest = max([float(duration.max()), *observed_horizons(rows)])
    return Recency(edges, times, np.array(shares), longest)


def fit_boosted(rows: Rows) -> Boosted | None:
    """Grow the trees on every row and horizon whose outcome is known; None if all came out alike.

    The forecasts by which they are recalibrated are of customers the trees had not seen (three
    parts; all rows of a customer are in one). Neither the order of the rows nor the ids count.
    """
    columns, groups, days = list(rows.features), _groups(rows), observed_horizons(rows)
    if not days:
        return None
    cases, came, at = _cases(rows, days, columns, groups)
    if len(np.unique(came)) < 2:
        return None
    part = _parts(rows)[at[:, 0]]
    unseen = np.full(rows.silent.shape, np.nan)
    for fold in range(_FOLDS):
        held = part == fold
        if held.any() and len(np.unique(came[~held])) == 2:
            grown = _grow(cases[~held], came[~held])
            unseen[tuple(at[held].T)] = _forecast(grown, cases[held])
    told = pd.DataFrame(unseen, rows.silent.index, rows.silent.columns)
    return Boosted(columns, groups, max(days), told, _grow(cases, came))


def observed_horizons(rows: Rows) -> list[int]:
    """Horizons of which some outcome is known."""
    return [horizon(str(name)) for name in rows.silent if rows.silent[name].notna().any()]


def column_names(days: Sequence[int]) -> list[str]:
    """Columns of horizons: p_no_purchase_<h>d."""
    return [f"p_no_purchase_{day}d" for day in days]


def horizon(name: str) -> int:
    """The horizon of a column p_no_purchase_<h>d."""
    return int(name.removeprefix("p_no_purchase_").removesuffix("d"))


def _groups(rows: Rows) -> list[str]:
    """The regions with enough rows to be told apart, by name."""
    share = rows.group.value_counts(normalize=True)
    return sorted(map(str, share.index[share >= _RAREST]))[:_MOST_GROUPS]


def _cases(
    rows: Rows, days: list[int], columns: list[str], groups: list[str]
) -> tuple[Array, Array, Ints]:
    """One case per row and horizon with a known outcome, in an order of their own.

    Returns what the trees look at, whether silence came, and the row and column of each.
    """
    found, came, at = [], [], []
    for place, name in enumerate(rows.silent):
        if horizon(str(name)) in days:
            silent = rows.silent[name].to_numpy(float)
            known = np.flatnonzero(~np.isnan(silent))
            found.append(_seen_by(rows, horizon(str(name)), columns, groups)[known])
            came.append(silent[known])
            at.append(np.column_stack([known, np.full(len(known), place)]))
    cases, outcome, where = np.vstack(found), np.concatenate(came), np.vstack(at)
    order = np.lexsort(np.column_stack([outcome, cases]).T)
    return cases[order], outcome[order], where[order]


def _parts(rows: Rows) -> Ints:
    """The part each customer is in, by the order of their features and outcomes."""
    look = rows.features.join(rows.outcome).groupby(rows.customers, sort=False).sum()
    order = np.lexsort(look.to_numpy(float).T)
    part = pd.Series(np.arange(len(order)) % _FOLDS, look.index[order])
    return rows.customers.map(part).to_numpy()


def _seen_by(rows: Rows, day: int, columns: list[str], groups: list[str]) -> Array:
    """Features, region as a number, the value model's logit (0 where it gave none), horizon."""
    number = rows.group.map({group: k for k, group in enumerate(groups)}).fillna(len(groups))
    value = np.nan_to_num(logit(ValueModel().p_no_purchase(rows, [day]).to_numpy(float)))
    look = rows.features[columns].to_numpy(float)
    return np.column_stack([look, number.to_numpy(float), value, np.full(len(look), float(day))])


def _grow(cases: Array, came: Array) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    trees = HistGradientBoostingClassifier(
        learning_rate=0.1, max_iter=60, max_leaf_nodes=8, max_depth=4, max_bins=63,
        min_samples_leaf=max(20, len(came) // 500), l2_regularization=10.0, early_stopping=False,
        categorical_features=[cases.shape[1] - 3], random_state=0,
        monotonic_cst=[0] * (cases.shape[1] - 2) + [1, -1],
    )  # fmt: skip
    with threadpool_limits(1):
        return trees.fit(cases, came)


def _forecast(trees: Any, cases: Array) -> Array:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return trees.predict_proba(cases)[:, 1]
