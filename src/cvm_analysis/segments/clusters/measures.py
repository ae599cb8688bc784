"""The measures that clusters are formed by: numbers, attributes, and shares of spend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Literal

import pandas as pd
from pandas.api import types
from pydantic import Field

from cvm_analysis.errors import ConfigError, nearest
from cvm_analysis.segments.grades import points
from cvm_analysis.typed import settings

RETAIL = "retail"
USUAL = (
    "net_sales_per_order", "orders_per_year", "days_since_last", "n_categories", "return_share",
    "late_share"
)  # fmt: skip
PART = ":"  # parts of a composition are named category:care, category:tools
LEVEL = "="  # the levels of an attribute, as features, channel=web, channel=store
MOST_LEVELS = 30  # values of an attribute; one with more tells customers apart, not groups
Method = Literal["k_means", "gaussian_mixture"]


def _orders_per_year(bought: pd.DataFrame) -> pd.Series:
    """Purchase days per year since the first one, or in the first year."""
    return bought["n_purchase_days"] / (bought["T"].astype(float) * 7 / 365).clip(lower=1)


DERIVED: Mapping[str, Callable[[pd.DataFrame], pd.Series]] = MappingProxyType(
    {"orders_per_year": _orders_per_year}
)  # numbers that are no column of table `customers`


@settings
class Grouping:
    """By what measures customers are clustered, and how.

    most : largest number of clusters tried; measures : numbers of table `customers`, of DERIVED, or
    imported (`indicators.credit`); attributes : columns of the table that hold codes; shares_of :
    columns of order lines whose shares of spend count
    """

    method: Method = "k_means"
    most: Annotated[int, Field(ge=2)] = 8
    measures: tuple[str, ...] = ("net_sales_per_order", "orders_per_year", "days_since_last")
    attributes: tuple[str, ...] = ()
    shares_of: tuple[str, ...] = ()

    @property
    def ks(self) -> range:
        """Numbers of clusters to try."""
        return range(2, self.most + 1)


def select(
    customers: pd.DataFrame, grouping: Grouping, shares: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Take the measures of a grouping, as far as these data have them.

    customers : one row per customer, with imported indicators
    shares : columns such as `category:care`, or none

    Returns
    -------
    As `build` makes them, and `missing` for each that these data lack.
    """
    compositions = {composition(str(column)) for column in shares}
    there = {
        "numbers": [c for c in grouping.measures if c in customers or c in DERIVED],
        "attributes": [c for c in grouping.attributes if c in customers],
        "shares_of": [c for c in grouping.shares_of if c in compositions],
    }
    found = {name for names in there.values() for name in names}
    every = (*grouping.measures, *grouping.attributes, *grouping.shares_of)
    return build(customers, **there, shares=shares), {n: "missing" for n in every if n not in found}


def build(
    customers: pd.DataFrame,
    numbers: Iterable[str] | None = None,
    attributes: Iterable[str] = (),
    shares_of: Iterable[str] = (),
    shares: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per retail customer who bought: the measures, each in its own unit.

    customers : one row per customer, columns of table `customers` and imported indicators
    numbers : columns of numbers, which may be written as text, or names of DERIVED; None: those of
        USUAL that there are
    attributes : columns of it that hold codes or words
    shares_of : compositions in `shares` (`category`)
    shares : one row per customer, one column per part (`category:care`), in [0, 1]

    Returns
    -------
    One column per number and attribute and one per part of a composition. A missing attribute is
    None.

    Raises ConfigError: names that the data do not have, with the nearest ones; a measure with cells
    that are no numbers; an attribute with more than MOST_LEVELS values
    """
    bought = customers[(customers["n_orders"] > 0) & (customers["customer_type"] == RETAIL)]
    table = bought.assign(**{name: make(bought) for name, make in DERIVED.items()})
    parts = (pd.DataFrame() if shares is None else shares).reindex(bought.index)
    compositions = {name for column in parts if (name := composition(str(column)))}
    numeric = [str(c) for c in table if types.is_numeric_dtype(table[c])]
    asked = [[c for c in USUAL if c in numeric] if numbers is None else numbers]
    asked += [attributes, shares_of]
    figures, coded, divided = (list(dict.fromkeys(names)) for names in asked)
    words = [str(c) for c in table if not types.is_datetime64_any_dtype(table[c])]
    texts = {c: points.numbers(table, c) for c in figures if c in words and c not in numeric}
    wrong = [f"measures: {problem}" for _, problems in texts.values() for problem in problems]
    counts = {c: table[c].nunique() for c in coded if c in words}
    wrong += [f"attributes: {each}" for each in find_crowded(counts)]
    _check({"measures": (figures, [*numeric, *texts]), "attributes": (coded, words),
            "shares_of": (divided, sorted(compositions))}, wrong)  # fmt: skip
    table = table.assign(**{column: found for column, (found, _) in texts.items()})
    codes = table[coded].astype(object).where(table[coded].notna())
    columns = [[c for c in parts if composition(str(c)) == name] for name in divided]
    shares_of_spend = [parts[own].astype(float) for own in columns]
    return pd.concat([table[figures].astype(float), codes, *shares_of_spend], axis=1)


def composition(column: str) -> str | None:
    """Name the composition that a column is part of: `category` for category:care."""
    name, found, _part = column.partition(PART)
    return name if found and "." not in name else None


def find_crowded(n_values: Mapping[str, int]) -> list[str]:
    """Describe the attributes with more than MOST_LEVELS values; n_values : by attribute."""
    return [
        f"'{name}' has {n:,} values, and at most {MOST_LEVELS} are useful; group them or leave it "
        "out"
        for name, n in n_values.items()
        if n > MOST_LEVELS
    ]


def is_attribute(values: pd.Series) -> bool:
    """Whether a measure has codes or words, not numbers."""
    return values.dtype == object


def _check(asked: dict[str, tuple[list[str], list[str]]], problems: list[str]) -> None:
    """Raise ConfigError for names that are not there, and for these problems."""
    wrong = problems + [
        _wrong(name, setting, there)
        for setting, (names, there) in asked.items()
        for name in names
        if name not in there
    ]
    if not any(names for names, _ in asked.values()):
        wrong = ["measures, attributes, shares_of: name at least one"]
    if wrong:
        raise ConfigError("clusters cannot be formed by\n  " + "\n  ".join(wrong))


def _wrong(name: str, setting: str, there: list[str]) -> str:
    return f"{setting}: '{name}' is not in the data{nearest(name, there)}"
