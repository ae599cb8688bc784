"""Lists as one Excel workbook: a sheet per list, to filter, sort and fill in.

Texts stay texts: nothing from the data becomes a formula or a link. The same lists of the same day
give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import io
import math
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from cvm_analysis import tables
from cvm_analysis.report.writer import Writer
from cvm_analysis.spreadsheets import is_formula
from cvm_analysis.texts import Words

MOST_ROWS = 1_048_575  # of a sheet, below its heading
NARROWEST, WIDEST = 9, 44  # letters of a column
LOOKED_AT = 300  # rows whose texts decide the width of a column
A4 = 9  # xlsxwriter's number of the paper
HEADING = {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#eef2f6"}
PLAIN = {"share": "0%", "date": "yyyy-mm-dd", "number": "#,##0.0"}  # by kind; else whole numbers


def write(writer: Writer, lists: Mapping[str, pd.DataFrame], title: str, as_of: dt.date) -> bytes:
    """Return a workbook with one sheet per list; one with more rows than a sheet holds is divided.

    lists : name under `report.lists` in the texts -> list, one row per line; columns of dates,
        numbers and texts, headed by `columns` in the texts
    title : of the file's properties; as_of : the day it bears as its own
    """
    import xlsxwriter

    content = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(content, options)
    created = dt.datetime.combine(as_of, dt.time())
    book.set_properties({"title": title, "created": created})
    formats = _Formats(book, writer.say.sign(writer.currency))
    for name, table in lists.items():
        heading = writer.say(f"report.lists.{name}")
        for part, rows in enumerate(_parts(table), start=1):
            sheet = book.add_worksheet(heading if part == 1 else f"{heading} {part}")
            _fill(sheet, rows, formats, writer.say)
    book.close()
    return content.getvalue()


class _Formats:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Any, sign: str) -> None:
        self.book, self.made = book, {}  # type: ignore[var-annotated]
        self.money = f'"{sign}"#,##0'
        self.heading = book.add_format(HEADING)
        self.text = book.add_format({"quote_prefix": True})  # as if typed with an apostrophe

    def choose(self, kind: str) -> Any:
        """Return the format of a kind of column."""
        if kind not in self.made:
            plain = self.money if kind == "money" else PLAIN.get(kind, "#,##0")
            self.made[kind] = self.book.add_format({"num_format": plain})
        return self.made[kind]


def _parts(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Divide a list into what fits a sheet; an empty list is one part."""
    for start in range(0, max(len(table), 1), MOST_ROWS):
        yield table.iloc[start : start + MOST_ROWS]


def _fill(sheet: Any, table: pd.DataFrame, formats: _Formats, say: Words) -> None:
    """Write heading and rows, top down, as the rows of a large sheet are not kept."""
    headings = [_heading(str(column), say) for column in table]
    kinds = [_kind(str(name), values) for name, values in table.items()]
    for i, (name, heading) in enumerate(zip(table, headings, strict=True)):
        sheet.set_column(i, i, _width(heading, table[name], kinds[i]))
    _arrange(sheet, table)
    for i, heading in enumerate(headings):
        sheet.write_string(0, i, heading, formats.heading)
    for number, row in enumerate(table.itertuples(index=False, name=None), start=1):
        for i, value in enumerate(row):
            _write_cell(sheet, number, i, value, kinds[i], formats)


def _arrange(sheet: Any, table: pd.DataFrame) -> None:
    """Keep heading and customer in sight, filter all columns, fit the width of a sheet of paper."""
    columns = list(table)
    at = columns.index("customer_id") if "customer_id" in columns else 0
    sheet.freeze_panes(1, at + 1)
    sheet.autofilter(0, 0, len(table), max(len(columns) - 1, 0))
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{len(table) + 1}"})
    sheet.set_row(0, 32)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _write_cell(
    sheet: Any, row: int, column: int, value: Any, kind: str, formats: _Formats
) -> None:
    """Write a value as what it is; an empty one leaves the cell empty."""
    if pd.isna(value) or value == "" or (isinstance(value, float) and math.isinf(value)):
        return
    if kind == "text":
        text = str(value)
        sheet.write_string(row, column, text, formats.text if is_formula(text) else None)
    elif kind == "date":
        sheet.write_datetime(row, column, value.to_pydatetime(), formats.choose(kind))
    else:
        sheet.write_number(row, column, float(value), formats.choose(kind))


def _kind(name: str, values: pd.Series) -> str:
    """Tell how a column is written: by its type, numbers by the kind of their name."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return "text"
    kind = tables.kind(name)
    is_whole = kind in ("number", "text", "date") and bool((values.dropna() % 1 == 0).all())
    return "count" if is_whole else kind


def _heading(column: str, say: Words) -> str:
    """Return the heading of a column; an attribute of the business's own is named by itself."""
    key = f"columns.{column}"
    name = say(key) if key in say else say.measure(column)
    return name[:1].upper() + name[1:]


def _width(heading: str, values: pd.Series, kind: str) -> float:
    """Return the width of a column in letters; a heading may take two lines."""
    texts = values.head(LOOKED_AT).dropna().astype(str) if kind == "text" else ()
    longest = max(map(_letters, texts), default=0)
    return float(min(WIDEST, max(NARROWEST, longest, math.ceil(0.62 * _letters(heading)) + 2)) + 1)


def _letters(text: str) -> int:
    """Return how many letters' room a text takes; a Chinese character takes that of two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
