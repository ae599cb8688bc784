"""Files joined by keys, such as order lines with their orders, customers and products.

The rows stay those of the first file. Every joined file has one row per key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis
from ibis import ir

from cvm_analysis.errors import InputError, nearest
from cvm_analysis.sources import formats, read
from cvm_analysis.sources.layout import describe_header

MARK = "\x1fmatched"


def cell(header: str) -> str:
    """The column of a header's cells: no header is called as what rows have beside them."""
    return f"cell {header}"


@dataclass(frozen=True)
class Other:
    """A file to join.

    keys : a header of the files before it -> the header here
    prefix : its headers are called `<prefix>.<header>`; empty: by their own name
    options : how it is read: encoding, delimiter
    used : headers that `select` reads
    select : keeps the rows to join, of a table whose columns are the cells of headers
    """

    path: Path
    name: str
    keys: Mapping[str, str]
    prefix: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    used: tuple[str, ...] = ()
    select: Callable[[ir.Table], ir.Table] = lambda rows: rows


@dataclass(frozen=True)
class Joined:
    """The rows, and the files they are from.

    rows : as `read.stage` gives them, and `unmatched`: whether a joined file lacks the row's key
    contents : of the files whose rows they are
    files : these, then the joined ones
    notes : a sentence per joined file with keys that do not meet
    """

    rows: ir.Table
    contents: list[ir.Table]
    files: list[read.RawFile]
    notes: list[str]


def open_headers(path: Path, headers: list[str], others: Iterable[Other]) -> dict[str, list[int]]:
    """Name every column of the joined rows, with the numbers of the files that have it.

    0 is the first file, 1 the first that is joined. A key belongs to the file before alone.
    """
    known = {header: [0] for header in headers}
    for number, other in enumerate(others, 1):
        theirs = formats.header(other.path, **other.options)
        for ours, key in other.keys.items():
            if ours not in known:
                raise InputError(f"{path}: no column '{ours}' to join by{nearest(ours, known)}")
            if key not in theirs:
                raise InputError(
                    f"{other.path}: no column '{key}' to join by; {describe_header(theirs)}"
                )
        for header in theirs:
            name = f"{other.prefix}.{header}" if other.prefix else header
            if name in other.keys and other.keys[name] == header:
                continue  # the same cells in both
            known.setdefault(name, []).append(number)
    return known


def find_places(
    path: Path, options: Mapping[str, Any], columns: Mapping[str, str], others: list[Other]
) -> dict[str, int]:
    """Say which file has a header, as `open_headers` numbers them: header -> number.

    Parameters
    ----------
    path, options : the file whose rows they are, and how it is read (encoding, delimiter)
    columns : our column -> the header, of any file

    Raises
    ------
    InputError : a column that no file has or that several have
    """
    known = open_headers(path, formats.header(path, **options), others)
    needed = {*columns.values(), *(key for other in others for key in other.keys)}
    if missing := sorted(needed - known.keys()):
        said = "; ".join(f"'{header}'{nearest(header, known)}" for header in missing)
        raise InputError(f"{path}: no column in it or in the joined files: {said}")
    return {header: _place(header, known, path, others) for header in sorted(needed)}


def join(
    con: Any,
    files: Sequence[read.Cells],
    columns: Mapping[str, str],
    places: Mapping[str, int],
    others: list[Other],
    to: Path,
) -> Joined:
    """Join others, which are written beside the Parquet file `to`, to the rows of files.

    files : with the `cell` of each header that is theirs; columns, places : as in `find_places`,
    of each of the files

    InputError : a key that a joined file has in several rows; and as `read.write`
    """
    rows, contents = read.stage(con, files)
    rows, found, notes = rows.mutate(unmatched=False), [each.file for each in files], list[str]()
    for number, other in enumerate(others, 1):
        theirs = [header for header, place in places.items() if place == number]
        table, file = _read_other(con, other, theirs, to.with_suffix(f".{number}.parquet"))
        rows, note = _join(con, rows, table, other)
        found.append(file)
        notes += note
    fixed = [*read.PLACE, "nth", "row", "key", "ragged", "unmatched"]
    cells = {ours: rows[cell(header)] for ours, header in columns.items()}
    return Joined(rows.select(*fixed, **cells), contents, found, notes)


def alone(con: Any, files: Sequence[read.Cells], typed: read.Typed) -> Joined:
    """Give files to which no others are joined, as `read.stage` does."""
    rows, contents = read.stage(con, files, typed)
    return Joined(rows.mutate(unmatched=False), contents, [each.file for each in files], [])


def _place(header: str, known: Mapping[str, list[int]], path: Path, others: list[Other]) -> int:
    """The number of the file that has a column."""
    if len(known[header]) > 1:
        names = [path.name, *(other.path.name for other in others)]
        found = " and ".join(names[number] for number in known[header])
        raise InputError(f"{path}: '{header}' is in {found}; give the join a `prefix`")
    return known[header][0]


def _read_other(
    con: Any, other: Other, headers: list[str], to: Path
) -> tuple[ir.Table, read.RawFile]:
    """Read a joined file: its keys, `headers` by their names in the joined rows, one row per key.

    Keys are compared without blanks around them; rows without a key are left out.
    """
    start = len(other.prefix) + 1 if other.prefix else 0
    theirs = {header[start:]: header for header in headers}
    wanted = {cell(name): name for name in (*theirs, *other.keys.values(), *other.used)}
    cells = read.write(other.path, other.name, wanted, to=to, **other.options)
    rows = other.select(read.stage(con, [cells]).rows)
    keys = {f"{MARK} {key}": rows[cell(key)].strip().nullif("") for key in other.keys.values()}
    table = rows.select("line", **keys, **{cell(name): rows[cell(h)] for h, name in theirs.items()})
    table = table.filter(*(table[name].notnull() for name in keys))
    _refuse_repeated(table, list(keys), other)
    return table.drop("line").mutate(**{MARK: True}), cells.file


def _refuse_repeated(table: ir.Table, keys: list[str], other: Other) -> None:
    counted = table.group_by(keys).aggregate(n=table.count(), line=table.line.min())
    repeated = counted.filter(counted.n > 1)
    found = repeated.aggregate(n=repeated.count(), rows=repeated.n.sum()).to_pandas().iloc[0]
    if found["n"]:
        first = int(repeated.line.min().execute())
        raise InputError(
            f"{other.path}: {found['n']:,} keys of {', '.join(other.keys.values())} stand in "
            f"several rows, {int(found['rows']):,} in all, the first on line {first:,}; "
            "a joined file needs one row per key; choose one by `where`"
        )


def _join(con: Any, rows: ir.Table, table: ir.Table, other: Other) -> tuple[ir.Table, list[str]]:
    """Join, and say how many rows of either side have no match."""
    on = [rows[cell(ours)].strip() == table[f"{MARK} {key}"] for ours, key in other.keys.items()]
    n_unused = int(table.anti_join(rows, on).count().execute())
    joined = con.create_table(ibis.util.gen_name("joined"), rows.left_join(table, on))
    joined = joined.mutate(unmatched=joined.unmatched | joined[MARK].isnull())
    n_without = int(joined[MARK].isnull().sum().execute())
    keys = [f"{MARK} {key}" for key in other.keys.values()]
    note = (
        f"joined with {other.name}: {n_without:,} rows have no match in it; "
        f"{n_unused:,} of its rows have none"
    )
    return joined.drop(MARK, *keys), [note] if n_without or n_unused else []
