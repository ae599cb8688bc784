"""Does what is said of a landmark change when the rows after it change? Then it looks ahead.

A feature can only be honest about the future if it is the same whatever the future was. So it is
made again without the rows that came later, and from other rows in their place, and must not move.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError

# The column of each table that says from which day on a row is known.
KNOWN_FROM = MappingProxyType(
    {
        "transactions": "ordered_at",
        "customers_raw": "joined_on",
        "feedback": "at",
        "indicators": "at",
        "contracts": "started_on",
    }
)
# Cells that become known on the day they name, after their row; a promised day is known before.
LATER_CELLS = MappingProxyType(
    {
        "transactions": ("delivered_on",),
        "feedback": ("closed_at",),
        "contracts": ("ended_on",),
    }
)
SHIFT = pd.Timedelta(days=400)
_ROUNDING = 1e-6  # relative; a model fitted twice differs by less

Rows = Mapping[str, pd.DataFrame]


def check(build: Callable[[Rows], pd.DataFrame], rows: Rows, landmark: dt.date) -> None:
    """Raise InputError if anything `build` makes depends on a row later than the landmark.

    Parameters
    ----------
    build : makes the features of a landmark, or scores, grades, clusters, a model's answers: one
        row per customer, indexed by customer_id, from tables such as `rows`
    rows : name of a prepared table -> its rows; dates as dates, money as numbers
    landmark : the last day that is known

    Raises
    ------
    InputError : names each column of `build` that changes, and for how many customers; or a table
        whose dates are not known here
    """
    unknown = sorted(set(rows) - set(KNOWN_FROM))
    if unknown:
        raise InputError(f"no day is known for rows of {', '.join(unknown)}; leave them out")
    known, others = build(rows), (without_later(rows, landmark), with_other_later(rows, landmark))
    leaks = pd.concat([_changed(known, build(other)) for other in others])
    if len(leaks):
        worst = leaks.groupby(level=0).max().sort_values(ascending=False, kind="stable")
        told = ", ".join(f"{name} ({n:,.0f})" for name, n in worst.items())
        raise InputError(
            f"what is known on {landmark} changes with later rows, for so many of {len(known):,} "
            f"customers: {told}; make it from rows up to that day"
        )


def without_later(rows: Rows, landmark: dt.date) -> dict[str, pd.DataFrame]:
    """Drop every row later than the landmark, and empty cells that became known later.

    The record of a customer with an earlier order line stays, whenever they joined by it: what it
    says of them carries no date.
    """
    later, kept = _later(rows, landmark), {}
    for name, table in rows.items():
        cells = {
            column: table[column].where(~_after(table[column], landmark))
            for column in _later_cells(name, table)
        }
        kept[name] = table.assign(**cells)[~later[name]]
    return kept


def with_other_later(rows: Rows, landmark: dt.date) -> dict[str, pd.DataFrame]:
    """Put other rows in the place of those later than the landmark.

    Numbers are multiplied by -7, dates moved on by SHIFT, and each row goes to the customer of the
    next one; cells that became known later are moved on too. Records stay as in `without_later`.
    """
    later, changed = _later(rows, landmark), {}
    for name, table in rows.items():
        cells = {
            column: _moved(table[column], _after(table[column], landmark) | later[name])
            for column in {KNOWN_FROM[name], *_later_cells(name, table)} & set(table)
        }
        numbers = table.select_dtypes("number")
        cells |= {str(c): numbers[c].mask(later[name], -7 * numbers[c]) for c in numbers}
        ids = table["customer_id"]
        turned = np.roll(ids[later[name]].to_numpy(), 1)
        changed[name] = table.assign(**cells)
        changed[name].loc[later[name], "customer_id"] = turned
    return changed


def _later(rows: Rows, landmark: dt.date) -> dict[str, pd.Series]:
    """Whether each row is later than the landmark; a table without its date has no such row."""
    nobody = pd.Series(dtype=object)
    found = {
        name: _after(table.get(KNOWN_FROM[name], nobody).reindex(table.index), landmark)
        for name, table in rows.items()
    }
    if {"customers_raw", "transactions"} <= set(rows):
        lines = rows["transactions"]["customer_id"][~found["transactions"]]
        found["customers_raw"] &= ~rows["customers_raw"]["customer_id"].isin(lines)
    return found


def _later_cells(name: str, table: pd.DataFrame) -> list[str]:
    return [column for column in LATER_CELLS.get(name, ()) if column in table]


def _after(days: pd.Series, landmark: dt.date) -> pd.Series:
    return pd.to_datetime(days).dt.normalize() > pd.Timestamp(landmark)


def _moved(days: pd.Series, which: pd.Series) -> pd.Series:
    dates = pd.to_datetime(days)
    return dates.mask(which, dates + SHIFT)


def _changed(known: pd.DataFrame, other: pd.DataFrame) -> pd.Series:
    """For how many customers each column differs; `customers`: how many come or go. No zeros."""
    both = known.index.intersection(other.index)
    counts = {"customers": len(known.index.symmetric_difference(other.index))}
    for name in [*known, *(column for column in other if column not in known)]:
        apart = name not in known or name not in other
        counts[str(name)] = (
            len(both) if apart else int(_differ(known[name][both], other[name][both]).sum())
        )
    return pd.Series(counts)[lambda n: n > 0]


def _differ(one: pd.Series, other: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(one) and pd.api.types.is_numeric_dtype(other):
        a, b = one.to_numpy(float), other.to_numpy(float)
        return ~np.isclose(a, b, rtol=_ROUNDING, atol=1e-9, equal_nan=True)
    a, b = one.astype(object), other.astype(object)
    return ((a != b) & ~(a.isna() & b.isna())).to_numpy()
