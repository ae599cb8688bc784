"""What customers are compared by: what they did, what they are, and what they spend on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import pandas as pd

from cvm_analysis.errors import ConfigError

RETAIL = "retail"
USUAL = (
    "net_sales_per_order", "orders_per_year", "days_since_last", "n_categories", "return_share",
    "late_share"
)  # fmt: skip
OF = ":"  # parts of a whole are named category:care, category:tools
IS = "="  # the levels of an attribute, as features, channel=web, channel=store


def build(
    customers: pd.DataFrame,
    numbers: Iterable[str] | None = None,
    attributes: Iterable[str] = (),
    shares_of: Iterable[str] = (),
    shares: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per retail customer who bought: what the groups are formed by, in its own unit.

    Parameters
    ----------
    customers : one row per customer, columns of table `customers`
    numbers : number columns of it, or orders_per_year; None: those of USUAL that there are
    attributes : columns of it that hold codes or words
    shares_of : wholes that `shares` divides (`category`)
    shares : one row per customer, one column per part of a whole (`category:care`), in [0, 1]

    Returns
    -------
    One column per number and attribute and one per part of a whole. orders_per_year is purchase
    days per year since the first one; a year at least is counted, so that one purchase yesterday
    is not hundreds a year. A missing attribute is None.

    Raises
    ------
    ConfigError : names that the data do not have, with the nearest ones
    """
    bought = customers[(customers["n_orders"] > 0) & (customers["customer_type"] == RETAIL)]
    years = (bought["T"].astype(float) * 7 / 365).clip(lower=1)
    known = bought.assign(orders_per_year=bought["n_purchase_days"] / years)
    parts = (pd.DataFrame() if shares is None else shares).reindex(bought.index)
    wholes = {name for column in parts if (name := composition(str(column)))}
    counted = [str(c) for c in known if is_number(known[c])]
    asked = [[c for c in USUAL if c in counted] if numbers is None else numbers]
    asked += [attributes, shares_of]
    first, second, third = (list(dict.fromkeys(names)) for names in asked)
    words = [str(c) for c in known if not _is_date(known[c])]
    _check({"measures": (first, counted), "attributes": (second, words),
            "shares_of": (third, sorted(wholes))})  # fmt: skip
    blocks = [known[first].astype(float), known[second].astype(object).where(known[second].notna())]
    blocks += [
        parts[[c for c in parts if composition(str(c)) == name]].astype(float) for name in third
    ]
    return pd.concat(blocks, axis=1)


def composition(column: str) -> str | None:
    """Name the whole of which a column is a part: category:care is one of `category`."""
    name, found, _part = column.partition(OF)
    return name if found and "." not in name else None


def is_attribute(values: pd.Series) -> bool:
    """Tell a measure of codes or words from one of numbers."""
    return values.dtype == object


def is_number(values: pd.Series) -> bool:
    """Tell a column of numbers, or of yes and no, from one of words or dates."""
    return pd.api.types.is_numeric_dtype(values)


def _is_date(values: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(values)


def _check(asked: dict[str, tuple[list[str], list[str]]]) -> None:
    wrong = [
        _wrong(name, setting, there)
        for setting, (names, there) in asked.items()
        for name in names
        if name not in there
    ]
    if not any(names for names, _ in asked.values()):
        wrong = ["measures, attributes, shares_of: name at least one"]
    if wrong:
        raise ConfigError("groups cannot be formed by\n  " + "\n  ".join(wrong))


def _wrong(name: str, setting: str, there: list[str]) -> str:
    near = difflib.get_close_matches(name, there, n=3, cutoff=0.5)
    have = f"there are {', '.join(sorted(there))}" if there else "there are none in these data"
    hint = f"did you mean {' or '.join(near)}?" if near else have
    return f"{setting}: '{name}' is not in the data; {hint}"
