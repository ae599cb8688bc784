"""Raw files to prepared tables, once for all regions, all or nothing.

The prepared folder holds `transactions/region=<key>/`, `customers_raw/region=<key>/`, the tables
`quality` and `quarantine`, and `prepared.json`. It is swapped in as a whole when all is good.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import os.path
import shutil
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
from ibis import ir

from cvm_analysis import __version__, atomic_folder
from cvm_analysis.errors import GateError
from cvm_analysis.intake import pseudonyms, regions, rules
from cvm_analysis.prepared import STAMP, stamp
from cvm_analysis.settings import DiscoveredRegions, Rules, Settings, Source
from cvm_analysis.sources import read
from cvm_analysis.tables import TABLES


def fingerprint(settings: Settings) -> str:
    """Sum up everything that decides the prepared tables: raw files, settings, key and code."""
    business = settings.business
    said = business.model_dump_json(
        include={"timezone", "pseudonyms", "extracted_on", "regions", "sources", "rules"}
    )
    files = [(name, read.digest(path)) for _, _, name, path in _sources(settings)]
    key = pseudonyms.pseudonym("", pseudonyms.key()) if business.pseudonyms else ""
    room = Path(__file__).parent
    rooms = (room, room.parent / "tables")
    code = [path.read_text("utf-8") for each in rooms for path in sorted(each.glob("*.py"))]
    parts = json.dumps([said, files, key, code, __version__])
    return hashlib.sha256(parts.encode()).hexdigest()


def prepare(settings: Settings, force: bool = False) -> bool:
    """Write the prepared tables where inputs or settings changed; say whether they did.

    Raises
    ------
    InputError : a file or column is missing, bytes cannot be decoded; nothing is written
    GateError : a rule's share of bad rows is above its limit; the quarantine is kept in a folder
        `<prepared>.stopped` and the tables prepared before stay
    """
    key = fingerprint(settings)
    if not force and stamp(settings).get("fingerprint") == key:
        _forget_stopped(settings)
        return False
    with atomic_folder.atomic_folder(settings.prepared.parent, settings.prepared.name) as folder:
        with _engine(folder) as con:
            content = _write(con, settings, folder) | {"fingerprint": key}
        (folder / STAMP).write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")
        atomic_folder.publish(folder, settings.prepared)
    _forget_stopped(settings)
    return True


def quarantine_folder(settings: Settings) -> Path:
    """Where the quarantine of a `prepare` that a gate stopped is kept, until the next good one."""
    return settings.prepared.with_name(settings.prepared.name + ".stopped")


def _forget_stopped(settings: Settings) -> None:
    kept = quarantine_folder(settings)
    if kept.is_symlink():
        folder = kept.resolve()
        kept.unlink()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _engine(folder: Path) -> Iterator[ibis.BaseBackend]:
    """A DuckDB of its own beside the tables, so that large inputs may spill to disk."""
    work = folder / "work.duckdb"
    con = ibis.duckdb.connect(work, temp_directory=str(folder / "spill"))
    try:
        yield con
    finally:
        con.disconnect()
        _drop_work(folder)


def _drop_work(folder: Path) -> None:
    shutil.rmtree(folder / "spill", ignore_errors=True)
    for leftover in folder.glob("work.*"):
        leftover.unlink()


def _sources(settings: Settings) -> list[tuple[str, Source, str, Path]]:
    """One row per raw file: its table, how it is described, its name in the config, its path."""
    return [
        (table, source, os.path.relpath(path, settings.path.parent), path)
        for table, (_, sources) in settings.business.sources.by_table().items()
        for source in sources
        for path in settings.find_files(source.files)
    ]


def _write(con: Any, settings: Settings, folder: Path) -> dict[str, Any]:
    """Fill the folder; each step leaves a table in the engine for the next."""
    zone = zoneinfo.ZoneInfo(settings.business.timezone)
    extracted_on = settings.business.extracted_on or dt.datetime.now(zone).date()
    files, read_tables = _stage(con, settings, folder)
    duplicates = settings.business.rules.duplicates
    asked = {table: rules.rules_for(table, extracted_on, duplicates) for table in read_tables}
    judged = {
        table: con.create_table(f"judged_{table}", rules.judge(rows, asked[table]))
        for table, rows in read_tables.items()
    }
    names = _place(con, settings, judged)
    placed = {table: _with_region(con, rows) for table, rows in judged.items()}
    _check(settings, placed, asked, folder)
    for table, rows in placed.items():
        used = {column for file in files if file["table"] == table for column in file["columns"]}
        _write_by_region(con, table, rows, used, folder)
    return {
        "extracted_on": extracted_on.isoformat(),
        "files": files,
        "regions": names,
        "imported": _imported(placed.get("indicators")),
        **_span(placed["transactions"]),
    }


def _stage(
    con: Any, settings: Settings, folder: Path
) -> tuple[list[dict[str, Any]], dict[str, ir.Table]]:
    """Read every file as text, type it, and put the files of a table one below the other."""
    files, parts = list[dict[str, Any]](), dict[str, list[ir.Table]]()
    for i, (table, source, name, path) in enumerate(_sources(settings)):
        columns = dict(source.columns)
        if table == "transactions" and isinstance(settings.business.regions, DiscoveredRegions):
            columns["sold_in"] = settings.business.regions.from_
        staged = folder / f"work.{i}.parquet"
        raw = read.stage(path, name, columns, source.encoding, staged, source.delimiter)
        files.append({"table": table, "columns": sorted(columns), **dataclasses.asdict(raw)})
        added = _added(settings, table)
        rows = rules.parse_columns(
            con.read_parquet(staged), table, raw.n_columns, source.formats, added
        )
        parts.setdefault(table, []).append(_with_region_keys(settings, table, source, rows))
    tables = {
        table: ibis.union(*rows) if len(rows) > 1 else rows[0] for table, rows in parts.items()
    }
    return files, _pseudonymised(con, tables) if settings.business.pseudonyms else tables


def _added(settings: Settings, table: str) -> list[str]:
    """Name the columns this business adds to a table, whichever of its files has them."""
    _, sources = settings.business.sources.by_table()[table]
    return sorted({name for s in sources for name in s.columns} - set(TABLES[table].columns))


def _with_region_keys(settings: Settings, table: str, source: Source, rows: ir.Table) -> ir.Table:
    """Turn the raw words for regions into keys; found regions are keyed once all are counted."""
    column = {"transactions": "sold_in", "customers_raw": "region"}.get(table)
    if column is None or isinstance(settings.business.regions, DiscoveredRegions):
        return rows
    named = settings.business.regions
    return rows.mutate({column: regions.assign_rows(rows[column], named, source.region)})


def _pseudonymised(con: Any, tables: dict[str, ir.Table]) -> dict[str, ir.Table]:
    key = pseudonyms.key()
    every = [rows.select("customer_id") for rows in tables.values()]
    union = ibis.union(*every) if len(every) > 1 else every[0]
    raw_ids = union.filter(union.customer_id.notnull()).distinct().to_pandas()["customer_id"]
    known = pd.DataFrame(
        {"raw_id": raw_ids, "pseudonym": [pseudonyms.pseudonym(raw, key) for raw in raw_ids]}
    )
    ids = con.create_table("ids", known)
    hidden = {}
    for table, rows in tables.items():
        joined = rows.left_join(ids, rows.customer_id == ids.raw_id)
        replaced = joined.mutate(customer_id=joined.pseudonym, customer_id_text=ibis.null("string"))
        hidden[table] = replaced.drop("raw_id", "pseudonym")
    return hidden


def _place(con: Any, settings: Settings, judged: dict[str, ir.Table]) -> dict[str, dict[str, str]]:
    """Leave the table `placed` (customer_id, region) and return the regions' names."""
    accepted = {table: rows.filter(rows.rule.isnull()) for table, rows in judged.items()}
    placed = regions.assign_customers(accepted["transactions"], accepted.get("customers_raw"))
    placed = con.create_table("placed", placed.filter(placed.region.notnull()))
    counts = placed.group_by("region").aggregate(n=placed.count()).to_pandas()
    known = settings.business.regions
    if isinstance(known, DiscoveredRegions):
        keys, names = regions.discover(dict(zip(counts["region"], counts["n"], strict=True)), known)
        renamed = placed.mutate(region=placed.region.cases(*keys.items()))
        con.create_table("placed", renamed.to_pandas(), overwrite=True)
        return names
    met = [key for key in known if key in set(counts["region"])]
    return {key: {"en": known[key].en, "zh": known[key].zh} for key in met}


def _with_region(con: Any, judged: ir.Table) -> ir.Table:
    """Give every row its customer's region; a row whose customer has none is quarantined."""
    rows = judged.drop("region") if "region" in judged.columns else judged
    placed = con.table("placed")
    joined = rows.left_join(placed, "customer_id").drop("customer_id_right")
    homeless = joined.region.isnull().ifelse(ibis.literal("no_region"), None)
    return joined.mutate(rule=joined.rule.coalesce(homeless))


def _check(
    settings: Settings,
    judged: dict[str, ir.Table],
    asked: dict[str, list[rules.Rule]],
    folder: Path,
) -> None:
    """Write `quality` and `quarantine`; GateError where a rule's share is above its limit."""
    all_rules = {table: [*asked[table], rules.no_region(table)] for table in judged}
    quality = pd.concat(
        [rules.count(rows, all_rules[table], table) for table, rows in judged.items()],
        ignore_index=True,
    )
    quality.to_parquet(folder / "quality.parquet", index=False)
    bad = [rules.quarantined(rows, all_rules[table]) for table, rows in judged.items()]
    rejected = ibis.union(*bad) if len(bad) > 1 else bad[0]
    rejected.order_by("file", "line").to_parquet(folder / "quarantine.parquet")
    limits = Rules().stop_above | settings.business.rules.stop_above
    limit = quality["check"].map(limits).fillna(limits["default"])
    over = quality[(quality["level"] == "error") & (quality["share"] > limit)]
    if over.empty:
        return
    _drop_work(folder)
    atomic_folder.publish(folder, quarantine_folder(settings))
    said = [
        f"  {row.check}: {row.n_rows:,} rows of {row.table} are {row.share:.1%}, "
        f"{limit[i]:.1%} are allowed"
        for i, row in zip(over.index, over.itertuples(), strict=True)
    ]
    raise GateError(
        f"{settings.path}: too many bad rows, nothing is published\n"
        + "\n".join(said)
        + f"\n  the rejected lines are kept: `cvm quarantine {settings.path}` shows them; "
        "mend the files, or raise the limit in rules.stop_above"
    )


def _write_by_region(con: Any, table: str, rows: ir.Table, used: set[str], folder: Path) -> None:
    """Write the accepted rows, one folder a region, with the columns that some file has."""
    wanted = used | {"amount"} if table == "transactions" else used
    known = [c for c in TABLES[table].columns if c in wanted and c != "region"]
    columns = [*known, *sorted(used - set(TABLES[table].columns))]
    accepted = rows.filter(rows.rule.isnull()).select("region", *columns)
    con.to_parquet(accepted, folder / table, partition_by="region")


def _imported(indicators: ir.Table | None) -> list[str]:
    """Name the imported figures of which a row was accepted, whichever region it is in."""
    if indicators is None:
        return []
    accepted = indicators.filter(indicators.rule.isnull())
    return sorted(accepted.select("name").distinct().to_pandas()["name"])


def _span(sales: ir.Table) -> dict[str, Any]:
    """First and last day of the accepted sales, and how many rows were read and accepted."""
    accepted = sales.filter(sales.rule.isnull())
    days = accepted.aggregate(
        first_day=accepted.ordered_at.date().min(), as_of=accepted.ordered_at.date().max()
    ).to_pandas()
    return {
        **{name: str(day.iloc[0])[:10] for name, day in days.items()},
        "rows_read": int(sales.count().execute()),
        "rows_accepted": int(accepted.count().execute()),
    }
