"""The gate: how many rows broke which rule, and whether that stops the run.

Writes the tables `quality` and `quarantine` into the prepared folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
from ibis import ir

from cvm_analysis import atomic_folder
from cvm_analysis.errors import GateError
from cvm_analysis.intake import masking, pseudonyms, rules, table_rules
from cvm_analysis.personal import known
from cvm_analysis.queries import union_all
from cvm_analysis.settings import Rules, Settings
from cvm_analysis.sources import read
from cvm_analysis.tables import ALL

KEPT = ("quality", "quarantine")  # tables of a run that was stopped


def quarantine_folder(settings: Settings) -> Path:
    """The folder of the quarantine after a GateError, until the next successful `prepare`."""
    return settings.prepared.with_name(settings.prepared.name + ".stopped")


def drop_work(folder: Path) -> None:
    """Remove the engine's temporary files."""
    shutil.rmtree(folder / "spill", ignore_errors=True)
    for leftover in folder.glob("work.*"):
        leftover.unlink()


def check(
    con: Any,
    settings: Settings,
    checked: Mapping[str, ir.Table],
    checks: Mapping[str, list[rules.Rule]],
    quality: pd.DataFrame,
    contents: Iterable[ir.Table],
    folder: Path,
) -> None:
    """Write `quality` (by region and of all) and `quarantine`; contents : of the raw files.

    GateError if too many rows, over all regions, break a rule, or if no row of the main table is
    accepted; tables of table_rules.UNLIMITED have no limit.
    """
    quality.to_parquet(folder / "quality.parquet", index=False)
    rejected = {table: rules.quarantine(rows, checks[table]) for table, rows in checked.items()}
    stacked = con.create_table("rejected", union_all([*rejected.values()]))
    if settings.business.pseudonyms:
        stacked = _mask(con, stacked, folder)
    digests = read.digests(contents, stacked.select("file", "line"))
    rows = stacked.left_join(digests, ["file", "line"]).select(*stacked.columns, "digest")
    rows.order_by("file", "line").to_parquet(folder / "quarantine.parquet")
    errors = quality[(quality["region"] == ALL) & (quality["level"] == "error")]
    limits = Rules().stop_above | settings.business.rules.stop_above
    errors = errors.assign(limit=errors["check"].map(limits).fillna(limits["default"]))
    limited = ~errors["table"].isin(table_rules.UNLIMITED)
    limited &= ~errors["check"].isin(table_rules.UNLIMITED_CHECKS)
    over = errors[limited & (errors["share"] > errors["limit"])]
    main = settings.business.sources.main_table
    broken = errors[(errors["table"] == main) & (errors["n_rows"] > 0)]
    if over.empty and _has_good_row(checked[main], list(broken["check"])):
        return
    stopping = broken if over.empty else over
    is_shown = not settings.business.pseudonyms
    places = [_first(rejected[row.table], row.check, is_shown) for row in stopping.itertuples()]
    drop_work(folder)
    for other in {*folder.iterdir()} - {folder / f"{name}.parquet" for name in KEPT}:
        other.unlink()  # hashes and merges of persons
    atomic_folder.publish(folder, quarantine_folder(settings))
    raise GateError(_message(settings, stopping, places))


def _has_good_row(rows: ir.Table, broken: list[str]) -> bool:
    """Whether a row breaks none of the rules."""
    good = rows.filter(~rows.rule.isin(broken).fill_null(False)).limit(1)
    return int(good.count().execute()) > 0


def _mask(con: Any, rejected: ir.Table, folder: Path) -> ir.Table:
    """Hide values that are personal, or e-mail addresses: people stand in wrong columns, too."""
    values = rejected.filter(rejected.value.notnull()).select("value").distinct().to_pandas()
    if values.empty:
        return rejected
    hidden = known.load(folder, known.derive(pseudonyms.key()))
    is_personal = [bool(masking.EMAIL.search(v)) or hidden.has(v) for v in values["value"]]
    masked = con.create_table("personal", values[is_personal].astype("string"))
    is_hidden = rejected.value.isin(masked.value).fill_null(False)
    return rejected.mutate(value=ibis.ifelse(is_hidden, masking.MARK, rejected.value))


def _first(rejected: ir.Table, rule: str, is_shown: bool) -> str:
    """Where the first row stands that breaks a rule, and its value if values may be shown."""
    broken = rejected.filter(rejected.rule == rule).order_by("file", "line").limit(1)
    row = next(broken.to_pandas().itertuples())
    value = f": '{row.value}'" if is_shown and isinstance(row.value, str) else ""
    return f"line {row.line:,} of {row.file}{value}"


def _message(settings: Settings, over: pd.DataFrame, places: list[str]) -> str:
    lines = [
        f"  {row.check}: {row.n_rows:,} rows of {row.table} are {row.share:.1%}, "
        f"{row.limit:.1%} are allowed; the first is {place}"
        for row, place in zip(over.itertuples(), places, strict=True)
    ]
    what = "too many bad rows" if (over["share"] > over["limit"]).any() else "no row is accepted"
    return (
        f"{settings.path}: {what}, nothing is published\n"
        + "\n".join(lines)
        + f"\n  `cvm quarantine {settings.path}` shows the rejected lines; "
        "correct the files, or raise the limit in rules.stop_above"
    )
