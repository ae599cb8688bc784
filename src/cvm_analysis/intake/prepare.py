"""Raw files to prepared tables, once for all regions, all or nothing.

The prepared folder holds `<table>/region=<key>/` for each raw table, the tables `quality` and
`quarantine`, keyed hashes of personal values (`personal`), and `prepared.json`. It replaces the
previous one as a whole if there is no error.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import itertools
import json
import re
import shutil
import zoneinfo
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import pandas as pd
from ibis import ir

from cvm_analysis import __version__, atomic_folder, owner
from cvm_analysis.errors import InputError
from cvm_analysis.intake import (
    column_rules,
    company_sample,
    contracts,
    corrections,
    gate,
    gates,
    identity,
    kept_rows,
    last_day,
    pseudonyms,
    quality_scores,
    raw_files,
    row_regions,
    rules,
    shown_ids,
    staged_files,
    staging,
    status,
    table_rules,
)
from cvm_analysis.intake.raw_files import RawInput
from cvm_analysis.prepared import STAMP, describe_owner, is_whole, size, stamp
from cvm_analysis.queries import MEMORY, as_view, connect, selects_unmerged
from cvm_analysis.settings import Settings
from cvm_analysis.sources import read
from cvm_analysis.tables import TABLES

BY_ACTION = ("campaign_members", "contact_log")  # tables whose rules know the catalogue's actions


class Span(NamedTuple):
    """First and last day of the accepted rows of the main table, and its numbers of rows."""

    first: dt.date
    last: dt.date
    n_read: int
    n_accepted: int


class Judged(NamedTuple):
    """Rows with the rule that excludes them.

    rows : by table; quality : the table, of all of them; span : of the main table; incomplete : its
        last day, if it is
    """

    rows: dict[str, ir.Table]
    quality: pd.DataFrame
    span: Span
    incomplete: last_day.Incomplete | None


def fingerprint(settings: Settings, inputs: list[RawInput]) -> str:
    """Digest all that the prepared tables depend on: raw files, settings, key and code."""
    business = settings.business
    named = {"currency", "timezone", "pseudonyms", "extracted_on", "regions", "sources", "rules"}
    used = business.model_dump_json(include=named | {"identity", "gates"})
    paths = [(raw.name, raw.path) for raw in inputs]
    paths += [(other.name, other.path) for raw in inputs for other in raw.others]
    files = [(name, read.digest(path)) for name, path in paths]
    if settings.business.rates:
        files.append(("rates", read.digest(settings.resolve(settings.business.rates))))
    key = pseudonyms.pseudonym("", pseudonyms.key()) if business.pseudonyms else ""
    folders = [
        Path(__file__).parents[1] / each for each in ("intake", "personal", "sources", "tables")
    ]
    code = [path.read_text("utf-8") for each in folders for path in sorted(each.glob("*.py"))]
    actions = _actions(settings) if any(_has(settings, table) for table in BY_ACTION) else []
    mended = corrections.read(settings).to_csv(index=False)
    parts = json.dumps([used, files, key, code, actions, mended, __version__])
    return hashlib.sha256(parts.encode()).hexdigest()


def prepare(settings: Settings, force: bool = False) -> bool:
    """Write the prepared tables if inputs or settings changed; return whether they did.

    Raises
    ------
    InputError : a file or column is missing, or cannot be read; or the folder holds the tables of
        another config, or the ledger was made with another key; nothing is written
    GateError : too many rows break a rule, when the quarantine is in the folder
        `<prepared>.stopped`; or a gate is closed. The previous tables stay
    """
    with raw_files.open_inputs(settings) as inputs:
        return _prepare(settings, inputs, force)


def _prepare(settings: Settings, inputs: list[RawInput], force: bool) -> bool:
    _refuse_other_key(settings)
    atomic_folder.clean(settings.prepared.parent, re.escape(settings.prepared.name))
    staged_files.remove_personal(settings)
    key = fingerprint(settings, inputs)
    if not force and _is_prepared(settings, key):
        _remove_stopped(settings)
        return False
    is_kept = not (force or settings.business.pseudonyms)
    kept = staged_files.folder_of(settings) if is_kept else None
    with _made(settings, inputs, key, kept) as folder:
        atomic_folder.publish(folder, settings.prepared)
    _remove_stopped(settings)
    return True


@contextmanager
def rehearse(settings: Settings) -> Iterator[Settings]:
    """Give settings with the tables that `prepare` would write; they are gone afterwards.

    Errors as `prepare`, and the quarantine after a GateError too. Nothing else is written; tables
    that are up to date are given as they are.
    """
    _refuse_other_key(settings)
    with raw_files.open_inputs(settings) as inputs:
        key = fingerprint(settings, inputs)
        if _is_prepared(settings, key):
            yield settings
            return
        with _made(settings, inputs, key) as folder:
            yield dataclasses.replace(settings, pinned=folder)


def _is_prepared(settings: Settings, key: str) -> bool:
    return stamp(settings).get("fingerprint") == key and is_whole(settings.prepared)


@contextmanager
def _made(
    settings: Settings, inputs: list[RawInput], key: str, kept: Path | None = None
) -> Iterator[Path]:
    """Make the tables in a folder beside the prepared one, which goes unless it is published.

    kept : folder of raw files that were read before; None: all are read, and none is kept
    """
    earlier = stamp(settings)
    with atomic_folder.atomic_folder(settings.prepared.parent, settings.prepared.name) as folder:
        with _engine(folder, inputs) as con, ThreadPoolExecutor(1) as beside:
            staged = staging.stage(con, settings, inputs, folder, beside, kept)
            content = _write(con, settings, staged, folder, earlier)
        staged_files.keep(folder, kept)
        scores = quality_scores.score(pd.read_parquet(folder / "quality.parquet"))
        content["scores"] = scores.to_dict("records")
        content |= {"fingerprint": key, "owner": describe_owner(settings)}
        content["history"] = gates.remember(earlier, key, content)
        content |= {"key_check": _key_check(settings), "size": size(folder)}
        (folder / STAMP).write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")
        yield folder


def _refuse_other_key(settings: Settings) -> None:
    other_keys = pseudonyms.find_other_keys(settings)
    if settings.ledger in other_keys:
        raise InputError(owner.describe_other_key(other_keys))


def _key_check(settings: Settings) -> str:
    key = pseudonyms.key() if settings.business.pseudonyms else None
    return pseudonyms.check_value(key) if key else ""


def _actions(settings: Settings) -> list[str]:
    """Codes of the catalogue's actions."""
    return sorted(action.code for action in settings.strategies.actions)


def _has(settings: Settings, table: str) -> bool:
    return bool(settings.business.sources.by_table()[table][1])


def _remove_stopped(settings: Settings) -> None:
    link = gate.quarantine_folder(settings)
    if link.is_symlink():
        shutil.rmtree(link.resolve(), ignore_errors=True)
        link.unlink()


@contextmanager
def _engine(folder: Path, inputs: list[RawInput]) -> Iterator[ibis.BaseBackend]:
    """Open a temporary DuckDB in the folder, which spills large inputs to disk."""
    paths = [path for each in inputs for path in (each.path, *(o.path for o in each.others))]
    spill = {"temp_directory": str(folder / "spill"), "memory_limit": MEMORY}
    con = connect(folder, folder / "work.duckdb", paths, **spill)
    try:
        with selects_unmerged():
            yield con
    finally:
        con.disconnect()
        gate.drop_work(folder)


def _write(
    con: Any,
    settings: Settings,
    staged: staging.Staged,
    folder: Path,
    earlier: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the tables; each step leaves its result in DuckDB for the next."""
    zone = zoneinfo.ZoneInfo(settings.business.timezone)
    extracted_on = settings.business.extracted_on or dt.datetime.now(zone).date()
    checks = _list_rules(settings, staged.tables, extracted_on)
    used = {table: _used(staged.files, table) for table in staged.tables}
    checked = {
        table: kept_rows.keep(
            con, _slim(rules.apply(rows, checks[table]), table, used[table]), folder
        )
        for table, rows in staged.tables.items()
    }
    found = row_regions.assign(con, settings, checked, staged.people)
    placed = {
        table: as_view(con, row_regions.add(con, table, rows, found.keys))
        for table, rows in checked.items()
    }
    checks = {table: [*each, *row_regions.rules_for(table)] for table, each in checks.items()}
    judged = _judge(placed, checked, checks, extracted_on)
    contents = itertools.chain(*staged.contents.values())
    if staged.hashed:
        staged.hashed.result()  # the gate reads them
    gate.check(con, settings, judged.rows, checks, judged.quality, contents, folder)
    span, incomplete = judged.span, judged.incomplete
    as_of = span.last - dt.timedelta(days=1) if incomplete else span.last
    if "contracts" in placed:
        placed["contracts"] = contracts.add_dates(placed["contracts"], as_of)
    for table, rows in placed.items():
        shown = shown_ids.show(rows, staged.people) if staged.people else rows
        n_rows = int(checked[table].count().execute())
        kept_rows.write(con, shown, n_rows, _final_columns(table, used[table]), folder / table)
    content = {
        "sampled_of": company_sample.write(con, folder, placed, found.n_customers)
        if "transactions" in placed
        else None,
        "extracted_on": extracted_on.isoformat(),
        "files": staged.files,
        "headers": gates.read_headers(settings),
        "regions": found.names,
        "imported": _imported(placed.get("indicators")),
        "notes": staged.notes,
        "first_day": span.first.isoformat(),
        "as_of": as_of.isoformat(),
        "incomplete_day": incomplete and {**incomplete._asdict(), "day": span.last.isoformat()},
        "rows_read": span.n_read,
        "rows_accepted": span.n_accepted,
    }
    return content | {"warnings": gates.check(settings, placed, content, earlier)}


def _judge(
    placed: Mapping[str, ir.Table],
    checked: Mapping[str, ir.Table],
    checks: Mapping[str, list[rules.Rule]],
    extracted_on: dt.date,
) -> Judged:
    """Count broken rules, and find the days that the accepted rows cover.

    placed : with the region of each row; checked : the same rows before it was looked up. Where no
        row lacks one, both have the same rules, and the latter are read in a fraction of the time
    """
    quality = {table: rules.count(rows, checks[table], table) for table, rows in placed.items()}
    rows = {
        table: placed[table] if row_regions.any_missing(quality[table]) else each
        for table, each in checked.items()
    }
    span = _find_span(rows, extracted_on)
    incomplete = None
    if "transactions" in rows:
        days = last_day.count_buyers(rows["transactions"], span.last)
        incomplete = last_day.find_incomplete(days)
    if incomplete:
        rule = table_rules.incomplete_day(incomplete.day)
        quality["last day"] = rules.count(placed["transactions"], [rule], "transactions")
    return Judged(rows, pd.concat(quality.values(), ignore_index=True), span, incomplete)


def _list_rules(
    settings: Settings, tables: Mapping[str, ir.Table], extracted_on: dt.date
) -> dict[str, list[rules.Rule]]:
    """Rules of each table, in the order of application."""
    duplicates, actions = settings.business.rules.duplicates, _actions(settings)
    by_table = settings.business.sources.by_table()
    checks = {
        table: [
            *status.rules(by_table[table][1]),
            *table_rules.rules_for(table, extracted_on, duplicates, actions),
            *column_rules.rules_for(table, settings, tables),
        ]
        for table in tables
    }
    if settings.business.identity and "customers_raw" in checks:
        checks["customers_raw"] = [*identity.RULES, *checks["customers_raw"]]
    return checks


def _used(files: list[dict[str, Any]], table: str) -> set[str]:
    """Columns of a table that its files have, or that are made from those."""
    used = {column for file in files if file["table"] == table for column in file["columns"]}
    made = {"transactions": {"amount"}, "contracts": contracts.ADDED}
    return used | made.get(table, set())


def _slim(rows: ir.Table, table: str, used: set[str]) -> ir.Table:
    """Leave out what no step after the rules needs; of contracts all is needed."""
    absent = set() if table == "contracts" else set(TABLES[table].columns) - used
    absent -= {*rules.PLACES, "customer_id"}
    done = {*absent, *(f"{name}_text" for name in absent), *rules.CARRIED, "repeated"}
    return rows.drop(*(name for name in rows.columns if name in done))


def _final_columns(table: str, used: set[str]) -> list[str]:
    """Columns of a prepared table: ours that the files have, and those of the business."""
    ours = [c for c in TABLES[table].columns if c in used and c != "region"]
    return [*ours, *sorted(used - set(TABLES[table].columns))]


def _imported(indicators: ir.Table | None) -> list[str]:
    """Names of the imported indicators with accepted rows, in any region."""
    if indicators is None:
        return []
    accepted = indicators.filter(indicators.rule.isnull())
    return sorted(accepted.select("name").distinct().to_pandas()["name"])


def _find_span(tables: Mapping[str, ir.Table], extracted_on: dt.date) -> Span:
    """Find the days of the accepted sales, without sales of the contracts, in one pass."""
    is_sales = "transactions" in tables
    rows = tables["transactions" if is_sales else "contracts"]
    rows = rows.filter(~rows.refunded) if "refunded" in rows.columns else rows
    is_good = rows.rule.isnull()
    counts = {"n_read": rows.count(), "n_accepted": is_good.sum().fill_null(0)}
    if is_sales:
        at = rows.ordered_at
        counts |= {"first": at.min(where=is_good), "last": at.max(where=is_good)}
    found = rows.aggregate(**counts).to_pandas().iloc[0]
    n_read, n_accepted = int(found["n_read"]), int(found["n_accepted"])
    if not n_accepted:
        return Span(extracted_on, extracted_on, n_read, 0)  # which the gate refuses
    if is_sales:
        return Span(found["first"].date(), found["last"].date(), n_read, n_accepted)
    return Span(*contracts.find_span(rows, extracted_on), n_read, n_accepted)
