"""A first look at a raw file: rows from all over it, and what the cells of a column are.

Numbers and dates are read by the functions that read them later, so what is found here holds then.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import ibis
import pandas as pd

from cvm_analysis.errors import InputError
from cvm_analysis.intake import rules
from cvm_analysis.sources.formats import Record, open_rows

MOST = 10_000  # rows looked at
ENOUGH = 0.9  # share of filled cells that must be readable for a column to be of a kind
YEARS = (1900, 2100)  # a date outside is no date
DAYS = """
    %Y%m%d|%d/%m/%Y|%m/%d/%Y|%d.%m.%Y|%d-%m-%Y|%m-%d-%Y|%Y.%m.%d|%Y年%m月%d日|%d/%m/%y|%m/%d/%y|%d.%m.%y
    |%d-%b-%Y|%d-%b-%y|%d %b %Y|%d %B %Y|%b %d, %Y|%B %d, %Y
""".replace("\n", "").strip()
TIMES = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
PATTERNS = [
    *(day.strip() + time for day, time in itertools.product(DAYS.split("|"), TIMES)),
    "%Y%m%d%H%M%S",
]


@dataclass(frozen=True)
class Dates:
    """How the dates of a column are written.

    pattern : strptime pattern, None for ISO
    rival : another pattern that reads as many cells, to other days
    unread : a cell that is no such date
    first, last : the earliest and the latest day seen
    in_order : whether the cells never go back in time
    """

    pattern: str | None
    rival: str | None
    unread: str | None
    first: pd.Timestamp
    last: pd.Timestamp
    in_order: bool


@dataclass(frozen=True)
class Column:
    """A column of the rows looked at: its header, its filled cells, the share of empty ones."""

    header: str
    cells: list[str]
    share_empty: float

    @cached_property
    def distinct(self) -> list[str]:
        """Its different values, in the order in which they were met."""
        return list(dict.fromkeys(self.cells))

    @cached_property
    def is_number(self) -> bool:
        """Whether its cells can be read as numbers."""
        return bool(self.cells) and self._number.notna().mean() >= ENOUGH

    @cached_property
    def has_decimals(self) -> bool:
        """Whether it has numbers that are not whole."""
        return self.is_number and bool((self._number.dropna() % 1 != 0).any())

    @cached_property
    def not_number(self) -> str:
        """A cell that cannot be read as a number; empty if all can."""
        return next((c for c, n in zip(self.distinct, self._number, strict=True) if n != n), "")

    @cached_property
    def _number(self) -> pd.Series:
        return _read(self.distinct, ["number"])["number"].astype(float)

    @cached_property
    def dates(self) -> Dates | None:
        """How its dates are written; None if its cells are no dates."""
        if not self.cells:
            return None
        likely = _likely(self.distinct[:: max(len(self.distinct) // 50, 1)])
        days = _read(self.distinct, likely)
        pattern = max(likely, key=lambda way: days[way].count())
        is_date = days[pattern].count() >= ENOUGH * len(days)
        return _dates(self.cells, days, pattern) if is_date else None


@dataclass(frozen=True)
class Preview:
    """A raw file and rows from all over it.

    n_rows : rows of the file; those looked at are at most `MOST`
    """

    path: Path
    encoding: str
    delimiter: str
    n_rows: int
    columns: dict[str, Column]

    @property
    def is_whole(self) -> bool:
        """Whether every row was looked at."""
        return self.n_rows <= MOST


def preview(path: Path, encoding: str | None = None) -> Preview:
    """Look at a file; InputError as `formats.open_rows`, or where it has no header or no rows."""
    with open_rows(path, encoding) as file:
        n_rows, rows = _spread(file.records)
    header = file.header
    filled = [name for name in header if name]
    if sum(bool(re.fullmatch(r"[\d\s.,:/-]+", name)) for name in filled) * 2 >= len(filled):
        raise InputError(f"{path}: its first line is data; write a line of headers on top")
    if not rows:
        raise InputError(f"{path}: a header and no rows; is this the right file?")
    columns = {name: _column(name, header.index(name), rows) for name in filled}
    return Preview(path, file.encoding, file.delimiter, n_rows, columns)


def looks_chinese(file: Preview) -> bool:
    """Whether nearly all signs beyond ASCII are those of everyday Chinese (GB 2312)."""
    cells = [*file.columns, *(cell for c in file.columns.values() for cell in c.distinct[:500])]
    beyond = [sign for sign in "".join(cells) if not sign.isascii()]
    everyday = sum(bool(sign.encode("gb2312", "ignore")) for sign in beyond)
    return everyday >= ENOUGH * len(beyond)


def _spread(records: Iterable[Record]) -> tuple[int, list[list[str]]]:
    """Count the rows and keep every 1st, else every 2nd, 4th, ... of them, and the last."""
    kept, step, n_rows, row = list[list[str]](), 1, 0, list[str]()
    for n_rows, (_, row) in enumerate(records, start=1):
        if (n_rows - 1) % step == 0:
            kept.append(row)
            if len(kept) > MOST:
                kept, step = kept[::2], step * 2
    return n_rows, kept if (n_rows - 1) % step == 0 else [*kept, row]


def _column(header: str, place: int, rows: list[list[str]]) -> Column:
    cells = [row[place].strip() for row in rows if place < len(row)]
    filled = [cell for cell in cells if cell]
    return Column(header, filled, 1 - len(filled) / len(rows))


def _read(cells: list[str], ways: list[str | None]) -> pd.DataFrame:
    """Read cells in several ways: as a number, as ISO dates (None), by date patterns."""
    if not ways:
        return pd.DataFrame(index=range(len(cells)))
    raw = ibis.memtable(pd.DataFrame({"cell": pd.Series(cells, dtype="string")}))
    read = {
        f"way_{i}": rules.parse_cell(raw, "cell", "number")
        if way == "number"
        else _plausible(rules.parse_cell(raw, "cell", "time", way))
        for i, way in enumerate(ways)
    }
    return raw.select(**read).to_pandas().set_axis(pd.Index(ways, dtype=object), axis=1)


def _likely(few: list[str]) -> list[str | None]:
    """Name the patterns that read some of a few cells; ISO alone (None) where it reads most."""
    if _read(few, [None])[None].notna().mean() >= ENOUGH:
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
    moments = pd.Series(cells).map(dict(zip(distinct, found, strict=True))).dropna()
    other = _swapped(pattern) if pattern else None
    is_rival = other in days and days[other].notna().sum() == found.notna().sum()
    return Dates(
        pattern=pattern,
        rival=other if is_rival and not days[other].equals(found) else None,
        unread=distinct[unread[0]] if len(unread) else None,
        first=found.min(),
        last=found.max(),
        in_order=moments.is_monotonic_increasing,
    )


def _swapped(pattern: str) -> str:
    """Write day and month the other way round."""
    return re.sub("%[dm]", lambda found: "%m" if found[0] == "%d" else "%d", pattern)
