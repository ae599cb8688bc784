"""A raw file as rows of text, one per record, each with its file and line.

Every cell stays text, so ids keep their leading zeros.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cvm_analysis.errors import InputError
from cvm_analysis.sources.formats import Record, open_rows

BATCH = 50_000


@dataclass(frozen=True)
class RawFile:
    """A file that was read: its name relative to the config, encoding, sha256, size, and notes.

    notes : what of the file was left out
    """

    name: str
    encoding: str
    sha256: str
    n_rows: int
    n_columns: int
    notes: tuple[str, ...] = ()


def digest(path: Path) -> str:
    """The sha256 of a file; InputError if it does not exist."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the config's sources")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stage(
    path: Path,
    name: str,
    columns: Mapping[str, str],
    encoding: str | None,
    to: Path,
    delimiter: str | None = None,
    sheet: str | None = None,
    decimal: str | None = None,
) -> RawFile:
    """Write a raw file to the Parquet file `to`, as text.

    One row per record: file (`name`, of several sheets with that of the sheet), line (where the
    record ends; the first line is 1), digest (of all cells), n_fields, and each of our columns.
    InputError as `formats.open_rows`, for a missing or ambiguous column, or for no rows.

    Parameters
    ----------
    columns : our column -> the file's header
    encoding, delimiter, sheet, decimal : as in `formats.open_rows`
    """
    sha256 = digest(path)
    with open_rows(path, encoding, delimiter, sheet, decimal) as file:
        places = _places(path, file.header, columns)
        schema, n_rows = _schema(places), 0
        with pq.ParquetWriter(to, schema) as writer:
            for part, records in file.parts:
                label = f"{name}[{part}]" if part else name
                n_rows += _write(writer, schema, records, label, places, len(file.header))
    if not n_rows:
        raise InputError(f"{path}: a header and no rows; is this the right file?")
    return RawFile(name, file.encoding, sha256, n_rows, len(file.header), tuple(file.notes))


def find_repeated(header: list[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Say which of our columns the header has twice: our column -> where they stand."""
    return {
        ours: f"several columns are called '{theirs}': {_list_places(header, theirs)}; "
        "rename all but one"
        for ours, theirs in columns.items()
        if header.count(theirs) > 1
    }


def _list_places(header: list[str], name: str) -> str:
    places = [str(place) for place, each in enumerate(header, start=1) if each == name]
    return f"the columns {', '.join(places[:-1])} and {places[-1]}"


def _places(path: Path, header: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    missing = {ours: theirs for ours, theirs in columns.items() if theirs not in header}
    if missing:
        lines = [f"  {ours}: no column '{theirs}'" for ours, theirs in missing.items()]
        found = f"  the file has {', '.join(header)}; map these in the config's sources"
        raise InputError("\n".join([f"{path}: columns are missing", *lines, found]))
    if repeated := find_repeated(header, columns):
        raise InputError("\n".join(f"{path}: {said}" for said in dict.fromkeys(repeated.values())))
    return {ours: header.index(theirs) for ours, theirs in columns.items()}


def _schema(places: Mapping[str, int]) -> pa.Schema:
    fixed = dict(file=pa.string(), line=pa.int64(), digest=pa.binary(16), n_fields=pa.int32())
    return pa.schema(fixed | dict.fromkeys(places, pa.string()))


def _write(
    writer: pq.ParquetWriter,
    schema: pa.Schema,
    records: Iterator[Record],
    name: str,
    places: Mapping[str, int],
    width: int,
) -> int:
    """Write all records in batches; short records are filled up with empty cells."""
    n_rows = 0
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


def _padded(row: list[str], width: int) -> list[str]:
    return row if len(row) == width else [*row, *[""] * (width - len(row))][:width]


def _digest(row: list[str]) -> bytes:
    content = "\x1f".join(row).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=16).digest()
