"""Measures on a common scale for clustering: each has about equal weight, outliers are clipped.

A number is transformed (a logarithm where ratios matter), clipped at three robust standard
deviations from the median, standardized, and clipped at 3. An attribute becomes one column per
level; distances are those of simple matching [1], and all levels together have the variance of one
number. Compositions are shrunk towards the mean with the weight of SHRINKAGE purchases, so that a
single purchase makes nobody extreme; square roots give Hellinger distances [2]; a composition has
the variance of WHOLE numbers.

Sources: [1] Gower (1971), "A General Coefficient of Similarity and Some of Its Properties",
Biometrics 27, 857-871. [2] Legendre & Gallagher (2001), "Ecologically Meaningful Transformations
for Ordination of Species Data", Oecologia 129, 271-280.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.segments.clusters.measures import LEVEL, composition, is_attribute

LEAST_VARIED = 0.05  # least share that differs from the most common value of a measure
RAREST = 0.01  # least share of a level with a column of its own
LEAST_KNOWN = 0.5  # least share of customers with a value of a measure
FARTHEST = 3.0  # standard deviations at which values are clipped
SHRINKAGE = 2.0  # purchases with the average mix, added to each customer's own
WHOLE = 2.0  # weight of a composition, in numbers
RATIO = {"net_sales_per_order", "orders_per_year"}  # the logarithm is taken
COUNTED = {"days_since_last", "n_categories"}  # the same, of the value plus 1
CENTRES = ((0.25, 0.75, 1.349), (0.1, 0.9, 2.563), (0.05, 0.95, 3.290), (0.01, 0.99, 4.653))


@dataclass(frozen=True)
class Number:
    """How one number becomes a feature."""

    column: str
    transformed: str  # log, log1p, sqrt or as_is
    unit: float
    median: float
    bounds: tuple[float, float]
    mean: float
    deviation: float

    @property
    def columns(self) -> list[str]:
        """Names of its features."""
        return [self.column]

    def transform(self, measured: pd.DataFrame, purchases: pd.Series) -> pd.DataFrame:
        """One column, standardized by the customers it was learned from, clipped at 3."""
        values = _finite(measured[self.column]).fillna(self.median)
        clipped = _transform(values, self.transformed, self.unit).clip(*self.bounds)
        scaled = (clipped - self.mean) / self.deviation
        return scaled.clip(-FARTHEST, FARTHEST).to_frame(self.column)


@dataclass(frozen=True)
class Attribute:
    """How one attribute becomes features: the share of each level that counts."""

    column: str
    levels: Mapping[str, float]

    @property
    def columns(self) -> list[str]:
        """Names of its features."""
        return [f"{self.column}{LEVEL}{level}" for level in self.levels]

    def transform(self, measured: pd.DataFrame, purchases: pd.Series) -> pd.DataFrame:
        """One column per level; an unknown level counts as the average customer."""
        own, shares = measured[self.column], pd.Series(self.levels)
        levels = {level: (own.astype(str) == level).astype(float) for level in shares.index}
        centred = pd.DataFrame(levels).sub(shares).where(own.notna(), 0.0)
        scaled = centred / np.sqrt((shares * (1 - shares)).sum())
        return scaled.add_prefix(f"{self.column}{LEVEL}")


@dataclass(frozen=True)
class Composition:
    """How the parts of one composition become features."""

    mix: Mapping[str, float]
    means: Mapping[str, float]
    scale: float

    @property
    def columns(self) -> list[str]:
        """Names of its features."""
        return list(self.mix)

    def transform(self, measured: pd.DataFrame, purchases: pd.Series) -> pd.DataFrame:
        """One column per part; a new part is zero, a customer without any is the average."""
        shares, bought = measured[self.columns], purchases.reindex(measured.index).to_numpy(float)
        shares = shares.fillna(0.0).where(shares.notna().any(axis=1))
        rooted = pd.DataFrame(
            self.rooted(shares.to_numpy(float), bought), measured.index, self.columns
        )
        return rooted.sub(pd.Series(self.means)).fillna(0.0) * self.scale

    def rooted(self, shares: np.ndarray, bought: np.ndarray) -> np.ndarray:
        """Square roots of shrunk shares, one row per customer."""
        return _rooted(shares, np.array(list(self.mix.values())), bought)


@dataclass(frozen=True)
class Scales:
    """How measures become features; `learn` makes one.

    parts : in the order of the measures
    left_out : measure or composition -> reason: `missing` (known of too few), `alike` (too few
        differ) or `unique` (an attribute with more values than half the customers)
    """

    parts: tuple[Number | Attribute | Composition, ...]
    left_out: Mapping[str, str]

    @property
    def needs(self) -> list[str]:
        """Columns of the measures that it was learned from."""
        parts = (p.columns if isinstance(p, Composition) else [p.column] for p in self.parts)
        return [column for columns in parts for column in columns]

    def transform(self, measured: pd.DataFrame, purchases: pd.Series) -> pd.DataFrame:
        """Make features of measures; a measure that is not there is missing for all."""
        measured = measured.reindex(columns=[*dict.fromkeys([*measured, *self.needs])])
        found = [part.transform(measured, purchases) for part in self.parts]
        return pd.concat([pd.DataFrame(index=measured.index), *found], axis=1).astype(float)


@dataclass(frozen=True)
class Features:
    """Customers in features on a common scale; `build` makes one.

    table : one row per customer; columns: a number's name, `channel=web` for a level of an
        attribute, `category:care` for a part of a composition; nothing is missing or infinite
    scales : how the features were made
    measured : the same customers in their own units, as `measures.build` makes them
    purchases, spend : orders and gross sales of each customer, the base of their shares
    """

    table: pd.DataFrame
    scales: Scales
    measured: pd.DataFrame
    purchases: pd.Series
    spend: pd.Series

    def take(self, rows: np.ndarray) -> Features:
        """Take the customers of these rows, in this order."""
        measured, purchases = self.measured.iloc[rows], self.purchases.iloc[rows]
        table, spend = self.table.iloc[rows], self.spend.iloc[rows]
        return Features(table, self.scales, measured, purchases, spend)


def build(
    measured: pd.DataFrame, customers: pd.DataFrame, scales: Scales | None = None
) -> Features:
    """Make the features of customers.

    measured : one row per customer, as `measures.build` makes them
    customers : n_orders and gross_sales of at least these customers
    scales : those of another day; None: they are learned from these customers
    """
    own = customers.reindex(measured.index)
    purchases = own["n_orders"].astype(float).fillna(1.0).clip(lower=0)
    spend = own["gross_sales"].astype(float).fillna(0.0).clip(lower=0)
    scales = learn(measured, purchases) if scales is None else scales
    return Features(scales.transform(measured, purchases), scales, measured, purchases, spend)


def learn(measured: pd.DataFrame, purchases: pd.Series) -> Scales:
    """Learn from customers how their measures become features.

    An infinite value counts as missing, a missing one as the median. Measures with too many missing
    or equal values are left out.
    """
    parts: list[Number | Attribute | Composition] = []
    left: dict[str, str] = {}
    for name, own in _blocks(measured).items():
        if reason := _reason_to_leave_out(own):
            left[name] = reason
        elif composition(own.columns[0]):
            parts.append(_composition(own, purchases))
        else:
            parts.append(_attribute(own[name]) if is_attribute(own[name]) else _number(own[name]))
    return Scales(tuple(parts), left)


def _blocks(measured: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Name each column, and all parts of a composition together."""
    names = [composition(str(c)) or str(c) for c in measured]
    return {name: measured.loc[:, [n == name for n in names]] for name in dict.fromkeys(names)}


def _reason_to_leave_out(own: pd.DataFrame) -> str | None:
    present = own.apply(lambda v: v if is_attribute(v) else _finite(v)).dropna(how="all")
    if not len(present) or len(present) < LEAST_KNOWN * len(own):
        return "missing"
    if is_attribute(own.iloc[:, 0]) and present.iloc[:, 0].nunique() > len(present) / 2:
        return "unique"
    return "alike" if 1 - present.value_counts().max() / len(present) < LEAST_VARIED else None


def _finite(values: pd.Series) -> pd.Series:
    return values.astype(float).where(np.isfinite(values.astype(float)))


def _number(values: pd.Series) -> Number:
    present = _finite(values).dropna()
    median, how, unit = float(present.median()), *_choose_transform(present)
    ordered = np.sort(_transform(_finite(values).fillna(median), how, unit).to_numpy())
    bounds = _bounds(ordered)
    inside = ordered.clip(*bounds)  # sorted: the order of the rows changes no digit
    spread = float(inside.std()) or 1.0
    return Number(str(values.name), how, unit, median, bounds, float(inside.mean()), spread)


def _choose_transform(present: pd.Series) -> tuple[str, float]:
    """Choose the transformation of a number, and the unit of its logarithm.

    A share has its square root; another number of unknown kind that is never negative its logarithm
    where that makes the distances of the 10% and 90% quantiles from the median more equal.
    """
    name, above = str(present.name), present[present > 0]
    unit = float(above.min()) if name in RATIO and len(above) else 1.0
    if name in RATIO | COUNTED:
        return ("log" if name in RATIO else "log1p"), unit
    if name.endswith("_share"):
        return "sqrt", unit
    if present.min() < 0 or not len(above):
        return "as_is", unit
    fraction = (present > 0).mean()
    kind = "log" if fraction == 1 else "log1p"
    unit = float(above.min() if fraction == 1 else above.median())
    ways = (("as_is", 1.0), (kind, unit))
    return min(ways, key=lambda way: _asymmetry(_transform(present, *way)))


def _asymmetry(values: pd.Series) -> float:
    low, mid, high = np.quantile(values, [0.1, 0.5, 0.9])
    return abs(high + low - 2 * mid) / (high - low) if high > low else np.inf


def _transform(values: pd.Series, how: str, unit: float) -> pd.Series:
    if how == "log":
        return np.log(values.clip(lower=unit) / unit)
    if how == "log1p":
        return np.log1p(values.clip(lower=0) / unit)
    return np.sqrt(values.clip(0, 1)) if how == "sqrt" else values


def _bounds(ordered: np.ndarray) -> tuple[float, float]:
    """Find where to clip, from the spread of the middle values."""
    mid = float(np.median(ordered))
    for low, high, width in CENTRES:
        spread = float(np.quantile(ordered, high) - np.quantile(ordered, low)) / width
        if spread > 0:
            return mid - FARTHEST * spread, mid + FARTHEST * spread
    return float(ordered[0]), float(ordered[-1])


def _attribute(values: pd.Series) -> Attribute:
    shares = values.dropna().astype(str).value_counts(normalize=True).sort_index()
    counted = shares[shares >= RAREST]
    return Attribute(str(values.name), {str(k): float(v) for k, v in counted.items()})


def _composition(own: pd.DataFrame, purchases: pd.Series) -> Composition:
    present = own.dropna()
    mix = {str(c): _mean(present[c].to_numpy()) for c in present}
    bought = purchases.reindex(present.index).to_numpy(float)
    rooted = _rooted(present.to_numpy(float), np.array(list(mix.values())), bought)
    means = [_mean(part) for part in rooted.T]
    spread = sum(_mean((part - mean) ** 2) for part, mean in zip(rooted.T, means, strict=True))
    return Composition(
        mix, dict(zip(mix, means, strict=True)), float(np.sqrt(WHOLE / (spread or 1.0)))
    )


def _mean(values: np.ndarray) -> float:
    """Mean of sorted values, so that the order of the rows changes no digit."""
    return float(np.sort(values).mean())


def _rooted(shares: np.ndarray, mix: np.ndarray, bought: np.ndarray) -> np.ndarray:
    n = np.nan_to_num(bought, nan=1.0).clip(min=0)[:, None]
    return np.sqrt((n * shares.clip(0, 1) + SHRINKAGE * mix) / (n + SHRINKAGE))
