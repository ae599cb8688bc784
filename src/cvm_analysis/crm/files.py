"""Cells as the files of an export: CSV or xlsx, in parts of as many rows as the import takes."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from cvm_analysis.crm.fields import FIELDS, KEYS
from cvm_analysis.crm.systems import System

OWNER_ONLY = 0o600
REMOVED = ".removed"  # in the name of a file: rows that are no longer exported, by their key
SHEET_ROWS = 1_048_575  # of a workbook's sheet, below the heading


def write(
    folder: Path, kind: str, rows: pd.DataFrame, system: System, removed: bool = False
) -> Iterator[tuple[str, int]]:
    """Write the rows of a kind, and yield each file's name and number of rows; none without rows.

    removed : rows that are no longer exported, with their key alone
    """
    module = system.modules[kind]
    fields = [field for field in FIELDS[kind] if field in module.fields]
    fields = [field for field in fields if field in KEYS[kind]] if removed else fields
    constants = {} if removed else module.constants
    headed = rows[fields].assign(**constants).rename(columns=dict(module.fields))
    stem = f"{module.file}{REMOVED if removed else ''}"
    limit = system.content.rows or (SHEET_ROWS if system.content.format == "xlsx" else len(rows))
    for number, start in enumerate(range(0, len(rows), limit or 1), start=1):
        part = headed.iloc[start : start + limit]
        numbered = f"{stem}.{number}" if len(rows) > limit else stem
        name = f"{numbered}.{system.content.format}"
        _write(folder / name, part, system.content.format)
        yield name, len(part)


def write_csv(path: Path, rows: pd.DataFrame) -> None:
    """Write a CSV file that only its owner may read: UTF-8 with a mark, as spreadsheets need it."""
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
    with os.fdopen(opened, "w", encoding="utf-8-sig", newline="") as file:
        lines = csv.writer(file, lineterminator="\r\n")
        lines.writerow(rows.columns)
        lines.writerows(zip(*(rows[name].tolist() for name in rows), strict=True))


def _write(path: Path, rows: pd.DataFrame, form: str) -> None:
    if form == "csv":
        write_csv(path, rows)
        return
    import xlsxwriter

    path.touch(OWNER_ONLY)
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet()
        rows_of_texts = [tuple(rows.columns), *rows.itertuples(index=False, name=None)]
        for number, row in enumerate(rows_of_texts):
            for column, text in enumerate(row):
                sheet.write_string(number, column, text)
