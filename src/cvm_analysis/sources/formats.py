"""CSV, xlsx and Parquet files as a header and records of text.

CSV (also gzipped) is decoded strictly: by its byte order mark, else as UTF-8, else as GB18030
(which includes GBK and GB2312); its first lines show the delimiter. Of xlsx the first sheet is
read. Parquet is cast to text.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import gzip
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import python_calamine

from cvm_analysis.errors import InputError

Record = tuple[int, list[str]]  # the line it ends on (the header is line 1), and its cells
SUFFIXES = (".csv", ".csv.gz", ".txt", ".xlsx", ".parquet")
ROUNDED = 10**15  # spreadsheets store 15 digits
START = 1 << 16  # bytes to detect the delimiter from
DELIMITERS = {"tab": "\t", "semicolon": ";", "comma": ",", "spaces": " "}  # the first one in a tie


class OpenFile(NamedTuple):
    """A raw file ready to be read."""

    encoding: str
    header: list[str]
    records: Iterator[Record]
    delimiter: str = ""  # a key of DELIMITERS; empty for xlsx and Parquet


@contextmanager
def open_rows(
    path: Path, encoding: str | None = None, delimiter: str | None = None
) -> Iterator[OpenFile]:
    """Open a raw file by the suffix of its name.

    Parameters
    ----------
    encoding, delimiter : of a CSV; None: detected. `spaces` are any number of blanks or tabs, also
        before the first cell

    Raises
    ------
    InputError : another suffix, an empty file, undecodable bytes, an unclosed quote, a number in a
        sheet that has lost digits, a Parquet column of lists
    """
    if path.suffix == ".xlsx":
        yield _sheet(path)
    elif path.suffix == ".parquet":
        yield _parquet(path)
    elif path.name.endswith(SUFFIXES):
        name = _decodable(path, encoding)
        between = delimiter or _delimiter(_first_lines(path, name))
        with _bytes_or_text(path, name) as file:
            records = _lines(path, _rows(file, between, strict=True))
            header = next(records, (1, []))[1]
            yield OpenFile(name, [cell.strip() for cell in header], records, between)
    else:
        raise InputError(f"{path}: cannot be read; use one of {', '.join(SUFFIXES)}")


def header(path: Path, encoding: str | None = None, delimiter: str | None = None) -> list[str]:
    """Read the header; of a CSV only the beginning is decoded. Errors as in `open_rows`."""
    if path.name.endswith((".xlsx", ".parquet")) or not path.name.endswith(SUFFIXES):
        with open_rows(path) as file:
            return file.header
    lines = _first_lines(path, _decodable(path, encoding, START))
    rows = _lines(path, _rows(lines, delimiter or _delimiter(lines), strict=False))
    return [cell.strip() for cell in next(rows, (1, []))[1]]


def _bytes_or_text(path: Path, encoding: str | None = None) -> IO[Any]:
    how: Any = gzip.open if path.suffix == ".gz" else open
    if encoding is None:
        return how(path, "rb")
    return how(path, "rt", encoding=encoding, errors="strict", newline="")


def _decodable(path: Path, encoding: str | None, n_bytes: int | None = None) -> str:
    """The first encoding that decodes the file, or its first `n_bytes`."""
    with _bytes_or_text(path) as file:
        start = file.read(4)
    if not start.strip():
        raise InputError(f"{path}: an empty file")
    utf16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    marks = {codecs.BOM_UTF8: "utf-8-sig"} | dict.fromkeys(utf16, "utf-16")
    marked = [name for mark, name in marks.items() if start.startswith(mark)]
    failures = []
    for name in [encoding] if encoding else marked or ["utf-8", "gb18030"]:
        failure = _first_undecodable(path, name, n_bytes)
        if failure is None:
            return name
        failures.append(f"as {name}: {failure}")
    raise InputError(
        f"{path}: cannot be decoded, {'; '.join(failures)}; "
        "set its encoding in the config (encoding: ...), or export it again as UTF-8"
    )


def _first_undecodable(path: Path, encoding: str, n_bytes: int | None) -> str | None:
    try:
        decode = codecs.getincrementaldecoder(encoding)(errors="strict").decode
    except LookupError:
        return "no such encoding"
    line = 1
    with _bytes_or_text(path) as file:
        whole = itertools.chain(iter(lambda: file.read(1 << 20), b""), [b""])
        for block in whole if n_bytes is None else [file.read(n_bytes)]:
            try:
                line += decode(block, final=not block).count("\n")
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                bad = error.object[error.start : error.start + 2].hex(" ")
                return f"bytes {bad} near line {line:,}"
    return None


def _first_lines(path: Path, encoding: str) -> list[str]:
    """Decode the complete lines within the first bytes."""
    decode = codecs.getincrementaldecoder(encoding)(errors="strict").decode
    with _bytes_or_text(path) as file:
        start, more = file.read(START), bool(file.read(1))
    lines = list(io.StringIO(decode(start, final=not more), newline=""))
    return lines[:-1] if more and len(lines) > 1 else lines


def _delimiter(lines: list[str]) -> str:
    """The delimiter that splits the most lines into as many cells as the header."""
    n_equal = {}
    for name in DELIMITERS:
        widths = [len(row) for row in _rows(lines, name, strict=False) if row]
        if widths and widths[0] > 1:
            n_equal[name] = widths[1:].count(widths[0])
    if len(n_equal) > 1:
        n_equal.pop("spaces", None)  # headers may have several words
    return max(n_equal, key=lambda name: n_equal[name], default="comma")


def _rows(lines: Iterable[str], delimiter: str, strict: bool) -> Any:
    """Split lines into cells; with `spaces`, several blanks or tabs count as one."""
    if delimiter == "spaces":
        blanks = re.compile(r"[ \t]+")
        lines = (blanks.sub(" ", line.strip(" \t\r\n")) + "\n" for line in lines)
    return csv.reader(lines, delimiter=DELIMITERS[delimiter], strict=strict)


def _lines(path: Path, reader: Any) -> Iterator[Record]:
    """Yield the records of a CSV that are not blank."""
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise InputError(
            f"{path} line {reader.line_num:,}: {error}; look for an unclosed quote"
        ) from None


def _sheet(path: Path) -> OpenFile:
    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
        rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, OSError) as error:
        raise InputError(f"{path}: not an xlsx file that can be read ({error})") from None
    texts = [(line, [_cell_text(cell) for cell in row]) for line, row in enumerate(rows, start=1)]
    rounded = [(line, cell) for line, row in texts for cell in row if cell.startswith("rounded ")]
    if rounded:
        line, cell = rounded[0]
        raise InputError(
            f"{path}: {len(rounded):,} numbers have more than 15 digits, the first on line "
            f"{line:,} ({cell.removeprefix('rounded ')}); the sheet has rounded them: "
            "export ids as text"
        )
    filled = [(line, row) for line, row in texts if any(row)]
    header = [cell.strip() for cell in filled[0][1]] if filled else []
    return OpenFile("xlsx", header, iter(filled[1:]))


def _cell_text(cell: Any) -> str:
    """Write a cell as in a CSV: whole numbers without a point, ISO dates."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return cell.isoformat(" ") if isinstance(cell, dt.datetime) else str(cell)
    if abs(cell) >= ROUNDED:
        return f"rounded {cell:.0f}"
    return str(int(cell)) if cell == int(cell) else repr(cell)


def _parquet(path: Path) -> OpenFile:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a Parquet file that can be read ({error})") from None
    nested = [f"{f.name} ({f.type})" for f in file.schema_arrow if pa.types.is_nested(f.type)]
    if nested:
        raise InputError(
            f"{path}: cells of {', '.join(nested)} hold several values; drop the columns"
        )

    def records() -> Iterator[Record]:
        lines = itertools.count(2)
        for batch in file.iter_batches():
            columns = [column.cast(pa.string()).to_pylist() for column in batch.columns]
            for row in zip(*columns, strict=True):
                yield next(lines), [cell or "" for cell in row]

    return OpenFile("parquet", file.schema_arrow.names, records())
