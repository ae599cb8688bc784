"""What a table is: its grain, its key, and its columns with their units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["text", "integer", "number", "money", "date", "time", "yes_no"]


class Column(NamedTuple):
    """A column: what kind of value, what it says, and whether a table may lack it."""

    kind: Kind
    says: str
    optional: bool = False


@dataclass(frozen=True)
class Table:
    """A table: its grain ("one row per ..."), the columns that name a row, and all columns."""

    grain: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    others: Kind | None = None  # the kind of columns a business may add; None: none


def text(says: str, optional: bool = False) -> Column:
    """A column of text or codes."""
    return Column("text", says, optional)


def integer(says: str, optional: bool = False) -> Column:
    """A column of whole numbers."""
    return Column("integer", says, optional)


def number(says: str, optional: bool = False) -> Column:
    """A column of numbers in a unit of their own."""
    return Column("number", says, optional)


def money(says: str, optional: bool = False) -> Column:
    """A column of amounts in the config's currency."""
    return Column("money", says, optional)


def date(says: str, optional: bool = False) -> Column:
    """A column of days."""
    return Column("date", says, optional)


CUSTOMER = text("pseudonym of the customer, the same in every region, run and date")
