"""How a CSV is laid out: its delimiter, and the line of its header; its rows of cells."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cvm_analysis.errors import InputError
from cvm_analysis.sources.layout import Record, find_header

DELIMITERS = {  # the first one in a tie
    **{"tab": "\t", "semicolon": ";", "pipe": "|", "comma": ",", "spaces": " "},
}
SEP_LINE = re.compile(r'"?sep=(.)"?[,;|\t]*\s*', re.IGNORECASE)  # a first line for Excel
SWALLOWED = 2  # lines within one cell that look like rows: a quote did not close


class Dialect(NamedTuple):
    """The delimiter of a CSV, a key of DELIMITERS, and the line on which its header ends."""

    delimiter: str
    header_line: int


def detect(lines: list[str], stated: str | None = None) -> Dialect:
    """Detect the layout from the first lines of a file.

    The delimiter is the stated one, that of a line `sep=;`, or the one that splits the most lines
    into as many cells as the header.
    """
    sep = SEP_LINE.fullmatch(lines[0]) if lines else None
    signs = {sign: name for name, sign in DELIMITERS.items()}
    known = stated or (signs.get(sep[1]) if sep else None)
    n_equal, at = dict[str, int](), dict[str, int]()
    for name in [known] if known else DELIMITERS:
        rows = list(_complete(lines, name, skip=1 if sep else 0))
        place = find_header([row for _, row in rows])
        widths = [len(row) for _, row in rows[place:]]
        at[name] = rows[place][0] if rows else 1
        if widths and widths[0] > 1:
            n_equal[name] = widths[1:].count(widths[0])
    if len(n_equal) > 1:
        n_equal.pop("spaces", None)  # headers may have several words
    best = known or max(n_equal, key=lambda name: n_equal[name], default="comma")
    return Dialect(best, at[best])


def _complete(lines: list[str], delimiter: str, skip: int) -> Iterator[Record]:
    """Rows of the first lines, those of them that can be split."""
    reader = split(lines, delimiter, strict=False)
    try:
        for row in reader:
            if any(row) and reader.line_num > skip:
                yield reader.line_num, row
    except csv.Error:
        return  # such as a cell that is too long: reported where the rows are read


def split(lines: Iterable[str], delimiter: str, *, strict: bool) -> Any:
    """Split lines into cells; with `spaces`, several blanks or tabs count as one."""
    if delimiter == "spaces":
        blanks = re.compile(r"[ \t]+")
        lines = (blanks.sub(" ", line.strip(" \t\r\n")) + "\n" for line in lines)
    return csv.reader(lines, delimiter=DELIMITERS[delimiter], strict=strict)


def records(
    path: Path, lines: Iterable[str], dialect: Dialect, n_before: int = 0, width: int = 0
) -> Iterator[Record]:
    """Yield the header and all rows below it that are not blank.

    n_before, width : lines before these, and cells of the header, if that was read already

    Raises
    ------
    InputError : a quote that does not close, with the line on which it opens
    """
    reader = split(lines, dialect.delimiter, strict=True)
    last = n_before
    try:
        for row in reader:
            begin, last = last + 1, n_before + reader.line_num
            if not any(row) or last < dialect.header_line:
                continue
            width = width or len(row)
            if last - begin >= SWALLOWED and _swallows(row, width, dialect.delimiter):
                raise InputError(_open_quote(path, begin, f"it closes on line {last:,}"))
            yield last, row
    except csv.Error as error:
        raise InputError(_open_quote(path, last + 1, str(error))) from None


def _swallows(row: list[str], width: int, delimiter: str) -> bool:
    """Whether a cell holds lines that look like rows of the table."""
    sign = DELIMITERS[delimiter]
    alike = (line for cell in row for line in cell.splitlines() if line.count(sign) == width - 1)
    return width > 1 and sum(1 for _ in alike) >= SWALLOWED


def _open_quote(path: Path, line: int, said: str) -> str:
    return (
        f"{path} line {line:,}: a quote opens here and is not closed properly ({said}); "
        "remove it, or double the quotes within the cell"
    )
