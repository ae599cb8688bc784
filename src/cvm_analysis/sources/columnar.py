"""Parquet files: their rows with numbers and times as they are, or as text as a CSV has them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import ir

from cvm_analysis.errors import InputError
from cvm_analysis.sources.cell_text import EXACT, decimal_text, number_text
from cvm_analysis.sources.compressed import damaged
from cvm_analysis.sources.layout import Record

NUMBER = "file_row_number"  # of a row within its file, as DuckDB calls it
FILE = "file_index"  # the number of a row's file among those that are read, likewise
ROWS_PER_GROUP = 122_880  # as DuckDB cuts files


def read(path: Path, decimal: str | None) -> tuple[list[str], Iterator[Record]]:
    """Read a header and its rows as text; InputError for another file or cells of several values.

    Instants have their offset, whole doubles no point.
    """
    file = _open(path)

    def records() -> Iterator[Record]:
        lines = itertools.count(2)
        for batch in file.iter_batches():
            columns = [_texts(column, decimal) for column in batch.columns]
            for row in zip(*columns, strict=True):
                yield next(lines), list(row)

    return file.schema_arrow.names, records()


def _open(path: Path) -> pq.ParquetFile:
    with damaged(path):
        try:
            file = pq.ParquetFile(path)
            schema = file.schema_arrow
        except pa.ArrowInvalid as error:
            said = str(error).splitlines()[0]
            raise InputError(f"{path}: not a Parquet file that can be read ({said})") from None
    nested = [f"{f.name} ({f.type})" for f in schema if pa.types.is_nested(f.type)]
    if nested:
        raise InputError(
            f"{path}: cells of {', '.join(nested)} hold several values; drop the columns"
        )
    return file


def _texts(column: Any, decimal: str | None) -> list[str]:
    if pa.types.is_floating(column.type):
        cells = column.to_pylist()
        return ["" if cell is None else number_text(cell, decimal) for cell in cells]
    texts = [cell or "" for cell in column.cast(pa.string()).to_pylist()]
    if pa.types.is_decimal(column.type):
        return [decimal_text(text, decimal) for text in texts]
    return texts


def check(path: Path) -> tuple[list[str], list[str], int]:
    """Read all pages, and give the header, names with types, and the number of rows, as `read`.

    The engine reads several files by the names of their columns.
    """
    file = _open(path)
    with damaged(path):
        n = sum(len(batch) for batch in file.iter_batches(ROWS_PER_GROUP))
    header, types = file.schema_arrow.names, [str(each) for each in file.schema_arrow]
    if taken := {NUMBER, FILE} & set(header):
        raise InputError(f"{path}: a column is called {min(taken)}; rename it")
    return header, types, n


def by_place(rows: ir.Table) -> ir.Table:
    """Name columns by their places `0`, `1`, ..., beside NUMBER and FILE; `check` has read them."""
    header = [name for name in rows.columns if name not in (NUMBER, FILE)]
    cells = {str(place): _cell(rows[name]) for place, name in enumerate(header)}
    return rows.select(NUMBER, FILE, **cells)


def _cell(column: ir.Value) -> ir.Value:
    """No number is an empty cell, as in a CSV."""
    if column.type().is_floating():
        return ibis.ifelse(column.isnan(), ibis.null(column.type()), column)
    return column


def text(column: ir.Value) -> ir.StringValue:
    """Write the cells of a column as text, empty where there is none; doubles as `number_text`."""
    if column.type().is_floating():
        is_whole = (column == column.floor()) & (column.abs() < EXACT)
        whole = column.try_cast("int64").cast("string")
        return ibis.ifelse(is_whole, whole, column.cast("string")).fill_null("")
    return column.cast("string").fill_null("")
