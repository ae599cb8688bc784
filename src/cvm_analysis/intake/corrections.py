"""Cells of quarantined lines that somebody corrected: they take the place of those in the file.

A correction belongs to a line by its content, not its number: it holds as long as the line is in
the file, and no other line gets it. The files themselves stay as they are delivered.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from ibis import ir

from cvm_analysis import atomic_folder
from cvm_analysis.errors import InputError, nearest
from cvm_analysis.settings import Settings
from cvm_analysis.sources.read import with_digest
from cvm_analysis.spreadsheets import FORMULA, no_formula
from cvm_analysis.tables import own
from cvm_analysis.tables.raw import PEOPLE

FILE = "corrections.csv"  # in the ledger's folder: it cannot be made again from the raw files
COLUMNS = ["file", "digest", "column", "value"]
OWNER_ONLY = 0o600


def path(settings: Settings) -> Path:
    """The file of corrections of a business."""
    return settings.ledger / FILE


def read(settings: Settings) -> pd.DataFrame:
    """One row per corrected cell: COLUMNS; empty if there are none."""
    file = path(settings)
    if not file.is_file():
        return pd.DataFrame(columns=COLUMNS, dtype="string")
    return pd.read_csv(file, dtype="string", keep_default_na=False)


def shown(quarantine: pd.DataFrame) -> str:
    """Quarantine as CSV for a spreadsheet: without digests, nothing is calculated."""
    table = quarantine.drop(columns="digest")
    return str(table.map(no_formula).to_csv(index=False))


def from_edited(quarantine: pd.DataFrame, text: str) -> pd.DataFrame:
    """Corrections of an edited copy of what `shown` gives: of each row whose value was changed."""
    before = {(r.file, r.line): r for r in quarantine.fillna("").itertuples()}
    found = []
    for row in csv.DictReader(io.StringIO(text)):
        try:
            line = before[_as_written(row["file"]), int(row["line"])]
            value = _as_written(row["value"])
        except (KeyError, ValueError):
            raise InputError(
                f"no quarantined line {row.get('line')} of {row.get('file')}; edit a copy of what "
                "`cvm quarantine` prints, and change only the values"
            ) from None
        if value != str(line.value):
            found.append((line.file, line.digest, line.column, value))
    return _checked(pd.DataFrame(found, columns=COLUMNS))


def from_options(quarantine: pd.DataFrame, at: str, values: Mapping[str, str]) -> pd.DataFrame:
    """Corrections of one line, `file:line`; values : column -> what it should be."""
    file, _, line = at.rpartition(":")
    rows = quarantine[(quarantine["file"] == file) & (quarantine["line"].astype(str) == line)]
    if rows.empty:
        places = {f"{r.file}:{r.line}" for r in quarantine.itertuples()}
        raise InputError(f"no quarantined line {at}{nearest(at, places)}")
    digest = rows["digest"].iloc[0]
    found = [(file, digest, column, value) for column, value in values.items()]
    return _checked(pd.DataFrame(found, columns=COLUMNS))


def add(settings: Settings, new: pd.DataFrame) -> None:
    """Write corrections beside earlier ones; of the same cell the last one counts."""
    every = pd.concat([read(settings), new.astype("string")])
    last = every.drop_duplicates(["file", "digest", "column"], keep="last")
    settings.ledger.mkdir(parents=True, exist_ok=True)
    atomic_folder.write(path(settings), last.to_csv(index=False), OWNER_ONLY)


def apply(
    con: Any, text: ir.Table, content: ir.Table, name: str, corrections: pd.DataFrame
) -> ir.Table:
    """Put corrected cells into a staged file, by its name; content : all of its cells."""
    here = corrections[corrections["file"] == name]
    here = here.assign(column=here["column"].replace(own.to_outside(text.columns)))
    here = here[here["column"].isin(text.columns)]
    if here.empty:
        return text
    wide = here.pivot(index="digest", columns="column", values="value").add_prefix("new ")
    found = wide.reset_index().rename(columns={"digest": "corrected"}).astype("string")
    table = con.create_table(f"corrections of {name}", found)
    mended = with_digest(content).join(table, [("digest", "corrected")])
    mended = con.create_table(f"corrected lines of {name}", mended)
    joined = text.left_join(mended, ["file", "line"])
    cells = {each: joined[f"new {each}"].coalesce(joined[each]) for each in here["column"].unique()}
    return joined.mutate(**cells).select(*text.columns)


def _checked(found: pd.DataFrame) -> pd.DataFrame:
    hidden = sorted(set(found["column"]) & {*PEOPLE, "line"})
    if hidden:
        raise InputError(
            f"{hidden[0]} cannot be corrected here, as ids are not shown; correct the file"
        )
    if found.empty:
        raise InputError("nothing was changed; edit the column value")
    return found


def _as_written(cell: str) -> str:
    """Undo what keeps a spreadsheet from calculating a cell."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell
