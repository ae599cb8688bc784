"""The three kinds of raw files, each as a header and records of text.

CSV (and csv.gz) is decoded strictly: a byte order mark decides, else UTF-8, else GB18030 (which
reads GBK and GB2312 too). xlsx is its first sheet. Parquet is cast to text.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import gzip
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from cvm_analysis.errors import InputError

Record = tuple[int, list[str]]  # the line it ends on (the header is line 1), and its cells
SUFFIXES = (".csv", ".csv.gz", ".txt", ".xlsx", ".parquet")
ROUNDED = 10**15  # spreadsheets keep 15 digits of a number


class Opened(NamedTuple):
    """A raw file ready to be read: how it is encoded, its header, its records."""

    encoding: str
    header: list[str]
    records: Iterator[Record]


@contextmanager
def opened(path: Path, encoding: str | None = None) -> Iterator[Opened]:
    """Open a raw file by the ending of its name.

    Raises
    ------
    InputError : another ending, an empty file, undecodable bytes, a quote that never ends, a
        number in a sheet that has lost digits
    """
    if path.suffix == ".xlsx":
        yield _sheet(path)
    elif path.suffix == ".parquet":
        yield _parquet(path)
    elif path.name.endswith(SUFFIXES):
        name = _decodable(path, encoding)
        with _bytes_or_text(path, name) as file:
            reader = csv.reader(file, strict=True)
            records = _lines(path, reader)
            header = next(records, (1, []))[1]
            yield Opened(name, [cell.strip() for cell in header], records)
    else:
        raise InputError(f"{path}: not a kind of file that is read; {', '.join(SUFFIXES)} are")


def _bytes_or_text(path: Path, encoding: str | None = None) -> IO[Any]:
    how: Any = gzip.open if path.suffix == ".gz" else open
    if encoding is None:
        return how(path, "rb")
    return how(path, "rt", encoding=encoding, errors="strict", newline="")


def _decodable(path: Path, encoding: str | None) -> str:
    """Name the first encoding that decodes every byte of the file."""
    with _bytes_or_text(path) as file:
        start = file.read(4)
    if not start.strip():
        raise InputError(f"{path}: an empty file")
    utf16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    marks = {codecs.BOM_UTF8: "utf-8-sig"} | dict.fromkeys(utf16, "utf-16")
    marked = [name for mark, name in marks.items() if start.startswith(mark)]
    failures = []
    for name in [encoding] if encoding else marked or ["utf-8", "gb18030"]:
        failure = _first_undecodable(path, name)
        if failure is None:
            return name
        failures.append(f"as {name}: {failure}")
    raise InputError(
        f"{path}: cannot be decoded, {'; '.join(failures)}; "
        "name its encoding in the config (encoding: ...), or export it again as UTF-8"
    )


def _first_undecodable(path: Path, encoding: str) -> str | None:
    try:
        decode = codecs.getincrementaldecoder(encoding)(errors="strict").decode
    except LookupError:
        return "no such encoding"
    line = 1
    with _bytes_or_text(path) as file:
        for block in itertools.chain(iter(lambda: file.read(1 << 20), b""), [b""]):
            try:
                line += decode(block, final=not block).count("\n")
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                bad = error.object[error.start : error.start + 2].hex(" ")
                return f"bytes {bad} near line {line:,}"
    return None


def _lines(path: Path, reader: Any) -> Iterator[Record]:
    """Yield each record of a CSV that is not blank."""
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise InputError(
            f"{path} line {reader.line_num:,}: {error}; look for a quote that never ends"
        ) from None


def _sheet(path: Path) -> Opened:
    import python_calamine

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
            f"{path}: {len(rounded):,} numbers have more than 15 digits, the first on line {line:,} "
            f"({cell.removeprefix('rounded ')}); the sheet has rounded them: export ids as text"
        )
    filled = [(line, row) for line, row in texts if any(row)]
    header = [cell.strip() for cell in filled[0][1]] if filled else []
    return Opened("xlsx", header, iter(filled[1:]))


def _cell_text(cell: Any) -> str:
    """Write a cell as a CSV would: whole numbers without a point, dates in ISO form."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return cell.isoformat(" ") if isinstance(cell, dt.datetime) else str(cell)
    if abs(cell) >= ROUNDED:
        return f"rounded {cell:.0f}"
    return str(int(cell)) if cell == int(cell) else repr(cell)


def _parquet(path: Path) -> Opened:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a Parquet file that can be read ({error})") from None

    def records() -> Iterator[Record]:
        lines = itertools.count(2)
        for batch in file.iter_batches():
            columns = [column.cast(pa.string()).to_pylist() for column in batch.columns]
            for row in zip(*columns, strict=True):
                yield next(lines), [cell or "" for cell in row]

    return Opened("parquet", file.schema_arrow.names, records())
