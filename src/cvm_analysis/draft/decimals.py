"""How the numbers of a column write decimals: `1.234,56`, `1,234.56`, or in doubt `9,450`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal, NamedTuple

COMMA = re.compile(r"(\d{1,3}(\.\d{3})+|\d+),\d+")
POINT = re.compile(r"(\d{1,3}(,\d{3})+|\d+)\.\d+")
DOUBTFUL = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


class Decimals(NamedTuple):
    """What cells of a column show.

    sign : empty without decimals, or where one cell contradicts another
    example : a cell that shows it
    doubtful : a cell such as `9,450`, if no other one decides; empty if none is
    """

    sign: Literal["", "comma", "point"]
    example: str = ""
    doubtful: str = ""


def find_decimals(cells: Iterable[str]) -> Decimals:
    """Find the decimal sign of cells; `9,450` counts only where no other cell decides."""
    first = dict[str, str]()
    for cell in cells:
        number = _digits(cell)
        if DOUBTFUL.fullmatch(number):
            first.setdefault("doubtful", cell)
        elif COMMA.fullmatch(number):
            first.setdefault("comma", cell)
        elif POINT.fullmatch(number):
            first.setdefault("point", cell)
    if "comma" in first and "point" not in first:
        return Decimals("comma", first["comma"])
    if "point" in first and "comma" not in first:
        return Decimals("point", first["point"])
    return Decimals("", doubtful=first.get("doubtful", ""))


def swap(cell: str) -> str:
    """Write a number with a decimal comma with a point, without its thousands separators."""
    number = _digits(cell)
    if not COMMA.fullmatch(number):
        return cell
    sign = "-" if re.match(r"\D*[-\u2212(]", unicodedata.normalize("NFKC", cell)) else ""
    return sign + number.replace(".", "").replace(",", ".")


def _digits(cell: str) -> str:
    """A number without the sign and the currency around it."""
    plain = unicodedata.normalize("NFKC", cell).strip()
    return re.sub(r"^[^\d]{0,5}|[^\d]{0,5}$", "", plain)
