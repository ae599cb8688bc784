"""Ids of people: one per person while rows are checked, and what takes its place afterwards.

Until the tables are written, rows hold ids of the files. A pseudonym that came back on a list and
the id of a merged record become the id of their person; at the end each is replaced by what is
shown, a pseudonym or the id itself. All ids are never in memory at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import ir

from cvm_analysis.intake import ids, pseudonyms
from cvm_analysis.intake.identity import Merges
from cvm_analysis.prepared import MERGES
from cvm_analysis.queries import union_all, view_of_files

BATCH = 200_000
SCHEMA = pa.schema({"raw_id": pa.string(), "shown": pa.string()})


class People(NamedTuple):
    """Ids of people in any table.

    known : raw_id, shown (a pseudonym, or the same), read from `file`; merged, back : other, person
        (both raw ids) of merged records, and of pseudonyms that came back on a list
    """

    file: Path
    known: ir.Table
    merged: ir.Table
    back: ir.Table


def find(
    con: Any, tables: Mapping[str, ir.Table], merges: Merges | None, hidden: bool, to: Path
) -> People:
    """Find the ids of people.

    hidden : ids are shown as pseudonyms; to : the Parquet file that holds `known`
    """
    found = [
        rows.select(raw_id=column)
        for rows in tables.values()
        for column in ids.PEOPLE
        if column in rows.columns
    ]
    every = union_all(found)
    _save(every.distinct(), hidden, to)
    known = view_of_files(con, [to])
    into = merges.into if merges else {}
    pairs = pd.DataFrame({"other": list(into), "person": list(into.values())}, dtype="string")
    merged = con.create_table("merged_ids", pairs)
    back = con.create_table("back_ids", _find_back(known, merged, hidden))
    return People(to, known, merged, back)


def _save(raw_ids: ir.Table, hidden: bool, to: Path) -> None:
    """Write `known`; no id is left out here, as a filter would compute every row's id once more."""
    key = pseudonyms.key() if hidden else b""
    with pq.ParquetWriter(to, SCHEMA) as writer:
        for batch in raw_ids.to_pyarrow_batches(chunk_size=BATCH):
            raw = batch.column(0).drop_null()
            shown = pa.array(pseudonyms.pseudonyms(raw.to_pylist(), key)) if hidden else raw
            writer.write_table(pa.table([raw, shown], schema=SCHEMA))


def _find_back(known: ir.Table, merged: ir.Table, hidden: bool) -> ir.Table:
    """Pseudonyms among the raw ids, with the id of the person."""
    is_like_one = known.raw_id.re_search(f"^{pseudonyms.PSEUDONYM.pattern}$") & hidden
    like, origin = known.filter(is_like_one), known.view()
    pairs = like.select(other="raw_id").join(origin, [("other", "shown")])
    joined = pairs.left_join(merged, pairs.raw_id == merged.other, rname="{name}_merged")
    return joined.select("other", person=joined.person.coalesce(joined.raw_id))


def name_persons(tables: Mapping[str, ir.Table], people: People) -> dict[str, ir.Table]:
    """Give each row the ids of its persons; texts of their cells are not kept."""
    aliases = people.merged.union(people.back)
    is_needed = aliases.count().execute() > 0  # rarely, and it costs a join of all rows
    return {t: _name_persons(rows, aliases if is_needed else None) for t, rows in tables.items()}


def _name_persons(rows: ir.Table, aliases: ir.Table | None) -> ir.Table:
    for column in ids.PEOPLE:
        if column not in rows.columns:
            continue
        if aliases is not None:
            joined = rows.left_join(aliases, rows[column] == aliases.other)
            named = joined.mutate(**{column: joined.person.coalesce(joined[column])})
            rows = named.drop("other", "person")
        rows = rows.mutate(**{f"{column}_text": ibis.null("string")})
    return rows


def add_shown(placed: ir.Table, people: People) -> ir.Table:
    """Add to one row per customer what is shown of its id (shown), and all others known."""
    known = people.known
    joined = known.left_join(placed, known.raw_id == placed.customer_id)
    return joined.select("shown", "region", customer_id="raw_id")


def show(rows: ir.Table, people: People) -> ir.Table:
    """Replace ids of persons by those that are shown; customers have theirs by `add_shown`."""
    rows = rows.mutate(customer_id=rows.shown).drop("shown")
    for column in ids.PEOPLE:
        if column in rows.columns and column != "customer_id":
            joined = rows.left_join(people.known, rows[column] == people.known.raw_id)
            rows = joined.mutate(**{column: joined.shown}).drop("raw_id", "shown")
    return rows


def list_hidden(people: People) -> Iterator[str]:
    """List the ids that no output may show: all but pseudonyms that came back.

    They are read from the file: the engine may be busy meanwhile.
    """
    shown = set(people.back.other.to_pandas())
    batches = pq.ParquetFile(people.file).iter_batches(BATCH, columns=["raw_id"])
    every = (each for batch in batches for each in batch.column(0).to_pylist())
    return (each for each in every if each not in shown)


def save_merges(people: People, folder: Path) -> None:
    """Write table `merges`: one row per shown id of a merged record, old, new."""
    known, person = people.known, people.known.view()
    aliases = people.merged
    joined = aliases.join(known, aliases.other == known.raw_id)
    joined = joined.join(person, joined.person == person.raw_id, rname="{name}_new")
    found = joined.select(old="shown", new="shown_new").distinct().order_by("old").to_pandas()
    found.astype("string").to_parquet(folder / MERGES, index=False)
