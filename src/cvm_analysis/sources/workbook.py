"""Sheets of an xlsx file as rows of text.

All visible sheets with the header of the largest one are read, one below the other; of others, and
of hidden ones, a note says that they are left out. A source may name its sheet instead.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import python_calamine
from python_calamine import SheetTypeEnum, SheetVisibleEnum

from cvm_analysis.errors import InputError, nearest
from cvm_analysis.sources.cell_text import number_text
from cvm_analysis.sources.compressed import damaged
from cvm_analysis.sources.layout import Record, find_header

ROUNDED = 10**15  # spreadsheets store 15 digits
LARGEST = 30_000_000  # cells from the first to the last of a sheet
LOOK = 200  # rows to find the header in


class Sheet(NamedTuple):
    """A sheet that was read: its name, header and rows, each as wide as the sheet."""

    name: str
    header: list[str]
    records: list[Record]


def read(path: Path, sheet: str | None, decimal: str | None) -> tuple[list[Sheet], list[str]]:
    """Read the sheets of one table, and notes on those left out.

    InputError : no workbook, no such sheet, a cell far from the others, numbers that lost digits
    """
    try:
        with damaged(path):
            _check_size(path)
            return _read(path, sheet, decimal)
    except python_calamine.CalamineError as error:
        raise InputError(f"{path}: not an xlsx file that can be read ({error})") from None


def _read(path: Path, sheet: str | None, decimal: str | None) -> tuple[list[Sheet], list[str]]:
    book = python_calamine.CalamineWorkbook.from_path(path)
    pages = [each for each in book.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
    names = [each.name for each in pages]
    if sheet is not None and sheet not in names:
        raise InputError(f"{path}: no sheet '{sheet}'{nearest(sheet, names)}")
    shown = [each.name for each in pages if each.visible == SheetVisibleEnum.Visible]
    wanted = [sheet] if sheet is not None else shown
    found = [_sheet(book, name, decimal) for name in wanted]
    filled = [each for each in found if each.header]
    sizes: dict[tuple[str, ...], int] = {}
    for each in filled:
        sizes[tuple(each.header)] = sizes.get(tuple(each.header), 0) + len(each.records)
    header = max(sizes, key=lambda key: sizes[key], default=())
    alike = [each for each in filled if tuple(each.header) == header]
    _check_digits(path, alike)
    others = [each.name for each in filled if tuple(each.header) != header]
    notes = [f"sheet '{name}' has other columns and is left out" for name in others]
    if sheet is None:
        hidden = [name for name in names if name not in shown]
        notes += [f"hidden sheet '{name}' is left out" for name in hidden]
    return alike, [f"{note}; name it with `sheet:` to read it" for note in notes]


def _sheet(book: Any, name: str, decimal: str | None) -> Sheet:
    """Read a sheet; its header ends with the last filled cell."""
    rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    texts = [
        (line, [_cell_text(cell, decimal) for cell in row]) for line, row in enumerate(rows, 1)
    ]
    filled = [(line, row) for line, row in texts if any(cell.strip() for cell in row)]
    if not filled:
        return Sheet(name, [], [])
    place = find_header([row for _, row in filled[:LOOK]])
    header = [cell.strip() for cell in filled[place][1]]
    while header and not header[-1]:
        header.pop()
    return Sheet(name, header, filled[place + 1 :])


def _cell_text(cell: Any, decimal: str | None) -> str:
    """Write a cell as in a CSV: whole numbers without a point, ISO dates."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return cell.isoformat(" ") if isinstance(cell, dt.datetime) else str(cell)
    return f"rounded {cell:.0f}" if abs(cell) >= ROUNDED else number_text(cell, decimal)


def _check_digits(path: Path, sheets: list[Sheet]) -> None:
    rounded = [
        line
        for sheet in sheets
        for line, row in sheet.records
        for cell in row
        if cell.startswith("rounded ")
    ]
    if rounded:
        raise InputError(
            f"{path}: {len(rounded):,} numbers have more than 15 digits, the first on line "
            f"{rounded[0]:,}; the sheet has rounded them: export ids as text"
        )


def _check_size(path: Path) -> None:
    """Raise InputError if a cell lies so far out that the sheet would not fit in memory."""
    try:
        book = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        return  # reported by the reader
    with book:
        for entry in book.infolist():
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", entry.filename):
                columns, last = _extent(book, entry)
                if _number_of(columns) * last > LARGEST:
                    raise InputError(
                        f"{path}: a cell stands far outside the table (the sheet reaches to column "
                        f"{columns}, row {last:,}); delete the rows and columns around the table"
                    )


def _extent(book: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[str, int]:
    """Letters of the last column and number of the last row of a sheet."""
    columns, last = {"A"}, 1
    for text in _blocks(book, entry):
        cells = re.findall(rb'<c\s[^<>]*?\br="([A-Z]{1,3})(\d{1,7})"', text)
        columns |= {name.decode() for name in {column for column, _ in cells}}
        last = max([last, *map(int, {row for _, row in cells})])
    return max(columns, key=_number_of), last


def _blocks(book: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Blocks of a sheet's XML, cut between tags."""
    rest = b""
    with book.open(entry) as file:
        while block := file.read(1 << 20):
            head, cut, rest_of = (rest + block).rpartition(b"<")
            yield head
            rest = cut + rest_of
    yield rest


def _number_of(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
