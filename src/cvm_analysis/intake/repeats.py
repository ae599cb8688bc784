"""Rows that repeat an earlier one, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
from ibis import ir

from cvm_analysis.sources import read

MOST_KEYS = 50_000_000  # sorted at once: 400 MB


@ibis.udf.scalar.builtin(name="getvariable", signature=(("string",), "string"))
def _bits(called: str) -> Any:
    """A variable of DuckDB that holds a bit per row."""
    raise NotImplementedError


@ibis.udf.scalar.builtin(signature=(("string", "int32"), "int32"))
def get_bit(bits: Any, place: Any) -> Any:
    """The bit at a place, counted from 0 (a function of DuckDB)."""
    raise NotImplementedError


def mark(
    con: Any, table: str, rows: ir.Table, contents: Iterable[ir.Table], n_rows: int
) -> ir.Table:
    """Add `repeated`: whether a row repeats one before it, both left out or neither.

    Only rows whose `key` is there several times are compared by their digests. A return repeats
    what the line repeats that was paid back. The rows that do are looked up as bits: a join would
    mix the rows, which then had to be sorted.

    table : names what is created; rows : their `row` is below `n_rows`; contents : of the raw
    files, as `read.stage` gives them
    """
    apart = ["left_out"] if "left_out" in rows.columns else []
    of_files = rows.filter(~rows.refunded) if "refunded" in rows.columns else rows
    found = _find_several(of_files.key, n_rows)
    if not len(found):
        return rows.mutate(repeated=False)
    several = con.create_table(f"several_{table}", found)
    alike = of_files.semi_join(several, "key").select("file", "line", "row", *apart)
    alike = con.create_table(f"alike_{table}", alike)
    digests = read.digests(contents, alike.select("file", "line"))
    known = alike.join(digests, ["file", "line"])
    order = ibis.window(group_by=["digest", *apart], order_by=["file", "line", "row"])
    later = known.mutate(nth=ibis.dense_rank().over(order))
    later = later.filter(later.nth > 0).select("row")
    bits = f"SELECT bitstring_agg(row, 0, {n_rows - 1}) FROM ({ibis.to_sql(later)})"
    con.raw_sql(f"SET VARIABLE repeats_{table} = ({bits})")
    bit = get_bit(_bits(f"repeats_{table}"), rows.row.cast("int32"))
    return rows.mutate(repeated=(bit == 1).fill_null(False))


def _find_several(keys: ir.IntegerColumn, n_rows: int) -> pa.Table:
    """The keys that several rows have: sorting them takes a fraction of grouping them."""
    n_parts = n_rows // MOST_KEYS + 1
    found = []
    for part in range(n_parts):
        some = keys.as_table().filter((keys % n_parts).abs() == part)  # half of them are negative
        ordered = np.sort(some.to_pyarrow().column(0).to_numpy())
        found.append(np.unique(ordered[1:][ordered[1:] == ordered[:-1]]))
    return pa.table({keys.get_name(): np.concatenate(found)})
