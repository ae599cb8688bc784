"""Records as cells: every value as the text that the system's import takes, safe in a sheet."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.crm.fields import FIELDS, KEYS, Kind
from cvm_analysis.crm.systems import System
from cvm_analysis.spreadsheets import no_formula

READ = ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%b %d, %Y")
NUMBERS = ("money", "percent", "count")  # whole ones: a smaller change is none for a desk
IDS = ("customer_id", "task_id", "list_id")  # not changed but for formulas


def write(records: Mapping[str, pd.DataFrame], system: System) -> dict[str, pd.DataFrame]:
    """Write the records that a system takes as cells: kind -> table of texts, sorted by its key."""
    found = {}
    for kind, module in system.modules.items():
        cells = {
            field: _write_column(records[kind][field], field, FIELDS[kind][field], system)
            for field in module.fields
        }
        found[kind] = pd.DataFrame(cells, dtype=object).sort_values(
            list(KEYS[kind]), ignore_index=True
        )
    return found


def _write_column(values: pd.Series, field: str, kind: Kind, system: System) -> pd.Series:
    """Write each distinct value once."""
    numbers, distinct = pd.factorize(values)
    texts = [_write(value, field, kind, system) for value in distinct]
    return pd.Series(np.array([*texts, ""], dtype=object)[numbers], values.index)


def _write(value: Any, field: str, kind: Kind, system: System) -> str:
    content = system.content
    if kind == "date":
        return str(pd.Timestamp(value).strftime(content.dates))
    if kind in NUMBERS:
        return f"{value:.0f}" if np.isfinite(value) else ""
    safe = no_formula if content.format == "csv" else str  # cells of a workbook are texts anyhow
    if field in IDS:
        return str(safe(str(value)))
    given = content.values.get(field, {})
    parts = value if kind == "tags" else (value,)
    said = [_plain(given.get(part, part), content.not_allowed) for part in parts]
    if kind == "tags":
        said = [each.replace(content.tags, " ") for each in said]
    return str(safe(content.tags.join(said)))


def _plain(text: str, not_allowed: str) -> str:
    """One line, without the signs that the import refuses."""
    kept = text.translate(dict.fromkeys(map(ord, not_allowed), " "))
    return " ".join(kept.split())


def find_differences(ours: pd.Series, theirs: pd.Series, kind: Kind, system: System) -> pd.Series:
    """Whether cells say something else, however the CRM writes dates, numbers and tags."""
    differs = ours != theirs
    pairs = zip(ours[differs], theirs[differs], strict=True)
    meant = functools.cache(functools.partial(_read, kind=kind, tags=system.content.tags))
    differs[differs] = np.array([meant(a).isdisjoint(meant(b)) for a, b in pairs], dtype=bool)
    return differs


def _read(text: str, kind: Kind, tags: str) -> frozenset[Any]:
    """What a cell may mean: two cells that have a meaning in common are equal."""
    plain = text.strip().removeprefix("'")
    if kind == "tags":
        return frozenset({frozenset(each.strip() for each in plain.split(tags))})
    found: Iterable[Any] = (plain,)
    if kind == "date":
        found = _days(plain)
    elif kind in NUMBERS:
        found = _number(plain)
    return frozenset(found) or frozenset({plain})


def _days(text: str) -> Iterable[dt.date]:
    for day in (text, text.split(" ")[0]):
        for pattern in READ:
            try:
                yield dt.datetime.strptime(day, pattern).date()
            except ValueError:
                continue


def _number(text: str) -> Iterable[float]:
    kept = "".join(sign for sign in text if sign.isdigit() or sign in ".-")
    try:
        yield round(float(kept))
    except ValueError:
        return
