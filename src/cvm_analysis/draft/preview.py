"""A preview of a raw file: rows from all over it, and the kind of each column.

Numbers and dates are parsed by the intake's own functions, so that its results will agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from cvm_analysis.draft.decimals import Decimals, find_decimals, swap
from cvm_analysis.errors import InputError
from cvm_analysis.intake import parsing
from cvm_analysis.sources.formats import Record, open_rows

if TYPE_CHECKING:
    from cvm_analysis.draft.tables import DatabaseTable

MAX_ROWS = 10_000  # of a preview
MIN_READABLE = 0.9  # share of the filled cells of a column of a kind
YEARS = (1900, 2100)  # of plausible dates
DAYS = (
    *("%Y%m%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d"),
    *("%Y年%m月%d日", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y"),
    *("%d %B %Y", "%b %d, %Y", "%B %d, %Y"),
)
TIMES = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
PATTERNS = [*(day + time for day in DAYS for time in TIMES), "%Y%m%d%H%M%S"]


@dataclass(frozen=True)
class Dates:
    """The format of the dates in a column."""

    pattern: str | None  # of strptime; None for ISO
    rival: str | None  # a pattern that reads as many cells, as other days
    unread: str | None  # a cell that does not match
    first: pd.Timestamp
    last: pd.Timestamp


@dataclass(frozen=True)
class Column:
    """A column of a preview."""

    header: str
    cells: list[str]  # without empty ones
    share_empty: float
    pattern: str | None = None  # of its dates, where it is known

    @cached_property
    def distinct(self) -> list[str]:
        """Distinct cells in order of appearance."""
        return list(dict.fromkeys(self.cells))

    @cached_property
    def is_number(self) -> bool:
        """Whether the cells are numbers."""
        return bool(self.cells) and self._is_most(self._number.notna())

    @cached_property
    def is_yes_no(self) -> bool:
        """Whether the cells are words for yes and no."""
        words = {*parsing.YES, *parsing.NO}
        known = sum(cell.lower() in words for cell in self.cells)
        return bool(self.cells) and known >= MIN_READABLE * len(self.cells)

    @cached_property
    def has_decimals(self) -> bool:
        """Whether some numbers are not whole, and none is a percentage."""
        plain = not any(cell.endswith(("%", "％")) for cell in self.distinct)
        return self.is_number and plain and bool((self._number.dropna() % 1 != 0).any())

    @cached_property
    def not_number(self) -> str:
        """A cell that is not a number; empty if all are."""
        return next((c for c, n in zip(self.distinct, self._number, strict=True) if n != n), "")

    @cached_property
    def decimals(self) -> Decimals:
        """How its numbers write decimals."""
        return find_decimals(self.distinct)

    @cached_property
    def _number(self) -> pd.Series:
        cells = self.distinct
        if self.decimals.sign == "comma":
            cells = [swap(cell) for cell in cells]
        return _read(cells, ["number"])["number"].astype(float)

    def _is_most(self, is_readable: pd.Series) -> bool:
        """Whether enough cells are readable; `is_readable` : of each distinct cell."""
        readable = {c for c, good in zip(self.distinct, is_readable, strict=True) if good}
        known = sum(cell in readable for cell in self.cells)
        return known >= MIN_READABLE * len(self.cells)

    @cached_property
    def dates(self) -> Dates | None:
        """The format of its dates; None if the cells are not dates."""
        if not self.cells:
            return None
        few = self.distinct[:: max(len(self.distinct) // 50, 1)]
        candidates: list[str | None] = [self.pattern]
        if self.pattern is None:
            candidates = _candidate_patterns(few)
        days = _read(self.distinct, candidates)
        pattern = max(candidates, key=lambda way: days[way].count())
        is_date = self._is_most(days[pattern].notna())
        return _dates(self.cells, days, pattern) if is_date else None


@dataclass(frozen=True)
class Preview:
    """A raw file, and at most MAX_ROWS rows from all over it."""

    path: Path
    encoding: str
    delimiter: str
    n_rows: int  # of the file
    columns: dict[str, Column]
    header: list[str]
    rows: list[list[str]]
    database: DatabaseTable | None = None  # that the rows are from, in place of a file
    joined: tuple[tuple[Preview, str], ...] = ()  # files with more of `columns`, and their keys

    def read(self, *headers: str) -> Iterator[tuple[str, ...]]:
        """Yield the cells of some columns, row by row; rows that are too short are left out."""
        places = [self.header.index(name) for name in headers]
        for row in self.rows:
            if len(row) > max(places):
                yield tuple(row[place].strip() for place in places)


def preview(path: Path, encoding: str | None = None) -> Preview:
    """Preview a file; InputError as `formats.open_rows`, or without a header or rows."""
    with open_rows(path, encoding) as file:
        n_rows, rows = _spread(file.records)
    header = file.header
    filled = [name for name in header if name]
    if sum(bool(re.fullmatch(r"[\d\s.,:/-]+", name)) for name in filled) * 2 >= len(filled):
        raise InputError(f"{path}: the first line is data; add a header line")
    if not rows:
        raise InputError(f"{path}: a header and no rows; is this the right file?")
    columns = {name: _column(name, header.index(name), rows) for name in filled}
    return Preview(path, file.encoding, file.delimiter, n_rows, columns, header, rows)


def looks_chinese(file: Preview) -> bool:
    """Whether nearly all letters beyond ASCII are everyday Chinese (GB 2312)."""
    cells = [*file.columns, *(cell for c in file.columns.values() for cell in c.distinct[:500])]
    beyond = [each for each in "".join(cells) if each.isalpha() and not each.isascii()]
    everyday = sum(bool(each.encode("gb2312", "ignore")) for each in beyond)
    return everyday >= MIN_READABLE * len(beyond)


def _spread(records: Iterable[Record]) -> tuple[int, list[list[str]]]:
    """Count the rows and keep all of them, else every 2nd, 4th, ..., and the last."""
    rows, step, n_rows, row = list[list[str]](), 1, 0, list[str]()
    for n_rows, (_, row) in enumerate(records, start=1):
        if (n_rows - 1) % step == 0:
            rows.append(row)
            if len(rows) > MAX_ROWS:
                rows, step = rows[::2], step * 2
    return n_rows, rows if (n_rows - 1) % step == 0 else [*rows, row]


def _column(header: str, place: int, rows: list[list[str]]) -> Column:
    cells = [row[place].strip() for row in rows if place < len(row)]
    filled = [cell for cell in cells if cell]
    return Column(header, filled, 1 - len(filled) / len(rows))


def _read(cells: list[str], ways: list[str | None]) -> pd.DataFrame:
    """Parse cells in several ways: as numbers, as ISO dates (None), by date patterns."""
    if not ways:
        return pd.DataFrame(index=range(len(cells)))
    raw = ibis.memtable(pd.DataFrame({"cell": pd.Series(cells, dtype="string")}))
    read = {
        f"way_{i}": parsing.parse_cell(raw, "cell", "number")
        if way == "number"
        else _plausible(parsing.parse_cell(raw, "cell", "time", way))
        for i, way in enumerate(ways)
    }
    return raw.select(**read).to_pandas().set_axis(pd.Index(ways, dtype=object), axis=1)


def _candidate_patterns(few: list[str]) -> list[str | None]:
    """Patterns that match some of a few cells; only ISO (None) where it matches most."""
    if _read(few, [None])[None].notna().mean() >= MIN_READABLE:
        return [None]
    signs = {re.sub("[A-Za-z0-9]", "", cell) for cell in few}
    alike = [pattern for pattern in PATTERNS if re.sub("%[A-Za-z]", "", pattern) in signs]
    days = _read(few, [*alike])
    return [pattern for pattern in alike if days[pattern].notna().any()] or [None]


def _plausible(moment: ibis.Value) -> ibis.Value:
    return ibis.ifelse(moment.year().between(*YEARS), moment, ibis.null("timestamp"))


def _dates(cells: list[str], days: pd.DataFrame, pattern: str | None) -> Dates:
    found = days[pattern]
    unread = days.index[found.isna()]
    distinct = list(dict.fromkeys(cells))
    other = _swapped(pattern) if pattern else None
    is_rival = other in days and days[other].notna().sum() == found.notna().sum()
    return Dates(
        pattern=pattern,
        rival=other if is_rival and not days[other].equals(found) else None,
        unread=distinct[unread[0]] if len(unread) else None,
        first=found.min(),
        last=found.max(),
    )


def _swapped(pattern: str) -> str:
    """Swap day and month."""
    return re.sub("%[dm]", lambda found: "%m" if found[0] == "%d" else "%d", pattern)
