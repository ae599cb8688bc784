"""A raw file as a table, one row per record, each with its file and line.

Cells are text, so ids keep their leading zeros; numbers and times of a Parquet file stay such where
they are asked for as such.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import ir

from cvm_analysis.errors import InputError
from cvm_analysis.sources import columnar
from cvm_analysis.sources.formats import OpenTables, open_tables
from cvm_analysis.sources.layout import describe_header

Typed = Mapping[str, Literal["number", "moment", "id"]]  # our columns -> what their cells may stay

FIXED = ("file", "line", "n_fields")
LAYOUT = "layout"  # what a staged file says of the raw one


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


class Staged(NamedTuple):
    """A raw file as a table.

    rows : one per record: file (its name, of several sheets with that of the sheet), line (where
        the record ends; the first line is 1), n_fields, row (its number in the file, from 0), key
        (a number that is equal where all cells are), and each of our columns
    content : the same rows: FIXED, and all cells by their places `0`, `1`, ...
    """

    rows: ir.Table
    content: ir.Table
    file: RawFile


def digest(path: Path) -> str:
    """The sha256 of a file; InputError if it does not exist."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the config's sources")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@ibis.udf.scalar.builtin
def md5(text: str) -> str:
    """The MD5 hash of a text as hexadecimal digits (a function of DuckDB)."""
    raise NotImplementedError


def stage(
    con: Any,
    path: Path,
    name: str,
    columns: Mapping[str, str],
    encoding: str | None,
    to: Path,
    delimiter: str | None = None,
    sheet: str | None = None,
    decimal: str | None = None,
    typed: Typed | None = None,
) -> Staged:
    """Give a raw file as a table; files that are not Parquet are written to `to` as text.

    If `to` is there, it is from the same file, read in the same way, and is used as it is.

    InputError as `formats.open_rows`, for a missing or ambiguous column, or for no rows.

    Parameters
    ----------
    columns : our column -> the file's header
    encoding, delimiter, sheet, decimal : as in `formats.open_rows`
    typed : columns that keep the type a Parquet file gives them, if it is one of the kind
    """
    sha256 = digest(path)
    if path.name.lower().endswith(".parquet"):
        header, n_rows, rows = columnar.scan(con, path)
        places = _places(path, header, columns)
        kind, notes = "parquet", tuple[str, ...]()
        n_fields = ibis.literal(len(header), "int32")
        rows = rows.mutate(file=ibis.literal(name), line=rows.row + 2, n_fields=n_fields)
    else:
        if not to.exists():
            with open_tables(path, encoding, delimiter, sheet, decimal) as file:
                _places(path, file.header, columns)  # before all is read
                _write(file, name, to)
        header, kind, notes, n_rows = _read_layout(to)
        places = _places(path, header, columns)
        rows = con.read_parquet(to, file_row_number=True).rename(row=columnar.NUMBER)
    if not n_rows:
        raise InputError(f"{path}: a header and no rows; is this the right file?")
    raw = RawFile(name, kind, sha256, n_rows, len(header), notes)
    every = {str(place): rows[str(place)] for place in range(len(header))}
    key = ibis.struct(every).hash()
    cells = {o: _keep(every[str(place)], (typed or {}).get(o)) for o, place in places.items()}
    return Staged(rows.select(*FIXED, "row", key=key, **cells), rows.drop("row"), raw)


def digests(contents: Iterable[ir.Table], places: ir.Table) -> ir.Table:
    """Digest all cells of some rows: file, line, digest.

    contents : of the files, as `stage` gives them; places : file and line of the rows
    """
    found = [content.semi_join(places, ["file", "line"]) for content in contents]
    return functools.reduce(ir.Table.union, map(with_digest, found))


def with_digest(content: ir.Table) -> ir.Table:
    """Digest all cells of every row: file, line, digest."""
    n = len(content.columns) - len(FIXED)
    texts = [columnar.text(content[str(place)]) for place in range(n)]
    return content.select("file", "line", digest=md5(ibis.literal("\x1f").join(texts)))


def _keep(cell: ir.Value, kind: str | None) -> ir.Value:
    """The cell as it is, if it is of the kind; else its text."""
    found = cell.type()
    is_kept = {
        "number": found.is_numeric(),
        "moment": found.is_date() or found.is_timestamp(),
        "id": found.is_integer(),  # written without blanks, signs and points
    }
    return cell if kind and is_kept[kind] else columnar.text(cell)


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
        found = f"  {describe_header(header)}; map these in the config's sources"
        raise InputError("\n".join([f"{path}: columns are missing", *lines, found]))
    if repeated := find_repeated(header, columns):
        raise InputError("\n".join(f"{path}: {said}" for said in dict.fromkeys(repeated.values())))
    return {ours: header.index(theirs) for ours, theirs in columns.items()}


def _write(file: OpenTables, name: str, to: Path) -> None:
    """Write the tables of all parts with the file's name, and its layout."""
    cells = {str(place): pa.string() for place in range(len(file.header))}
    schema = pa.schema(dict(file=pa.string(), line=pa.int64(), n_fields=pa.int32()) | cells)
    with pq.ParquetWriter(to, schema) as writer:
        for part, tables in file.parts:
            label = f"{name}[{part}]" if part else name
            for table in _ahead(_row_groups(tables)):
                named = table.add_column(0, "file", pa.repeat(label, len(table)))
                writer.write_table(named.cast(schema))
        layout = [file.header, file.encoding, file.notes]
        writer.add_key_value_metadata({LAYOUT: json.dumps(layout)})


def _read_layout(staged: Path) -> tuple[list[str], str, tuple[str, ...], int]:
    """The header, the encoding, the notes and the number of rows of a file that was written."""
    metadata = pq.read_metadata(staged)
    header, encoding, notes = json.loads(metadata.metadata[LAYOUT.encode()])
    return header, encoding, tuple(notes), metadata.num_rows


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Cut tables anew, every columnar.ROWS_PER_GROUP rows."""
    held, n_rows = list[pa.Table](), 0
    for table in tables:
        held.append(table)
        n_rows += len(table)
        while n_rows >= columnar.ROWS_PER_GROUP:
            stacked = pa.concat_tables(held)
            yield stacked[: columnar.ROWS_PER_GROUP]
            held, n_rows = [stacked[columnar.ROWS_PER_GROUP :]], n_rows - columnar.ROWS_PER_GROUP
    if n_rows:
        yield pa.concat_tables(held)


def _ahead(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield tables; the next one is read meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, tables, None)
        while (table := coming.result()) is not None:
            coming = pool.submit(next, tables, None)
            yield table
