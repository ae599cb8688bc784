"""Parquet files as rows of text: instants with their offset, whole doubles without a point."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cvm_analysis.errors import InputError
from cvm_analysis.sources.cell_text import decimal_text, number_text
from cvm_analysis.sources.compressed import damaged
from cvm_analysis.sources.layout import Record


def read(path: Path, decimal: str | None) -> tuple[list[str], Iterator[Record]]:
    """Read a header and its rows; InputError for another file, or cells of several values."""
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

    def records() -> Iterator[Record]:
        lines = itertools.count(2)
        for batch in file.iter_batches():
            columns = [_texts(column, decimal) for column in batch.columns]
            for row in zip(*columns, strict=True):
                yield next(lines), list(row)

    return schema.names, records()


def _texts(column: Any, decimal: str | None) -> list[str]:
    if pa.types.is_floating(column.type):
        cells = column.to_pylist()
        return ["" if cell is None else number_text(cell, decimal) for cell in cells]
    texts = [cell or "" for cell in column.cast(pa.string()).to_pylist()]
    if pa.types.is_decimal(column.type):
        return [decimal_text(text, decimal) for text in texts]
    return texts
