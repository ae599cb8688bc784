"""A raw CSV file as text: one row per line of the file, nothing interpreted, nothing lost.

Every cell stays text (ids keep their zeros), every row knows its file and line. Bytes are decoded
strictly: a byte order mark decides, else UTF-8, else GB18030 (which reads GBK and GB2312 too).
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from cvm_analysis.errors import InputError

BATCH = 50_000


@dataclass(frozen=True)
class RawFile:
    """What was read from a file: its name in the config, encoding, sha256, rows and columns."""

    name: str
    encoding: str
    sha256: str
    n_rows: int
    n_columns: int


def digest(path: Path) -> str:
    """Give the sha256 of a file's bytes; InputError where there is no such file."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the config's sources")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stage(
    path: Path, name: str, columns: Mapping[str, str], encoding: str | None, to: Path
) -> RawFile:
    """Write a CSV (or csv.gz) as a Parquet file of text columns.

    Parameters
    ----------
    name : how the rows are to call the file
    columns : our column name -> the file's header
    encoding : how to decode; None lets the file tell

    Returns
    -------
    What was read. `to` then has one row per record: file, line (where the record ends; the header
    is line 1), digest (of all its cells), n_fields, and each of our columns as text.

    Raises
    ------
    InputError : an empty file, undecodable bytes, a missing column, a quote that never ends
    """
    sha256 = digest(path)
    encoding = _decodable(path, encoding)
    with _open(path, encoding) as file:
        records = csv.reader(file, strict=True)
        header = _header(path, records, columns)
        places = {ours: header.index(theirs) for ours, theirs in columns.items()}
        n_rows = _write(_records(path, records), name, places, len(header), to)
    if not n_rows:
        raise InputError(f"{path}: a header and no rows; is this the right file?")
    return RawFile(name, encoding, sha256, n_rows, len(header))


def _open(path: Path, encoding: str | None = None) -> IO[Any]:
    opened: Any = gzip.open if path.suffix == ".gz" else open
    if encoding is None:
        return opened(path, "rb")
    return opened(path, "rt", encoding=encoding, errors="strict", newline="")


def _decodable(path: Path, encoding: str | None) -> str:
    """Name the first encoding that decodes every byte of the file."""
    with _open(path) as file:
        start = file.read(4)
    if not start.strip():
        raise InputError(f"{path}: an empty file")
    utf16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    marks = {codecs.BOM_UTF8: "utf-8-sig"} | dict.fromkeys(utf16, "utf-16")
    marked = [name for mark, name in marks.items() if start.startswith(mark)]
    candidates = [encoding] if encoding else marked or ["utf-8", "gb18030"]
    failures = []
    for name in candidates:
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
    with _open(path) as file:
        for block in itertools.chain(iter(lambda: file.read(1 << 20), b""), [b""]):
            try:
                line += decode(block, final=not block).count("\n")
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                bad = error.object[error.start : error.start + 2].hex(" ")
                return f"bytes {bad} near line {line:,}"
    return None


def _header(path: Path, records: Iterator[list[str]], columns: Mapping[str, str]) -> list[str]:
    header = [name.strip() for name in next(records, [])]
    missing = {ours: theirs for ours, theirs in columns.items() if theirs not in header}
    if missing:
        said = [f"  {ours}: no column '{theirs}'" for ours, theirs in missing.items()]
        raise InputError(
            f"{path}: not as the config maps it\n"
            + "\n".join(said)
            + f"\n  the file has {', '.join(header)}; map these in the config's sources"
        )
    return header


def _records(path: Path, records: Any) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank with the line it ends on."""
    try:
        for row in records:
            if row:
                yield records.line_num, row
    except csv.Error as error:
        raise InputError(
            f"{path} line {records.line_num:,}: {error}; look for a quote that never ends"
        ) from None


def _write(
    records: Iterator[tuple[int, list[str]]],
    name: str,
    places: Mapping[str, int],
    width: int,
    to: Path,
) -> int:
    """Write all records in batches; cells that a short record lacks are empty."""
    schema = pa.schema(
        [
            ("file", pa.string()),
            ("line", pa.int64()),
            ("digest", pa.binary(16)),
            ("n_fields", pa.int32()),
            *((ours, pa.string()) for ours in places),
        ]
    )
    n_rows = 0
    with pq.ParquetWriter(to, schema) as writer:
        while batch := list(itertools.islice(records, BATCH)):
            lines, rows = zip(*batch, strict=True)
            cells = list(zip(*(_padded(row, width) for row in rows), strict=True))
            content = {
                "file": [name] * len(rows),
                "line": lines,
                "digest": [_digest(row) for row in rows],
                "n_fields": [len(row) for row in rows],
                **{ours: cells[i] for ours, i in places.items()},
            }
            writer.write_table(pa.table(content, schema=schema))
            n_rows += len(rows)
    return n_rows


def _padded(row: list[str], width: int) -> list[str | None]:
    return [*row, *[None] * (width - len(row))][:width] if len(row) != width else row  # type: ignore[return-value]


def _digest(row: list[str]) -> bytes:
    return hashlib.blake2b("\x1f".join(row).encode(), digest_size=16).digest()
