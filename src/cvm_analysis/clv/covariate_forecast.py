"""Attributes of customers as covariates of the default model: a challenger.

Customers of one channel or industry may buy more often, or leave sooner, than those of another. The
covariates of both are columns of 0 and 1, one for each value of an attribute. The model is
Pareto/NBD, the default, in which they change how soon customers leave (in BG/NBD only how much the
risk of leaving differs between them); NBD, where Pareto/NBD finds no drop-out.

An attribute must have been fixed when the customer came: one that is recorded later, such as a
status, knows what the customer did until then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.clv import covariates, histories, naive
from cvm_analysis.clv.covariates import WithCovariates
from cvm_analysis.clv.forecasts import PART
from cvm_analysis.clv.purchase_model import Generator
from cvm_analysis.errors import FitError
from cvm_analysis.minimum_data import Note, shortfalls

CODE = "covariates"
OTHER, MISSING = "other", ""


@dataclass(frozen=True)
class CovariateForecast:
    """A model with covariates, and those of each customer; `fit` makes one."""

    code: ClassVar[str] = CODE
    by_customer: ClassVar[bool] = True  # h is indexed by customer_id

    model: WithCovariates
    z: pd.DataFrame  # covariates, 0 or 1, by customer_id

    @property
    def identified(self) -> bool:
        """Whether the data tell all parameters, so that they can be drawn."""
        return self.model.identified

    @property
    def covariance_log(self) -> Array:
        """Covariance of `logs`."""
        return self.model.covariance_log

    @property
    def logs(self) -> Array:
        """Logarithms of the base parameters, then the coefficients."""
        return self.model.logs

    def with_logs(self, logs: Array) -> Self:
        """The forecast with other values: one draw of the parameters."""
        return replace(self, model=self.model.with_logs(logs))

    def p_alive(self, h: pd.DataFrame) -> pd.Series:
        """Probability that each row of h has not dropped out by T; empty without drop-out."""
        return self._each(h, lambda rows: self.model.p_alive(rows))

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per week of each row of h while alive."""
        return self._each(h, lambda rows: self.model.purchase_rate(rows))

    def expected_purchases(self, h: pd.DataFrame, horizon: float) -> pd.Series:
        """Expected purchases in the `horizon` weeks after T, for each row of h."""
        return self._each(h, lambda rows: self.model.expected_purchases(rows, horizon))

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """As `purchase_model.DropOut.discounted_purchases`."""
        return self._each(h, lambda rows: self.model.discounted_purchases(rows, rate, horizon))

    def purchase_probabilities(self, h: pd.DataFrame, horizon: float, most: int) -> Array:
        """One row per row of h: P(0, ..., most - 1, `most` or more purchases after T)."""
        rows, key = self._distinct(h)
        return self.model.purchase_probabilities(rows, horizon, most)[key]

    def draw(self, h: pd.DataFrame, horizon: float, draws: int, rng: Generator) -> Array:
        """Draw purchases in the `horizon` weeks after T: rows as in h, one column per draw."""
        return self.model.draw(self._with_z(h), horizon, draws, rng)

    def _each(self, h: pd.DataFrame, forecast: Callable[[pd.DataFrame], pd.Series]) -> pd.Series:
        rows, key = self._distinct(h)
        return pd.Series(forecast(rows).to_numpy(float)[key], h.index)

    def _distinct(self, h: pd.DataFrame) -> tuple[pd.DataFrame, Ints]:
        """The distinct histories with their covariates, and the one of each row of h."""
        each = self._with_z(h)
        found, key = np.unique(each.to_numpy(float), axis=0, return_inverse=True)
        return pd.DataFrame(found, columns=each.columns), key.ravel()

    def _with_z(self, h: pd.DataFrame) -> pd.DataFrame:
        z = naive.select_customers(self.z, h)
        return pd.concat([h[["x", "t_x", "T"]].astype(float), z], axis=1)


def fit(
    customers: pd.DataFrame, names: Sequence[str], resolution: Literal["day", "week"] = "day"
) -> tuple[dict[str, CovariateForecast], list[Note]]:
    """Fit the model with these attributes: code -> forecast, none if it cannot be; and notes.

    customers : one row each, by customer_id: x, t_x, T (weeks), and the attributes
    names : columns of attributes; one that does not distinguish customers is left out, with a note
    resolution : of the histories: "week" is faster and good enough for a past day
    """
    z = encode(customers, names)
    left_out = sum(not any(column.startswith(f"{name}=") for column in z) for name in names)
    notes = [Note(PART, "covariates_left_out", float(left_out))] if left_out else []
    if z.empty:
        return {}, notes
    h, key = histories.distinct(customers, resolution)
    each = z.loc[key.index].assign(history=key).groupby(["history", *z.columns]).size()
    rows = each.rename("n").reset_index()
    rows = rows.join(h[["x", "t_x", "T"]], on="history")
    try:
        model = covariates.fit(rows, list(z), list(z))
        if model.reason == "no_drop_out_found":
            model = covariates.fit(rows, list(z), (), "nbd")
    except FitError:
        return {}, [*notes, Note(PART, "covariates_not_fitted")]
    return {CODE: CovariateForecast(model, z)}, notes


def encode(customers: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Turn attributes into columns of 0 and 1: `channel=web` for all values but the most frequent.

    A missing value is a value of its own. Values with too few customers for a model of their own
    (`minimum_data`: 50, of whom 30 bought again) are pooled as `other`; if `other` has too few, it
    counts as the most frequent value. A column that follows from earlier ones is left out.

    customers : one row each; x (repeat purchases) and the attributes
    """
    again = customers["x"] > 0
    found: dict[str, pd.Series] = {}
    for name in names:
        values = _pool_rare(customers[name], again)
        by_size = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
        found |= {f"{name}={value}": (values == value).astype(float) for value in by_size.index[1:]}
    table = pd.DataFrame(found, customers.index)
    rows = np.column_stack([np.ones(len(table)), table])
    rows = np.unique(rows, axis=0)
    ranks = [np.linalg.matrix_rank(rows[:, : i + 1]) for i in range(rows.shape[1])]
    return table.loc[:, np.diff(ranks) > 0]


def _pool_rare(attribute: pd.Series, again: pd.Series) -> pd.Series:
    """The values as text, those with too few customers pooled."""
    values = attribute.astype(str).where(attribute.notna(), MISSING)
    values = values.mask(_is_rare(values, again), OTHER)
    rare = _is_rare(values, again)
    return values if rare.all() else values.mask(rare, values[~rare].mode().iloc[0])


def _is_rare(values: pd.Series, again: pd.Series) -> pd.Series:
    """Whether a customer's value has too few customers for a model of its own."""
    groups = again.groupby(values)
    rare = [
        value
        for value, own in groups
        if shortfalls("purchase_model", buyers=len(own), repeat_buyers=own.sum())
    ]
    return values.isin(rare)
