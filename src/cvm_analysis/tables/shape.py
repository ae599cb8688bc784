"""What a table is: its grain, its key, and its columns with their units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal[
    "text", "count", "days", "weeks", "number", "share", "money", "date", "time", "yes_no"
]
NUMERIC = ("count", "days", "weeks", "number", "share", "money")


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


def count(says: str, optional: bool = False) -> Column:
    """A column of whole numbers."""
    return Column("count", says, optional)


def days(says: str, optional: bool = False) -> Column:
    """A column of days."""
    return Column("days", says, optional)


def weeks(says: str, optional: bool = False) -> Column:
    """A column of weeks."""
    return Column("weeks", says, optional)


def share(says: str, optional: bool = False) -> Column:
    """A column of shares and probabilities: 0.5 is half."""
    return Column("share", says, optional)


def number(says: str, optional: bool = False) -> Column:
    """A column of numbers in a unit of their own."""
    return Column("number", says, optional)


def money(says: str, optional: bool = False) -> Column:
    """A column of amounts in the config's currency."""
    return Column("money", says, optional)


def date(says: str, optional: bool = False) -> Column:
    """A column of dates."""
    return Column("date", says, optional)


CUSTOMER = text("pseudonym of the customer, the same in every region, run and date")
