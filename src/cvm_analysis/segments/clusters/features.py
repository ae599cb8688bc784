"""Measures made comparable: each weighs about as much, and nobody far out moves the others.

A number is tamed (logarithm where twice as much is one step), cut off three robust deviations from
the median, brought to mean 0 and deviation 1, and cut off at 3. An attribute becomes one column per
level, two customers being as far apart if they differ as by simple matching [1], all levels
together with the variance of one number. The parts of a whole are drawn towards the average
customer as by PULL purchases, so that a single purchase puts nobody into a corner, and square roots
are taken, which makes distances those of Hellinger [2]; a whole has the variance of WHOLE numbers.

Sources: [1] Gower (1971), "A General Coefficient of Similarity and Some of Its Properties",
Biometrics 27, 857-871. [2] Legendre & Gallagher (2001), "Ecologically Meaningful Transformations
for Ordination of Species Data", Oecologia 129, 271-280.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.segments.clusters.measures import IS, composition, is_attribute

LEAST_VARIED = 0.05  # a measure in which fewer differ from the commonest value is left out
RAREST = 0.01  # a level that fewer have gets no column of its own
LEAST_KNOWN = 0.5  # so is one that is known of fewer customers
FARTHEST = 3.0  # robust standard deviations; a customer further out counts as just so far
SHRINKAGE = 2.0  # purchases with the average mix, counted with everybody's own
WHOLE = 2.0  # how many numbers the parts of a whole weigh together
MULTIPLIED = {"net_sales_per_order", "orders_per_year"}  # twice as much is one step
COUNTED = {"days_since_last", "n_categories"}  # the same, from nought
CENTRES = ((0.25, 0.75, 1.349), (0.1, 0.9, 2.563), (0.05, 0.95, 3.290), (0.01, 0.99, 4.653))


@dataclass(frozen=True)
class Number:
    """How one number is made comparable."""

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
        """One column, mean 0 and deviation 1 among those it was learned from, none beyond 3."""
        values = _finite(measured[self.column]).fillna(self.median)
        tamed = _tamed(values, self.transformed, self.unit).clip(*self.bounds)
        scaled = (tamed - self.mean) / self.deviation
        return scaled.clip(-FARTHEST, FARTHEST).to_frame(self.column)


@dataclass(frozen=True)
class Attribute:
    """How one attribute is made comparable: the share of each level that counts."""

    column: str
    levels: Mapping[str, float]

    @property
    def columns(self) -> list[str]:
        """Names of its features."""
        return [f"{self.column}{IS}{level}" for level in self.levels]

    def transform(self, measured: pd.DataFrame, purchases: pd.Series) -> pd.DataFrame:
        """One column per level; who has no level known is the average customer."""
        own, shares = measured[self.column], pd.Series(self.levels)
        said = own.astype(str)
        dummies = pd.DataFrame({level: (said == level).astype(float) for level in shares.index})
        known = dummies.sub(shares).where(own.notna(), 0.0)
        scaled = known / np.sqrt((shares * (1 - shares)).sum())
        return scaled.add_prefix(f"{self.column}{IS}")


@dataclass(frozen=True)
class Composition:
    """How the parts of one whole are made comparable."""

    mix: Mapping[str, float]
    means: Mapping[str, float]
    scale: float

    @property
    def columns(self) -> list[str]:
        """Names of its features."""
        return list(self.mix)

    def transform(self, measured: pd.DataFrame, purchases: pd.Series) -> pd.DataFrame:
        """One column per part; a part nobody has yet is nought, who has none known the average."""
        shares, bought = measured[self.columns], purchases.reindex(measured.index).to_numpy(float)
        shares = shares.fillna(0.0).where(shares.notna().any(axis=1))
        rooted = pd.DataFrame(
            self.rooted(shares.to_numpy(float), bought), measured.index, self.columns
        )
        return rooted.sub(pd.Series(self.means)).fillna(0.0) * self.scale

    def rooted(self, shares: np.ndarray, bought: np.ndarray) -> np.ndarray:
        """Square roots of shares drawn towards the average, one row per customer."""
        return _rooted(shares, np.array(list(self.mix.values())), bought)


@dataclass(frozen=True)
class Scales:
    """How measures are made comparable; `learn` makes one.

    parts : in the order of the measures
    left_out : measure or whole -> why: `missing` (known of too few) or `alike` (too few differ)
    """

    parts: tuple[Number | Attribute | Composition, ...]
    left_out: Mapping[str, str]

    @property
    def needs(self) -> list[str]:
        """Columns of the measures that it was learned from."""
        wide = [
            part.columns if isinstance(part, Composition) else [part.column] for part in self.parts
        ]
        return [column for columns in wide for column in columns]

    def transform(self, measured: pd.DataFrame, purchases: pd.Series) -> pd.DataFrame:
        """Make measures comparable; a measure that was not there yet is missing for all."""
        measured = measured.reindex(columns=[*dict.fromkeys([*measured, *self.needs])])
        found = [part.transform(measured, purchases) for part in self.parts]
        return pd.concat([pd.DataFrame(index=measured.index), *found], axis=1).astype(float)


@dataclass(frozen=True)
class Features:
    """Customers made comparable; `build` makes one.

    table : one row per customer; columns: a number's name, `channel=web` for a level of an
        attribute, `category:care` for a part of a whole; nothing is missing or infinite
    scales : how they were made comparable
    measured : the same customers in their own units, as `measures.build` makes them
    purchases, spend : what each customer's shares rest on: orders, and money
    """

    table: pd.DataFrame
    scales: Scales
    measured: pd.DataFrame
    purchases: pd.Series
    spend: pd.Series

    def some(self, rows: np.ndarray) -> Features:
        """Keep the customers of these rows, in this order."""
        return Features(
            self.table.iloc[rows],
            self.scales,
            self.measured.iloc[rows],
            self.purchases.iloc[rows],
            self.spend.iloc[rows],
        )


def build(
    measured: pd.DataFrame, customers: pd.DataFrame, scales: Scales | None = None
) -> Features:
    """Make customers comparable.

    Parameters
    ----------
    measured : one row per customer, as `measures.build` makes them
    customers : n_orders and gross_sales of at least these customers
    scales : those of another day; None: they are learned from these customers
    """
    known = customers.reindex(measured.index)
    purchases = known["n_orders"].astype(float).fillna(1.0).clip(lower=0)
    spend = known["gross_sales"].astype(float).fillna(0.0).clip(lower=0)
    scales = learn(measured, purchases) if scales is None else scales
    return Features(scales.transform(measured, purchases), scales, measured, purchases, spend)


def learn(measured: pd.DataFrame, purchases: pd.Series) -> Scales:
    """Learn from customers how their measures are made comparable.

    An infinite value counts as missing, a missing one as the median. Left out is what too few
    customers have, and that in which nearly all are alike.
    """
    parts: list[Number | Attribute | Composition] = []
    left: dict[str, str] = {}
    for name, own in _blocks(measured).items():
        why = _useless(own)
        if why:
            left[name] = why
        elif composition(own.columns[0]):
            parts.append(_whole(own, purchases))
        else:
            parts.append(_attribute(own[name]) if is_attribute(own[name]) else _number(own[name]))
    return Scales(tuple(parts), left)


def _blocks(measured: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Name what is judged as one: a column, or all parts of a whole."""
    names = [composition(str(c)) or str(c) for c in measured]
    return {name: measured.loc[:, [n == name for n in names]] for name in dict.fromkeys(names)}


def _useless(own: pd.DataFrame) -> str | None:
    known = own.apply(lambda v: v if is_attribute(v) else _finite(v)).dropna(how="all")
    if not len(known) or len(known) < LEAST_KNOWN * len(own):
        return "missing"
    return "alike" if 1 - known.value_counts().max() / len(known) < LEAST_VARIED else None


def _finite(values: pd.Series) -> pd.Series:
    return values.astype(float).where(np.isfinite(values.astype(float)))


def _number(values: pd.Series) -> Number:
    known = _finite(values).dropna()
    median, tamed, unit = float(known.median()), *_skew(known)
    ordered = np.sort(_tamed(_finite(values).fillna(median), tamed, unit).to_numpy())
    bounds = _bounds(ordered)
    inside = ordered.clip(*bounds)  # sorted: the order of the rows changes no digit
    spread = float(inside.std()) or 1.0
    return Number(str(values.name), tamed, unit, median, bounds, float(inside.mean()), spread)


def _skew(known: pd.Series) -> tuple[str, float]:
    """Choose how to tame a number, and the unit of its logarithm.

    A share is rooted; another number of unknown kind that is never below nought is taken by its
    logarithm where that brings the upper and lower tenth to more equal distances from the median.
    """
    name, above = str(known.name), known[known > 0]
    unit = float(above.min()) if name in MULTIPLIED and len(above) else 1.0
    if name in MULTIPLIED | COUNTED:
        return ("log" if name in MULTIPLIED else "log1p"), unit
    if name.endswith("_share"):
        return "sqrt", unit
    if known.min() < 0 or not len(above):
        return "as_is", unit
    fraction = (known > 0).mean()
    kind = "log" if fraction == 1 else "log1p"
    unit = float(above.min() if fraction == 1 else above.median())
    return min((("as_is", 1.0), (kind, unit)), key=lambda how: _lopsided(_tamed(known, *how)))


def _lopsided(values: pd.Series) -> float:
    low, mid, high = np.quantile(values, [0.1, 0.5, 0.9])
    return abs(high + low - 2 * mid) / (high - low) if high > low else np.inf


def _tamed(values: pd.Series, how: str, unit: float) -> pd.Series:
    if how == "log":
        return np.log(values.clip(lower=unit) / unit)
    if how == "log1p":
        return np.log1p(values.clip(lower=0) / unit)
    return np.sqrt(values.clip(0, 1)) if how == "sqrt" else values


def _bounds(ordered: np.ndarray) -> tuple[float, float]:
    """Find how far out customers count, from the spread of the middle ones."""
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


def _whole(own: pd.DataFrame, purchases: pd.Series) -> Composition:
    known = own.dropna()
    mix = {str(c): _mean(known[c].to_numpy()) for c in known}
    bought = purchases.reindex(known.index).to_numpy(float)
    rooted = _rooted(known.to_numpy(float), np.array(list(mix.values())), bought)
    means = [_mean(part) for part in rooted.T]
    spread = sum(_mean((part - mean) ** 2) for part, mean in zip(rooted.T, means, strict=True))
    return Composition(
        mix, dict(zip(mix, means, strict=True)), float(np.sqrt(WHOLE / (spread or 1.0)))
    )


def _mean(values: np.ndarray) -> float:
    """Add up sorted values: the order of the rows changes no digit."""
    return float(np.sort(values).mean())


def _rooted(shares: np.ndarray, mix: np.ndarray, bought: np.ndarray) -> np.ndarray:
    n = np.nan_to_num(bought, nan=1.0).clip(min=0)[:, None]
    return np.sqrt((n * shares.clip(0, 1) + SHRINKAGE * mix) / (n + SHRINKAGE))
