"""A raw file as a table, one row per record, each with its file and line.

Cells are text, so ids keep their leading zeros; numbers and times of a Parquet file stay such where
they are asked for as such.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import ir

from cvm_analysis.errors import InputError
from cvm_analysis.queries import union_all, view_of_files
from cvm_analysis.sources import columnar
from cvm_analysis.sources.compressed import damaged
from cvm_analysis.sources.formats import OpenTables, open_tables
from cvm_analysis.sources.layout import describe_header

Typed = Mapping[str, Literal["number", "moment", "id"]]  # our columns -> what their cells may stay

PLACE = ("file", "line")
PARQUET = "parquet"  # what is said instead of an encoding
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


class Cells(NamedTuple):
    """A Parquet file with the cells of a raw file: the raw one itself, or what was written of it.

    types : of its columns, with their names if it is the raw one; places : our column -> its place
    """

    file: RawFile
    path: Path
    types: list[str]
    places: dict[str, int]

    @property
    def layout(self) -> tuple[Any, ...]:
        """What files have in common that the engine reads as one."""
        return self.file.encoding == PARQUET, self.types, self.places


class Staged(NamedTuple):
    """Raw files as a table.

    rows : one per record: file (its name, of several sheets with that of the sheet), line (where
        the record ends; the first line is 1), nth (the number of its file, from 0), row (its own in
        all files, from 0), key (a number that is equal where all cells are), ragged (whether it
        has more or fewer cells than the header), and each of our columns
    contents : the same rows, by the layout of files: PLACE, and all cells by their places `0`, `1`,
        ...
    """

    rows: ir.Table
    contents: list[ir.Table]


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


def write(
    path: Path,
    name: str,
    columns: Mapping[str, str],
    encoding: str | None,
    to: Path,
    delimiter: str | None = None,
    sheet: str | None = None,
    decimal: str | None = None,
) -> Cells:
    """Write the cells of a raw file to `to` as text; a Parquet file stays as it is.

    If `to` is there, it is from the same file, read in the same way, and is used as it is.

    InputError as `formats.open_rows`, for a missing or ambiguous column, or for no rows.

    Parameters
    ----------
    columns : our column -> the file's header
    encoding, delimiter, sheet, decimal : as in `formats.open_rows`
    """
    sha256, notes = digest(path), tuple[str, ...]()
    if path.name.lower().endswith(f".{PARQUET}"):
        header, types, n_rows = columnar.check(path)
        kind, to = PARQUET, path
    else:
        if not to.exists():
            with open_tables(path, encoding, delimiter, sheet, decimal) as file:
                _places(path, file.header, columns)  # before all is read
                _write(file, name, to)
        header, kind, notes, n_rows = _read_layout(to)
        types = ["string"] * len(header)
    places = _places(path, header, columns)
    if not n_rows:
        raise InputError(f"{path}: a header and no rows; is this the right file?")
    return Cells(RawFile(name, kind, sha256, n_rows, len(header), notes), to, types, places)


def stage(con: Any, files: Sequence[Cells], typed: Typed | None = None) -> Staged:
    """Give raw files as one table, in the order of their names; files of one layout as one file.

    typed : columns that keep the type a Parquet file gives them, if it is one of the kind
    """
    before = [0, *itertools.accumulate(each.file.n_rows for each in files)]
    rows, contents = list[ir.Table](), list[ir.Table]()
    ordered = sorted(range(len(files)), key=lambda nth: files[nth].file.name)
    for _, alike in itertools.groupby(ordered, key=lambda nth: files[nth].layout):
        nths = [*alike]
        first, cells = files[nths[0]], _scan(con, [files[nth] for nth in nths])
        every = {str(place): cells[str(place)] for place in range(len(first.types))}
        contents.append(cells.select(*PLACE, *every))
        kept = {ours: _keep(every[str(place)], (typed or {}).get(ours))
                for ours, place in first.places.items()}  # fmt: skip
        of, number = cells[columnar.FILE], cells[columnar.NUMBER]
        known = {
            "nth": of_file(nths, of, "int32"),
            "row": number + of_file([before[nth] for nth in nths], of, "int64"),
            "key": ibis.struct(every).hash(),
            "ragged": cells.n_fields != len(every),
        }
        rows.append(cells.select(*PLACE, **known, **kept))
    return Staged(union_all(rows), contents)


def _scan(con: Any, files: Sequence[Cells]) -> ir.Table:
    """Read files of one layout: PLACE, n_fields, all cells by their places, NUMBER and FILE."""
    first, options = files[0], ", file_row_number = true, binary_as_string = true"
    with damaged(first.path):
        rows = view_of_files(con, [f.path for f in files], options, f"*, {columnar.FILE}")
    if first.file.encoding != PARQUET:
        return rows
    rows = columnar.by_place(rows)
    names = of_file([each.file.name for each in files], rows[columnar.FILE], "string")
    n_fields = ibis.literal(len(first.types), "int32")
    return rows.mutate(file=names, line=rows[columnar.NUMBER] + 2, n_fields=n_fields)


def of_file(values: Sequence[Any], nth: ir.IntegerValue, kind: str) -> ir.Value:
    """The value of each row's file; values : one per file; nth : the number of the row's file."""
    if len(set(values)) == 1:
        return ibis.literal(values[0], kind)
    return ibis.literal(list(values), f"array<{kind}>")[nth.cast("int64")]


def digests(contents: Iterable[ir.Table], places: ir.Table) -> ir.Table:
    """Digest all cells of some rows: file, line, digest.

    contents : of the files, as `stage` gives them; places : file and line of the rows
    """
    found = [content.semi_join(places, ["file", "line"]) for content in contents]
    return union_all([with_digest(each) for each in found])


def with_digest(content: ir.Table) -> ir.Table:
    """Digest all cells of every row: file, line, digest."""
    n = len(content.columns) - len(PLACE)
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
