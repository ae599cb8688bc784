"""The newest published report of each region, as records for a CRM."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from cvm_analysis import atomic_folder, owner
from cvm_analysis.crm import records
from cvm_analysis.errors import InputError
from cvm_analysis.report.writer import Writer
from cvm_analysis.run import marker, published, status
from cvm_analysis.settings import Settings
from cvm_analysis.tables import ALL, TABLES
from cvm_analysis.texts import words

NEEDED = ("customers", "segments", "value", "churn", "actions", "next_products")


class Report(NamedTuple):
    """A region's newest report: the link to its folder, and its run.json."""

    region: str
    link: Path
    made: Mapping[str, Any]


def find(settings: Settings, out: Path) -> list[Report]:
    """Find the newest report of each region of a business.

    Raises
    ------
    InputError : the folder is another business's, or has no reports; a region has none, or a
        damaged one: its customers would seem to have left
    """
    if not out.is_dir():
        raise InputError(f"{out}: no such folder; `cvm run` publishes reports, --out names theirs")
    if found := owner.read(out / marker.MARKER, owner.Owner, f"{out} belongs to {settings.path}"):
        own = owner.describe(settings.business.business, settings.path, out)
        owner.refuse_another(out, found, own, marker.OTHER_OUT)
    states = [each for each in status.judge(out, dt.datetime.now(dt.UTC)) if each.region != ALL]
    current = [each for each in states if each.state != "former"]
    wrong = [each for each in current if each.state in ("failed", "damaged")]
    if wrong or not current:
        said = [f"{each.region}: {'; '.join(each.problems)}" for each in wrong]
        raise InputError(
            f"{out}: {', '.join(said) or 'no report of a region'}; run `cvm run {settings.path}`"
        )
    newest = {each.region: next(published.reports(out / each.region)) for each in current}
    return [Report(region, *found) for region, found in sorted(newest.items())]


def read(settings: Settings, report: Report, language: str) -> dict[str, pd.DataFrame]:
    """Read the records of a region, in words of a language; InputError if a table is missing."""
    times = settings.value.horizon_weeks, settings.segments.period_days
    say = words(language, settings.words, *times)
    writer = Writer(say, settings.business.currency)
    as_of = dt.date.fromisoformat(report.made["as_of"])
    with atomic_folder.kept(report.link) as folder:
        tables = {name: table for name in NEEDED if (table := _table(folder, name)) is not None}
    if missing := [name for name in NEEDED if name not in tables]:
        raise InputError(f"{report.link}: no table {', '.join(missing)}, which a CRM would get")
    name = report.made.get("names", {}).get(language, report.region)
    return records.make(writer, tables, name, as_of)


def _table(folder: Path, name: str) -> pd.DataFrame | None:
    path = folder / "desk" / "tables" / f"{name}.parquet"
    return pd.read_parquet(path).set_index(list(TABLES[name].key)) if path.is_file() else None
