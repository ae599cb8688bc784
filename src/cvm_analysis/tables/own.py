"""Columns that a business adds to a raw table, by any name.

Between the raw file and the prepared table they carry a suffix that no config can write, so that a
column called `region`, `line` or `file` is not mistaken for one of ours.
"""

from __future__ import annotations

from collections.abc import Iterable

from cvm_analysis.tables.raw import RAW

_SUFFIX = ".own"


def to_inside(table: str, column: str) -> str:
    """Name a mapped column inside intake: one of ours by its name, an added one with suffix."""
    return column if column in RAW[table].columns else f"{column}{_SUFFIX}"


def outside(column: str) -> str:
    """Name a column inside intake as everybody else does."""
    return column.removesuffix(_SUFFIX)


def to_outside(columns: Iterable[str]) -> dict[str, str]:
    """Map the names that added columns have for everybody else to those inside."""
    return {outside(name): name for name in columns if name.endswith(_SUFFIX)}
