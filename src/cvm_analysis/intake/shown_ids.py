"""Ids of people replaced by those that are shown: pseudonyms, and one id where records are merged.

All ids are never in memory at once: they are read, and their pseudonyms written, in batches.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import ir

from cvm_analysis.intake import ids, pseudonyms
from cvm_analysis.intake.identity import Merges
from cvm_analysis.prepared import MERGES

BATCH = 200_000
SCHEMA = pa.schema({"raw_id": pa.string(), "shown": pa.string()})


def find(con: Any, tables: Mapping[str, ir.Table]) -> ir.Table:
    """One row per id of a person in any table: raw_id, shown (the same)."""
    found = [
        rows.select(raw_id=column)
        for rows in tables.values()
        for column in ids.PEOPLE
        if column in rows.columns
    ]
    every = functools.reduce(ir.Table.union, found)
    known = every.filter(every.raw_id.notnull()).distinct()
    return con.create_table("raw_ids", known.mutate(shown=known.raw_id))


def hide(con: Any, known: ir.Table, to: Path) -> ir.Table:
    """Show ids as pseudonyms; one that came back on a list as a pseudonym stays as it is.

    known : as `find` gives them; to : the Parquet file that holds them
    """
    key = pseudonyms.key()
    with pq.ParquetWriter(to, SCHEMA) as writer:
        for raw in _read(known, "raw_id"):
            hidden = [pseudonyms.pseudonym(each, key) for each in raw]
            writer.write_table(pa.table([raw, hidden], schema=SCHEMA))
    pairs = con.read_parquet(to)
    is_known = pairs.raw_id.re_search(f"^{pseudonyms.PSEUDONYM.pattern}$")
    back = is_known & pairs.raw_id.isin(pairs.shown)
    return pairs.mutate(shown=back.ifelse(pairs.raw_id, pairs.shown))


def unite(con: Any, known: ir.Table, merges: Merges, folder: Path) -> ir.Table:
    """Show merged ids as the person's, also those that came back; write table `merges`."""
    into = pd.DataFrame({"raw_id": list(merges.into), "person": list(merges.into.values())})
    pairs = con.create_table("merged_ids", into.astype("string"))
    person = known.view()
    found = pairs.join(known, "raw_id").join(
        person, [("person", person.raw_id)], rname="{name}_new"
    )
    named = found.select(old="shown", new="shown_new").order_by("old").distinct()
    named = con.create_table("merged", named)
    named.to_pandas().astype("string").to_parquet(folder / MERGES, index=False)
    joined = known.left_join(named, [known.shown == named.old])
    return joined.select("raw_id", shown=joined.new.coalesce(joined.shown))


def still_hidden(known: ir.Table) -> Iterator[str]:
    """Yield the ids that are not shown themselves."""
    for raw in _read(known.filter(known.raw_id != known.shown), "raw_id"):
        yield from raw


def _read(known: ir.Table, column: str) -> Iterator[list[str]]:
    for batch in known.select(column).to_pyarrow_batches(chunk_size=BATCH):
        yield batch.column(0).to_pylist()


def replace(con: Any, tables: Mapping[str, ir.Table], known: ir.Table) -> dict[str, ir.Table]:
    """Replace the ids of people in all tables by those that are shown."""
    pairs = con.create_table("ids", known)
    return {table: _replace(rows, pairs) for table, rows in tables.items()}


def _replace(rows: ir.Table, pairs: ir.Table) -> ir.Table:
    for column in ids.PEOPLE:
        if column in rows.columns:
            joined = rows.left_join(pairs, rows[column] == pairs.raw_id)
            hidden = {column: joined.shown, f"{column}_text": ibis.null("string")}
            rows = joined.mutate(**hidden).drop("raw_id", "shown")
    return rows
