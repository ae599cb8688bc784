"""CSV, xlsx and Parquet files as a header and records of text.

CSV (also gzipped or zipped) is decoded strictly (`encodings`); its first lines show delimiter and
header (`csv_dialect`). Of xlsx all sheets of one table are read (`workbook`).
"""

from __future__ import annotations

import codecs
import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from cvm_analysis.errors import InputError
from cvm_analysis.sources import columnar, csv_blocks, csv_dialect, encodings, workbook
from cvm_analysis.sources.compressed import PACKED, TEXTS, damaged, guarded, open_bytes
from cvm_analysis.sources.encodings import START
from cvm_analysis.sources.layout import Record, without_totals

SUFFIXES = (*TEXTS, *PACKED, ".xlsx", ".parquet")


class OpenFile(NamedTuple):
    """A raw file ready to be read.

    parts : rows by sheet, whose name is empty for other files
    notes : what was left out; total rows are noted once the rows have been read
    """

    encoding: str
    header: list[str]
    parts: list[tuple[str, Iterator[Record]]]
    delimiter: str = ""  # a key of DELIMITERS; empty for xlsx and Parquet
    notes: list[str] = []  # noqa: RUF012

    @property
    def records(self) -> Iterator[Record]:
        """All rows; lines of a workbook count within each sheet."""
        return itertools.chain.from_iterable(rows for _, rows in self.parts)


@contextmanager
def open_rows(
    path: Path,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    decimal: str | None = None,
) -> Iterator[OpenFile]:
    """Open a raw file by the suffix of its name.

    Parameters
    ----------
    encoding, delimiter : of a CSV; None: detected. `spaces` are any number of blanks or tabs, also
        before the first cell
    sheet : of a workbook; None: all visible ones with the header of the largest
    decimal : `comma` writes the numbers of xlsx and Parquet files with one

    Raises
    ------
    InputError : another suffix, an empty or damaged file, undecodable bytes, an unclosed quote, a
        number in a sheet that has lost digits, a Parquet column of lists
    """
    kind = path.name.lower()
    if kind.endswith(".xlsx"):
        yield _workbook(path, sheet, decimal)
    elif kind.endswith(".parquet"):
        header, records = columnar.read(path, decimal)
        yield OpenFile("parquet", header, [("", guarded(path, records))])
    elif kind.endswith(SUFFIXES):
        with _open_text(path, encoding, delimiter) as (name, dialect, lines):
            records, notes = csv_dialect.records(path, guarded(path, lines), dialect), list[str]()
            names = next(records, (1, []))[1]
            rows = without_totals(records, notes)
            header = [cell.strip() for cell in names]
            yield OpenFile(name, header, [("", rows)], dialect.delimiter, notes)
    else:
        raise InputError(f"{path}: cannot be read; use one of {', '.join(SUFFIXES)}")


@contextmanager
def _open_text(
    path: Path, encoding: str | None, delimiter: str | None
) -> Iterator[tuple[str, csv_dialect.Dialect, io.TextIOWrapper]]:
    """Give the encoding, the layout and the lines of a CSV."""
    name = encodings.find(path, encoding)
    dialect = csv_dialect.detect(_first_lines(path, name), delimiter)
    with open_bytes(path) as content:
        yield name, dialect, io.TextIOWrapper(content, name, errors="strict", newline="")


class OpenTables(NamedTuple):
    """A raw file of text or a workbook ready to be read: as `OpenFile`, its parts Arrow tables."""

    encoding: str
    header: list[str]
    parts: list[tuple[str, Iterator[pa.Table]]]
    notes: list[str]


@contextmanager
def open_tables(
    path: Path,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    decimal: str | None = None,
) -> Iterator[OpenTables]:
    """Open a raw file as tables (see `csv_blocks.as_tables`); otherwise as `open_rows`."""
    if path.name.lower().endswith((*TEXTS, *PACKED)):
        with _open_text(path, encoding, delimiter) as (name, dialect, lines):
            notes = list[str]()
            with damaged(path):
                names, tables = csv_blocks.read(path, lines, dialect, notes)
            header = [cell.strip() for cell in names]
            yield OpenTables(name, header, [("", guarded(path, tables))], notes)
        return
    with open_rows(path, encoding, delimiter, sheet, decimal) as file:
        width = len(file.header)
        parts = [(name, csv_blocks.as_tables(rows, width)) for name, rows in file.parts]
        yield OpenTables(file.encoding, file.header, parts, file.notes)


def header(
    path: Path,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    decimal: str | None = None,
) -> list[str]:
    """Read the header; of a CSV only the beginning is decoded. Errors as in `open_rows`."""
    kind = path.name.lower()
    if kind.endswith((".xlsx", ".parquet")) or not kind.endswith(SUFFIXES):
        with open_rows(path, sheet=sheet, decimal=decimal) as file:
            return file.header
    lines = _first_lines(path, encodings.find(path, encoding, START))
    dialect = csv_dialect.detect(lines, delimiter)
    rows = csv_dialect.records(path, lines, dialect)
    return [cell.strip() for cell in next(rows, (1, []))[1]]


def _first_lines(path: Path, encoding: str) -> list[str]:
    """Decode the complete lines within the first bytes."""
    decode = codecs.getincrementaldecoder(encoding)(errors="strict").decode
    with open_bytes(path) as file:
        start, more = file.read(START), bool(file.read(1))
    lines = list(io.StringIO(decode(start, final=not more), newline=""))
    return lines[:-1] if more and len(lines) > 1 else lines


def _workbook(path: Path, sheet: str | None, decimal: str | None) -> OpenFile:
    sheets, notes = workbook.read(path, sheet, decimal)
    rows = (row for each in sheets for _, row in each.records)
    header = sheets[0].header if sheets else []
    width = max([len(header), *map(len, rows)])
    parts = [(each.name, without_totals(_wide(each.records, width), notes)) for each in sheets]
    if len(parts) == 1:
        parts = [("", rows) for _, rows in parts]
    return OpenFile("xlsx", [*header, *[""] * (width - len(header))], parts, "", notes)


def _wide(records: list[Record], width: int) -> Iterator[Record]:
    return ((line, [*row, *[""] * (width - len(row))]) for line, row in records)
