"""CSV text as Arrow tables, block by block.

A block of plain lines is read by Arrow. Others are read by Python's reader: the first and the last
block, and those with cells of several lines, rows of another width, or quotes within a cell. Both
give the same cells; Python's says what is wrong.
"""

from __future__ import annotations

import codecs
import io
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from cvm_analysis.sources import csv_dialect
from cvm_analysis.sources.csv_dialect import DELIMITERS, Dialect
from cvm_analysis.sources.layout import Record, without_totals

SIZE = 1 << 20  # characters of a block
ROWS = 50_000  # of a table that is read row by row
LONGEST = 100_000  # bytes of a plain line
LINE_END, RETURN, QUOTE = b'\n\r"'
SIGNS = {name: sign for name, sign in DELIMITERS.items() if name != "spaces"}


def read(
    path: Path, text: TextIO, dialect: Dialect, notes: list[str]
) -> tuple[list[str], Iterator[pa.Table]]:
    """Read the header and the rows of a CSV, as `as_tables` gives them; total rows are noted.

    Raises
    ------
    InputError : a quote that does not close
    """
    lines = _Lines(text)
    _, header = next(csv_dialect.records(path, lines, dialect), (1, []))
    return header, _tables(path, lines, dialect, len(header), notes)


def _tables(
    path: Path, lines: _Lines, dialect: Dialect, width: int, notes: list[str]
) -> Iterator[pa.Table]:
    while block := lines.take():
        is_whole = lines.is_last or dialect.delimiter not in SIGNS
        plain = None if is_whole else _read_plain(block, lines.n, SIGNS[dialect.delimiter], width)
        if plain is not None:
            lines.n += block.count("\n")
            yield plain
            continue
        lines.give_back(block)
        rows = csv_dialect.records(path, lines, dialect, lines.n, width)
        if is_whole:
            yield from as_tables(without_totals(rows, notes), width)
        else:
            yield from as_tables(_until_end_of_block(rows, lines), width)


def _until_end_of_block(rows: Iterator[Record], lines: _Lines) -> Iterator[Record]:
    """Stop after the block, or after a row that ends in the next one."""
    number = lines.n_blocks
    for row in rows:
        yield row
        if not lines.left or lines.n_blocks > number:
            return


def as_tables(records: Iterable[Record], width: int) -> Iterator[pa.Table]:
    """One row per record: line, n_fields, and its cells `0`, `1`, ...; short ones are filled up."""
    records = iter(records)
    while batch := list(itertools.islice(records, ROWS)):
        lines, rows = zip(*batch, strict=True)
        cells = zip(*(_padded(row, width) for row in rows), strict=True)
        columns = [pa.array(column, pa.string()) for column in cells]
        yield _table(np.array(lines), np.array([len(row) for row in rows]), columns)


def _padded(row: list[str], width: int) -> list[str]:
    return row if len(row) == width else [*row, *[""] * (width - len(row))][:width]


def _table(lines: np.ndarray, n_fields: np.ndarray, cells: list[pa.Array]) -> pa.Table:
    fixed = [pa.array(lines, pa.int64()), pa.array(n_fields, pa.int32())]
    names = ["line", "n_fields", *map(str, range(len(cells)))]
    return pa.Table.from_arrays([*fixed, *cells], names=names)


class _Lines:
    """The lines of a text, read in blocks of whole lines.

    n : lines that were read; n_blocks : blocks that were begun; left : characters of the block that
    were not read; is_last : whether no block follows; the last one is two in one, so that total
    rows at the end stand in it
    """

    def __init__(self, text: TextIO) -> None:
        self.text, self.n, self.n_blocks, self.is_last = text, 0, 0, False
        self.ahead = self._fetch()
        self.give_back("")

    def _fetch(self) -> str:
        block = self.text.read(SIZE)
        return block + self.text.readline() if block else ""

    def _next(self) -> str:
        block, self.ahead = self.ahead, self._fetch()
        self.n_blocks += 1
        if len(self.ahead) < SIZE:
            block, self.ahead, self.is_last = block + self.ahead, "", True
        return block

    def take(self) -> str:
        """Take what is left of the block, or the next one; empty at the end."""
        rest = self.block.read() or self._next()
        self.give_back("")
        return rest

    def give_back(self, block: str) -> None:
        """Read a block line by line."""
        self.block, self.left = io.StringIO(block, newline=""), len(block)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self.left:
            self.give_back(self._next())
        line = self.block.readline()
        if not line:
            raise StopIteration
        self.n += 1
        self.left -= len(line)
        return line


def _read_plain(block: str, n_before: int, delimiter: str, width: int) -> pa.Table | None:
    """Read a block if every line is one row of `width` cells; None if not."""
    data = block.encode()
    signs = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(signs == LINE_END)
    lengths = np.diff(ends, prepend=-1) - 1
    n_returns = data.count(b"\r")
    is_odd = n_returns != data.count(b"\r\n") or lengths.max() > LONGEST
    is_odd |= b"\0" in data or data.startswith(codecs.BOM_UTF8)
    quotes = np.flatnonzero(signs == QUOTE)
    if is_odd or not _are_around_cells(signs, quotes, ends, delimiter):
        return None
    is_filled = lengths > (n_returns > 0)
    lines = n_before + 1 + np.flatnonzero(is_filled)
    try:
        cells = _parse(data, delimiter, width, has_quotes=len(quotes) > 0)
    except pa.ArrowInvalid:  # a row of another width
        return None
    if cells.num_rows != len(lines):
        return None
    table = _table(lines, np.full(len(lines), width), cells.columns)
    return table if not _has_blank(cells) else table.filter(_is_said(cells))


def _are_around_cells(
    signs: np.ndarray, quotes: np.ndarray, ends: np.ndarray, delimiter: str
) -> bool:
    """Whether quotes open and close whole cells of one line; within, they stand twice."""
    if not len(quotes):
        return True
    if (np.searchsorted(quotes, ends) % 2).any():
        return False
    around = np.concatenate([[LINE_END], signs, [LINE_END]])
    limits = [ord(delimiter), LINE_END, QUOTE]
    before, after = around[quotes[::2]], around[quotes[1::2] + 2]
    return bool(np.isin(before, limits).all() and np.isin(after, [*limits, RETURN]).all())


def _parse(data: bytes, delimiter: str, width: int, *, has_quotes: bool) -> pa.Table:
    names = list(map(str, range(width)))
    return csv.read_csv(
        pa.BufferReader(data),
        csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
        csv.ParseOptions(delimiter=delimiter, quote_char='"' if has_quotes else False),
        csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
            check_utf8=False,
        ),
    )


def _has_blank(cells: pa.Table) -> bool:
    """Whether a first cell is empty, as that of a row without any content is."""
    return bool(pc.any(pc.equal(cells.column(0), "")).as_py())


def _is_said(cells: pa.Table) -> pa.ChunkedArray:
    """Whether a row has any content."""
    found = pc.not_equal(cells.column(0), "")
    for column in cells.columns[1:]:
        found = pc.or_(found, pc.not_equal(column, ""))
    return found
