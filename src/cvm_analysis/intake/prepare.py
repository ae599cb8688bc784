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
import shutil
import zoneinfo
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import pandas as pd
from ibis import ir

from cvm_analysis import __version__, atomic_folder, owner
from cvm_analysis.errors import InputError
from cvm_analysis.intake import (
    cells,
    contracts,
    corrections,
    currencies,
    gate,
    gates,
    identity,
    ids,
    last_day,
    masking,
    overlap,
    pseudonyms,
    quality_scores,
    raw_files,
    regions,
    repeats,
    rules,
    shown_ids,
    status,
)
from cvm_analysis.intake.raw_files import RawInput
from cvm_analysis.personal import known
from cvm_analysis.prepared import STAMP, describe_owner, is_whole, size, stamp
from cvm_analysis.queries import connect
from cvm_analysis.settings import (
    ContractSource,
    CustomerSource,
    DiscoveredRegions,
    Settings,
    Source,
)
from cvm_analysis.sources import formats, joins, read
from cvm_analysis.tables import TABLES, own

IDS = ids.PEOPLE  # columns that get pseudonyms
REPEATING = ("transactions", "points")  # tables in which equal lines are reported
BY_ACTION = ("campaign_members", "contact_log")  # tables whose rules know the catalogue's actions
PLACED_BY = {
    **{"transactions": "sold_in", "customers_raw": "region", "contracts": "sold_in"},
    **{"leads": "region"},
}
MEMORY = "3GB"  # of the engine; more is spilled to disk
LAST_DAYS = ibis.interval(days=100)  # more than `last_day` compares
OWN_REGION = ("leads",)  # tables whose rows without a customer stay in the region they name


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
    atomic_folder.clean(settings.prepared.parent, settings.prepared)
    key = fingerprint(settings, inputs)
    if not force and _is_prepared(settings, key):
        _remove_stopped(settings)
        return False
    with _made(settings, inputs, key) as folder:
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
def _made(settings: Settings, inputs: list[RawInput], key: str) -> Iterator[Path]:
    """Make the tables in a folder beside the prepared one, which goes unless it is published."""
    earlier = stamp(settings)
    with atomic_folder.atomic_folder(settings.prepared.parent, settings.prepared.name) as folder:
        with _engine(folder, inputs) as con:
            content = _write(con, settings, inputs, folder, earlier)
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
        yield con
    finally:
        con.disconnect()
        gate.drop_work(folder)


def _write(
    con: Any,
    settings: Settings,
    inputs: list[RawInput],
    folder: Path,
    earlier: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the tables; each step leaves its result in DuckDB for the next."""
    zone = zoneinfo.ZoneInfo(settings.business.timezone)
    extracted_on = settings.business.extracted_on or dt.datetime.now(zone).date()
    files, read_tables, contents, notes = _stage(con, settings, inputs, folder)
    duplicates, actions = settings.business.rules.duplicates, _actions(settings)
    by_table = settings.business.sources.by_table()
    checks = {
        table: [
            *status.rules(by_table[table][1]),
            *rules.rules_for(table, extracted_on, duplicates, actions),
        ]
        for table in read_tables
    }
    if settings.business.identity and "customers_raw" in checks:
        checks["customers_raw"] = [*identity.RULES, *checks["customers_raw"]]
    used = {table: _used(files, table) for table in read_tables}
    checked = {
        table: _view(con, _slim(rules.apply(rows, checks[table]), table, used[table]))
        for table, rows in read_tables.items()
    }
    names, keys = _assign_regions(con, settings, checked)
    placed = {
        table: _keep(con, _with_region(con, table, rows, keys), folder)
        for table, rows in checked.items()
    }
    sales = placed.get("transactions")
    incomplete = None if sales is None else last_day.find_incomplete(_count_buyers(sales))
    if incomplete:
        checks["transactions"] = [*checks["transactions"], rules.incomplete_day(incomplete.day)]
    gate.check(con, settings, placed, checks, itertools.chain(*contents.values()), folder)
    span = _span(placed, extracted_on, incomplete)
    if "contracts" in placed:
        as_of = dt.date.fromisoformat(span["as_of"])
        placed["contracts"] = contracts.add_dates(placed["contracts"], as_of)
    for table, rows in placed.items():
        _write_by_region(con, table, rows, used[table], folder)
    content = {
        "extracted_on": extracted_on.isoformat(),
        "files": files,
        "headers": gates.read_headers(settings),
        "regions": names,
        "imported": _imported(placed.get("indicators")),
        "notes": notes,
        **span,
    }
    return content | {"warnings": gates.check(settings, placed, content, earlier)}


def _view(con: Any, rows: ir.Table) -> ir.Table:
    """Give a long expression a name: Ibis writes all of it anew wherever it is used."""
    return con.create_view(ibis.util.gen_name("step"), rows).cast(rows.schema())


def _keep(con: Any, rows: ir.Table, folder: Path) -> ir.Table:
    """Compute rows once, in the order of the files.

    Parquet is written three times as fast as a table of the engine.
    """
    path = folder / f"work.{ibis.util.gen_name('kept')}.parquet"
    rows.order_by("file", "line").to_parquet(path)
    return con.read_parquet(path)


def _used(files: list[dict[str, Any]], table: str) -> set[str]:
    """Columns of a table that its files have, or that are made from those."""
    used = {column for file in files if file["table"] == table for column in file["columns"]}
    made = {"transactions": {"amount"}, "contracts": contracts.ADDED}
    return used | made.get(table, set())


def _slim(rows: ir.Table, table: str, used: set[str]) -> ir.Table:
    """Leave out what no step after the rules needs; of contracts all is needed."""
    absent = set() if table == "contracts" else set(TABLES[table].columns) - used
    absent -= {*rules.PLACES, "customer_id"}
    done = {*absent, *(f"{name}_text" for name in absent), *rules.CARRIED, "ragged", "repeated"}
    return rows.drop(*(name for name in rows.columns if name in done))


def _stage(
    con: Any, settings: Settings, inputs: list[RawInput], folder: Path
) -> tuple[list[dict[str, Any]], dict[str, ir.Table], dict[str, list[ir.Table]], list[str]]:
    """Read every file, parse its cells, and stack the files of each table.

    Also returns the contents of the files of each table, and notes on what a user should know.
    """
    files, parts = list[dict[str, Any]](), dict[str, list[ir.Table]]()
    contents = dict[str, list[ir.Table]]()
    personal, people, notes = list[ir.Table](), list[pd.DataFrame](), list[str]()
    mended = corrections.read(settings)
    for i, each in enumerate(inputs):
        staged = _read(con, settings, each, folder / f"work.{i}.parquet", mended)
        files += staged.files
        personal += staged.personal
        people += staged.people
        notes += staged.notes
        parts.setdefault(each.table, []).append(staged.rows)
        contents.setdefault(each.table, []).append(staged.content)
    tables = {table: _view(con, _stack(rows)) for table, rows in parts.items()}
    if "transactions" in tables:
        sales = _count_once(con, settings, inputs, tables["transactions"])
        tables["transactions"] = _view(con, sales)
    if "contracts" in tables:
        contracts.check_status(tables["contracts"], settings)
    notes += ids.report_forms(tables, settings.business.sources.main_table)
    merges = identity.find(pd.concat(people), settings.business.identity) if people else None
    if merges is not None:
        tables["customers_raw"] = identity.mark(tables["customers_raw"], merges)
    found = shown_ids.find(con, tables) if settings.business.pseudonyms or merges else None
    for table in set(REPEATING) & set(tables):
        tables[table] = repeats.mark(con, table, tables[table], contents[table])
    shown = _show(con, settings, tables, personal, found, merges, folder)
    return files, {t: _view(con, rows) for t, rows in shown.items()}, contents, notes


def _show(
    con: Any,
    settings: Settings,
    tables: dict[str, ir.Table],
    personal: list[ir.Table],
    ids: ir.Table | None,
    merges: identity.Merges | None,
    folder: Path,
) -> dict[str, ir.Table]:
    """Mask texts, replace ids by those that are shown, and keep hashes of what is hidden.

    ids : of people, where they are not shown as they are
    """
    is_hidden = settings.business.pseudonyms
    records = masking.collect(personal)
    if set(masking.TEXTS) & set(tables):
        hidden = ids.raw_id.to_pandas() if is_hidden and ids is not None else records["value"][:0]
        both = pd.concat([records, masking.as_records(hidden)])
        tables = masking.mask_tables(con, tables, both)
    if ids is None:
        return tables
    if is_hidden:
        ids = shown_ids.hide(con, ids, folder / "work.ids.parquet")
        values = itertools.chain(records["value"], shown_ids.still_hidden(ids))
        known.save(folder, values, known.derive(pseudonyms.key()))
    if merges:
        ids = shown_ids.unite(con, ids, merges, folder)
    return shown_ids.replace(con, tables, ids)


class _Staged(NamedTuple):
    """A file that was read: its parsed rows, all its cells, its record and those joined to it."""

    rows: ir.Table
    content: ir.Table
    files: list[dict[str, Any]]
    personal: list[ir.Table]  # customer_id and value of each column that is masked
    people: list[pd.DataFrame]  # of customer records: what tells that two are one person
    notes: list[str]  # what is left out, and what does not meet


def _read(
    con: Any, settings: Settings, each: RawInput, staged: Path, mended: pd.DataFrame
) -> _Staged:
    """Read a file, and parse its cells into the columns of its table."""
    table, source = each.table, each.source
    columns = {own.to_inside(table, ours): theirs for ours, theirs in source.columns.items()}
    named = settings.business.regions
    if table == settings.business.sources.main_table and isinstance(named, DiscoveredRegions):
        columns["sold_in"] = named.from_
    hidden, currency = masking.hidden_columns(source), _find_currency(each)
    wanted = columns | hidden | status.columns(source, currency)
    file = (each.path, each.name, raw_files.options(source))
    is_mended = (mended["file"] == each.name).any()  # corrections are texts
    typed = {} if is_mended else cells.typed(table, columns, source)
    joined = joins.stage(con, file, wanted, list(each.others), staged, typed)
    cells.check(joined.rows, table, columns, source, each.name)
    text = corrections.apply(con, joined.rows, joined.content, each.name, mended)
    text = _view(con, ids.clean(status.fill(text, table, source)))
    personal = [text.select("customer_id", value=column) for column in hidden]
    text = status.mark(text, source, currency)
    if isinstance(source, ContractSource):
        meant = {own.to_inside(table, ours): each for ours, each in source.values.items()}
        text = contracts.replace_words(text, meant, source.decimal)
    first, *others = map(dataclasses.asdict, joined.files)
    added = _added_columns(settings, table)
    reading = rules.Reading(
        source.decimal, settings.business.timezone, in_sheet=first["encoding"] == "xlsx"
    )
    rows = rules.parse_columns(text, table, first["n_columns"], source.formats, added, reading)
    if isinstance(source, ContractSource):
        rows = contracts.read_tenure(rows, source)
    people = []
    if isinstance(source, CustomerSource) and settings.business.identity:
        people.append(identity.read(text, rows, source, settings))
    files = [{"table": table, "columns": sorted(columns), **first}]
    files += [{"table": "", "columns": [], **other} for other in others]
    placed = _view(con, _with_region_keys(settings, table, source, rows))
    left_out = [f"{file.name}: {note}" for file in joined.files for note in file.notes]
    return _Staged(placed, joined.content, files, personal, people, [*left_out, *joined.notes])


def _find_currency(each: RawInput) -> str | None:
    """The header of the currencies of order lines: as the config says, else by its name."""
    source = each.source
    if each.table != "transactions" or source.currency:
        return source.currency
    return currencies.find_header(formats.header(each.path, **raw_files.options(source)))


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


def _stack(tables: list[ir.Table]) -> ir.Table:
    return reduce(ir.Table.union, tables)


def _added_columns(settings: Settings, table: str) -> list[str]:
    """Names of the columns that the business adds to a table, in any of its files."""
    _, sources = settings.business.sources.by_table()[table]
    added = {name for s in sources for name in s.columns} - set(TABLES[table].columns)
    return sorted(own.to_inside(table, name) for name in added)


def _with_region_keys(settings: Settings, table: str, source: Source, rows: ir.Table) -> ir.Table:
    """Replace raw names of regions by keys; discovered regions get theirs after counting."""
    column = PLACED_BY.get(table)
    if column is None or isinstance(settings.business.regions, DiscoveredRegions):
        return rows
    named = settings.business.regions
    return rows.mutate({column: regions.assign_rows(rows[column], named, source.region)})


def _assign_regions(
    con: Any, settings: Settings, checked: dict[str, ir.Table]
) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Create the table `placed` (customer_id, region).

    Returns the regions' names, and the key of each word of a raw column that is discovered.
    """
    accepted = {table: rows.filter(rows.rule.isnull()) for table, rows in checked.items()}
    placed = regions.assign_customers(accepted)
    placed = con.create_table("placed", placed.filter(placed.region.notnull()))
    counts = placed.group_by("region").aggregate(n=placed.count()).to_pandas()
    known = settings.business.regions
    if isinstance(known, DiscoveredRegions):
        keys, names = regions.discover(dict(zip(counts["region"], counts["n"], strict=True)), known)
        if keys:
            renamed = placed.mutate(region=placed.region.cases(*keys.items()))
            con.create_table("placed", renamed.to_pandas(), overwrite=True)
        return names, keys
    found = set(counts["region"])
    return {k: {"en": each.en, "zh": each.zh} for k, each in known.items() if k in found}, {}


def _with_region(con: Any, table: str, checked: ir.Table, keys: dict[str, str]) -> ir.Table:
    """Add the customer's region to every row; without one the row is quarantined.

    Rows of OWN_REGION stay in the region they name, those of rules.ANYWHERE are kept without one.

    `counted_in` is that region, else the row's own: where a row without a customer is counted.
    """
    column = next((each for each in ("sold_in", "region") if each in checked.columns), None)
    own = checked[column] if column else ibis.null("string")
    if keys:
        own = own.cases(*keys.items(), else_=ibis.null("string"))
    rows = checked.mutate(counted_in=own)
    rows = rows.drop("region") if "region" in rows.columns else rows
    joined = rows.left_join(con.table("placed"), "customer_id").drop("customer_id_right")
    if table in OWN_REGION:
        joined = joined.mutate(region=joined.region.coalesce(joined.counted_in))
    no_region = joined.region.isnull().ifelse(ibis.literal("no_region"), None)
    if table in rules.ANYWHERE:
        no_region = ibis.null("string")
    return joined.mutate(
        rule=joined.rule.coalesce(no_region), counted_in=joined.region.coalesce(joined.counted_in)
    )


def _write_by_region(con: Any, table: str, rows: ir.Table, used: set[str], folder: Path) -> None:
    """Write the accepted rows, one folder per region, with the columns of the files."""
    ours = [c for c in TABLES[table].columns if c in used and c != "region"]
    columns = [*ours, *sorted(used - set(TABLES[table].columns))]
    accepted = rows.filter(rows.rule.isnull()).select("region", *columns)
    con.raw_sql("SET threads = 1")  # several would write the rows of a region in any order
    con.to_parquet(accepted, folder / table, partition_by="region")
    con.raw_sql("RESET threads")


def _imported(indicators: ir.Table | None) -> list[str]:
    """Names of the imported indicators with accepted rows, in any region."""
    if indicators is None:
        return []
    accepted = indicators.filter(indicators.rule.isnull())
    return sorted(accepted.select("name").distinct().to_pandas()["name"])


def _count_buyers(sales: ir.Table) -> pd.DataFrame:
    """One row per day with an accepted line, as `last_day.find_incomplete` takes it."""
    accepted = sales.filter(sales.rule.isnull())
    last_days = accepted.ordered_at >= accepted.ordered_at.max().as_scalar() - LAST_DAYS
    accepted = accepted.filter(last_days)
    days = accepted.group_by(day=accepted.ordered_at.date()).aggregate(
        n_buyers=accepted.customer_id.nunique(where=accepted.amount > 0),
        last=accepted.ordered_at.max(where=accepted.amount > 0),
    )
    found = days.to_pandas().set_index("day")
    found.index = pd.to_datetime(found.index)
    last = pd.to_datetime(found["last"]) - found.index.to_series()
    return found.assign(last_hour=last.dt.total_seconds() / 3600).drop(columns="last")


def _span(
    tables: Mapping[str, ir.Table], extracted_on: dt.date, incomplete: last_day.Incomplete | None
) -> dict[str, Any]:
    """First and last complete day of the accepted sales, and the numbers of rows.

    Without sales, those of the contracts.
    """
    table = "transactions" if "transactions" in tables else "contracts"
    rows = tables[table]
    rows = rows.filter(~rows.refunded) if "refunded" in rows.columns else rows
    accepted = rows.filter(rows.rule.isnull())
    n_accepted = int(accepted.count().execute())
    if table == "transactions":
        day = accepted.ordered_at.date()
        days = accepted.aggregate(first=day.min(), last=day.max()).to_pandas()
        first, last = (dt.date.fromisoformat(str(days[name].iloc[0])[:10]) for name in days)
    else:
        first, last = contracts.find_span(rows, extracted_on)
    return {
        "first_day": first.isoformat(),
        "as_of": (last - dt.timedelta(days=1) if incomplete else last).isoformat(),
        "incomplete_day": incomplete and {**incomplete._asdict(), "day": last.isoformat()},
        "rows_read": int(rows.count().execute()),
        "rows_accepted": n_accepted,
    }
