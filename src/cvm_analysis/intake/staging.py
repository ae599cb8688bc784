"""The raw files as tables: cells parsed, files of a table stacked, one id per person."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import pandas as pd
from ibis import ir

from cvm_analysis.intake import (
    batches,
    cells,
    contracts,
    corrections,
    currencies,
    identity,
    ids,
    masking,
    overlap,
    parsing,
    pseudonyms,
    regions,
    repeats,
    shown_ids,
    status,
    words,
)
from cvm_analysis.intake.batches import Batch
from cvm_analysis.intake.raw_files import RawInput
from cvm_analysis.intake.shown_ids import People
from cvm_analysis.personal import known
from cvm_analysis.queries import as_view, union_all
from cvm_analysis.settings import ContractSource, CustomerSource, DiscoveredRegions, Settings
from cvm_analysis.sources import read
from cvm_analysis.tables import TABLES, own

REPEATING = ("transactions", "points")  # tables in which equal lines are reported
PLACED_BY = {
    **{"transactions": "sold_in", "customers_raw": "region", "contracts": "sold_in"},
    **{"leads": "region"},
}


class Staged(NamedTuple):
    """All raw files as tables.

    files : a record of each; tables : parsed rows, each person with one id of the files; contents :
    of the files of each table, as `read.stage` gives them; people : their ids, None if they are
    shown as they are; notes : what a user should know of the files; hashed : is done when the table
    `personal` is written
    """

    files: list[dict[str, Any]]
    tables: dict[str, ir.Table]
    contents: dict[str, list[ir.Table]]
    people: People | None
    notes: list[str]
    hashed: Future[None] | None


def stage(
    con: Any,
    settings: Settings,
    inputs: list[RawInput],
    folder: Path,
    beside: Executor,
    kept: Path | None = None,
) -> Staged:
    """Read every file, parse its cells, and stack the files of each table.

    `folder` gets the files that the tables are read from, and the tables `personal` and `merges`.
    beside : writes `personal` while the engine goes on with the rows
    kept : folder of files that were staged before (see `staged_files`)
    """
    files, parts = list[dict[str, Any]](), dict[str, list[tuple[str, ir.Table]]]()
    contents, n_rows = dict[str, list[ir.Table]](), dict[str, int]()
    personal, people, notes = list[ir.Table](), list[pd.DataFrame](), list[str]()
    mended = corrections.read(settings)
    for batch in batches.read_all(con, settings, inputs, folder, kept, {*mended["file"]}):
        file = _parse(con, settings, batch, mended)
        files += file.files
        personal += file.personal
        people += file.people
        notes += file.notes
        before = n_rows.setdefault(batch.table, 0)
        rows = file.rows.mutate(row=file.rows.row + before)
        n_rows[batch.table] += sum(each["n_rows"] for each in file.files if each["table"])
        parts.setdefault(batch.table, []).append((batch.names[0], rows))
        contents.setdefault(batch.table, []).extend(batch.joined.contents)
    tables = {table: as_view(con, _stack(rows)) for table, rows in parts.items()}
    if "transactions" in tables:
        sales = _count_once(con, settings, inputs, tables["transactions"])
        tables["transactions"] = as_view(con, sales)
    if "contracts" in tables:
        contracts.check_status(tables["contracts"], settings)
    notes += ids.report_forms(tables, settings.business.sources.main_table)
    merges = identity.find(pd.concat(people), settings.business.identity) if people else None
    if merges is not None:
        tables["customers_raw"] = identity.mark(tables["customers_raw"], merges)
    for table in set(REPEATING) & set(tables):
        tables[table] = repeats.mark(con, table, tables[table], contents[table], n_rows[table])
    records = masking.collect(personal)
    tables, people_ids, values = _hide(con, settings, tables, records, merges, folder)
    named = {table: as_view(con, rows) for table, rows in tables.items()}
    hashed = None
    if settings.business.pseudonyms:
        hashed = beside.submit(known.save, folder, values, known.derive(pseudonyms.key()))
    return Staged(files, named, contents, people_ids, notes, hashed)


def _hide(
    con: Any,
    settings: Settings,
    tables: dict[str, ir.Table],
    records: pd.DataFrame,
    merges: identity.Merges | None,
    folder: Path,
) -> tuple[dict[str, ir.Table], People | None, Iterable[str]]:
    """Mask texts, and give each person one id; the last is what no output may show."""
    is_hidden = settings.business.pseudonyms
    people = None
    if is_hidden or merges:
        people = shown_ids.find(con, tables, merges, is_hidden, folder / "work.ids.parquet")
    if set(masking.TEXTS) & set(tables):
        hidden = people.known.raw_id.to_pandas() if is_hidden and people else records["value"][:0]
        both = pd.concat([records, masking.as_records(hidden)])
        tables = masking.mask_tables(con, tables, both)
    if people is None:
        return tables, None, ()
    if merges:
        shown_ids.save_merges(people, folder)
    values = itertools.chain(records["value"], shown_ids.list_hidden(people))
    return shown_ids.name_persons(tables, people), people, values


class _File(NamedTuple):
    """Files that were read: their parsed rows, their records and those of files joined to them."""

    rows: ir.Table
    files: list[dict[str, Any]]
    personal: list[ir.Table]  # customer_id and value of each column that is masked
    people: list[pd.DataFrame]  # of customer records: what tells that two are one person
    notes: list[str]  # what is left out, and what does not meet


def _parse(con: Any, settings: Settings, batch: Batch, mended: pd.DataFrame) -> _File:
    """Parse the cells of files into the columns of their table."""
    table, source, joined = batch.table, batch.source, batch.joined
    cells.check(joined.rows, table, batch.columns, source, batch.names)
    text = corrections.apply(con, joined.rows, joined.contents[0], batch.names[0], mended)
    text = as_view(con, ids.clean(status.fill(text, table, source)))
    personal = [text.select("customer_id", value=column) for column in batch.hidden]
    codes = {own.to_inside(table, ours): each for ours, each in source.codes.items()}
    text = words.replace(status.mark(text, source, batch.currency), codes)
    if isinstance(source, ContractSource):
        meant = {own.to_inside(table, ours): each for ours, each in source.values.items()}
        text = contracts.replace_words(text, meant, source.decimal)
    added = _added_columns(settings, table)
    reading = parsing.Reading(
        source.decimal, settings.business.timezone, in_sheet=joined.files[0].encoding == "xlsx"
    )
    rows = parsing.parse_columns(text, table, source.formats, added, reading)
    if isinstance(source, ContractSource):
        rows = contracts.read_tenure(rows, source)
    if table == "leads":
        rows = _drop_expected_days(rows)
    people = []
    if isinstance(source, CustomerSource) and settings.business.identity:
        people.append(identity.read(text, rows, source, settings))
    n = len(batch.names)
    files = [{"table": table, "columns": batch.columns, **dataclasses.asdict(each)}
             for each in joined.files[:n]]  # fmt: skip
    files += [{"table": "", "columns": [], **dataclasses.asdict(o)} for o in joined.files[n:]]
    placed = _with_region_keys(settings, batch, rows).drop("nth")
    left_out = [f"{file.name}: {note}" for file in joined.files for note in file.notes]
    return _File(placed, files, personal, people, [*left_out, *joined.notes])


def _drop_expected_days(rows: ir.Table) -> ir.Table:
    """Drop the closing day of an open lead: it is that on which a CRM expects it to close."""
    is_open = rows.outcome == "open"
    named = ("closed_on", "closed_on_text")
    return rows.mutate(
        **{c: ibis.ifelse(is_open, ibis.null(rows[c].type()), rows[c]) for c in named}
    )


def _count_once(con: Any, settings: Settings, inputs: list[RawInput], rows: ir.Table) -> ir.Table:
    """Take days that several files cover once, convert currencies, and add returns."""
    sales = settings.business.sources.transactions
    files = [[each.name for each in inputs if each.source is source] for source in sales]
    for i, source in enumerate(sales):
        if source.overlap == "newest" and len(files[i]) > 1:
            rows = overlap.leave_older_out(con, rows, files[i], f"older_{i}")
    checked = [n for i, s in enumerate(sales) if s.overlap != "keep" for n in files[i]]
    if len(checked) > 1:
        overlap.refuse_repeated(rows, checked)
    rows = currencies.convert(rows, settings)
    return status.add_returns(rows, has_refunds=any(source.refunds for source in sales))


def _stack(tables: Iterable[tuple[str, ir.Table]]) -> ir.Table:
    """Stack the files of a table by name: in the order in which rows are kept."""
    return union_all([rows for _, rows in sorted(tables, key=lambda named: named[0])])


def _added_columns(settings: Settings, table: str) -> list[str]:
    """Names of the columns that the business adds to a table, in any of its files."""
    _, sources = settings.business.sources.by_table()[table]
    added = {name for s in sources for name in s.columns} - set(TABLES[table].columns)
    return sorted(own.to_inside(table, name) for name in added)


def _with_region_keys(settings: Settings, batch: Batch, rows: ir.Table) -> ir.Table:
    """Replace raw names of regions by keys; discovered regions get theirs after counting."""
    column, named = PLACED_BY.get(batch.table), settings.business.regions
    if column is None or isinstance(named, DiscoveredRegions):
        return rows
    if batch.source.region:
        return rows.mutate({column: read.of_file(batch.regions, rows.nth, "string")})
    return rows.mutate({column: regions.assign_rows(rows[column], named)})
