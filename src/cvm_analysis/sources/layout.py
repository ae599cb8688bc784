"""Where a table begins and ends in a file: title lines above the header, total rows below."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence

Record = tuple[int, list[str]]  # the line it ends on (lines count from 1), and its cells
TITLES = 20  # rows above a header, at most
FILLED = 0.75  # share of the usual number of filled cells that a header has, at least
TOTALS = {
    *("total", "totals", "grand total", "sum", "subtotal", "overall"),
    *("summe", "gesamt", "gesamtsumme", "total général", "totale", "suma", "totaal"),
    *("总计", "合计", "总和", "小计", "共计", "汇总"),
}


def find_header(rows: Sequence[list[str]]) -> int:
    """Position of the header among the first rows of a file; 0 where there is no title above.

    A title fills fewer cells than usual; a header has no cell that is a number.
    """
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    usual = statistics.median(filled or [0])
    for place, n in enumerate(filled[:TITLES]):
        if n >= FILLED * usual and (n > 1 or usual <= 1):
            return 0 if any(_is_number(cell) for cell in rows[place]) else place
    return 0


def describe_header(header: Sequence[str]) -> str:
    """Say which columns a file has; cells of data in place of a header are not shown."""
    if is_data(header):
        return "its first line looks like data; add a line of headers above it"
    return f"the file has {', '.join(header)}"


def is_data(row: Sequence[str]) -> bool:
    """Whether a row has a number or an e-mail address, as no header has."""
    return any(_is_number(cell) or "@" in cell for cell in row)


def _is_number(cell: str) -> bool:
    return bool(cell) and cell.strip().lstrip("+-").replace(".", "").replace(",", "").isdecimal()


def without_totals(records: Iterable[Record], notes: list[str]) -> Iterator[Record]:
    """Leave out total rows at the end, and note each; such rows elsewhere are rows."""
    held = list[Record]()
    for record in records:
        if _is_total(record[1]):
            held.append(record)
        else:
            yield from held
            held = []
            yield record
    for line, row in held:
        word = next(cell for cell in row if cell.strip())
        notes.append(f"line {line:,} is left out: a total row ('{word.strip()}')")


def _is_total(row: list[str]) -> bool:
    """Whether a row begins with a word for a total, and some of its cells are empty."""
    first = next((cell for cell in row if cell.strip()), "")
    return first.strip(" :：").casefold() in TOTALS and not all(row)
