"""What a table is: its grain, its key, and its columns with their units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
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
    """A table: its grain ("one row per ..."), the columns that name a row, and all columns.

    company : what region `all` reports, after its own analysis: its `own` table, the `rows` of all
        regions together, the same `beside` its own, or the `sums` over regions of the rows that
        share a key
    """

    grain: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    others: Kind | None = None  # the kind of columns a business may add; None: none
    company: Literal["own", "rows", "beside", "sums"] = "own"


text = partial(Column, "text")  # text or codes
count = partial(Column, "count")  # whole numbers
days = partial(Column, "days")
weeks = partial(Column, "weeks")
share = partial(Column, "share")  # shares and probabilities: 0.5 is half
number = partial(Column, "number")  # numbers in a unit of their own
money = partial(Column, "money")  # amounts in the config's currency
date = partial(Column, "date")
time = partial(Column, "time")
yes_no = partial(Column, "yes_no")
CUSTOMER = text("pseudonym of the customer, the same in every region, run and date")
