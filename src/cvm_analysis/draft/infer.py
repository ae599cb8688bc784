"""Which table a raw file holds, and which of its columns corresponds to which of ours.

Header names decide (`synonyms`) where the cells are of the column's kind. Otherwise the content may
identify order lines: dates, amounts with decimals, ids that repeat.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cvm_analysis.draft.preview import Column, Preview
from cvm_analysis.draft.synonyms import headers, match, region_headers
from cvm_analysis.intake.table_rules import FEEDBACK
from cvm_analysis.tables import TABLES

Columns = dict[str, Column]
MAX_REGIONS = 100  # distinct words
ROWS_PER_REGION = 5  # at least
FEW_ORDERS = 3  # of several lines, to tell an order's total from chance
MIN_SAME = 0.9  # share of them


@dataclass(frozen=True)
class Guess:
    """The table that a file probably holds.

    table : a key of TABLES; empty if none fits
    unsure : our columns that were identified by content alone
    region : the column of regions, if any
    order_total : an amount that is the same on all lines of an order, if any
    missing : what order lines would need and these lack; a file without a table lacks some
    """

    file: Preview
    table: str
    columns: Columns  # ours -> theirs
    unsure: frozenset[str] = frozenset()
    region: Column | None = None
    missing: tuple[str, ...] = ()
    order_total: Column | None = None

    @property
    def unused(self) -> list[str]:
        """Headers that match none of our columns."""
        used = {column.header for column in self.columns.values()}
        used |= {self.region.header} if self.region else set()
        return [header for header in self.file.columns if header not in used]


def infer(file: Preview) -> Guess:
    """Guess what a file is."""
    mapped = {table: match_names(file, table) for table in headers()}
    fitting = [table for table, columns in mapped.items() if _fits(table, columns)]
    if fitting:
        table = max(fitting, key=lambda table: _count(mapped[table]))
        columns = mapped[table]
        total = _order_total(file, columns) if table == "transactions" else None
        if total and {"quantity", "unit_price"} <= columns.keys():
            del columns["amount"]
        unsure, region = _doubtful(table, columns), _region(file, columns)
        return Guess(file, table, columns, unsure, region, order_total=total)
    columns = _by_content(file, mapped["transactions"])
    if _fits("transactions", columns):
        unsure = frozenset(columns) - frozenset(mapped["transactions"])
        return Guess(file, "transactions", columns, unsure, _region(file, columns))
    return Guess(file, "", {}, missing=tuple(_missing(file, mapped["transactions"])))


def read_as_sales(each: Guess) -> Guess:
    """Read a file that fits no table as order lines that lack columns."""
    columns = match_names(each.file, "transactions")
    unsure = _doubtful("transactions", columns)
    region = _region(each.file, columns)
    missing = tuple(_missing(each.file, columns))
    return Guess(each.file, "transactions", columns, unsure, region, missing)


def _order_total(file: Preview, columns: Columns) -> Column | None:
    """Find an amount that belongs to the order: only on its first line, or the same on all lines.

    Equal amounts count where the lines have other products, quantities or prices.
    """
    if not {"amount", "order_id"} <= columns.keys():
        return None
    of_line = [c for c in columns if c in ("product", "product_id", "quantity", "unit_price")]
    of_line = [ours for ours in of_line if columns[ours].header in file.header]
    headers = [columns[ours].header for ours in ("order_id", "amount", *of_line)]
    orders: dict[str, list[tuple[str, ...]]] = {}
    for order, *cells in file.read(*headers):
        orders.setdefault(order, []).append(tuple(cells))
    several = [lines for order, lines in orders.items() if order and len(set(lines)) > 1]
    same = [lines for lines in several if len({amount for amount, *_ in lines} - {""}) == 1]
    is_total = len(same) >= MIN_SAME * len(several) and len(several) >= FEW_ORDERS
    return columns["amount"] if is_total else None


def _doubtful(table: str, columns: Columns) -> frozenset[str]:
    """Doubt an amount that is called a price: it may be the price of one piece."""
    priced = table == "transactions" and "amount" in columns
    prices = headers()["transactions"]["unit_price"]
    doubted = priced and match([columns["amount"].header], prices)
    return frozenset({"amount"} if doubted else ())


def match_names(file: Preview, table: str) -> Columns:
    """Match each of our columns to the best free header whose cells are of its kind.

    An optional column may be empty.
    """
    mapped: Columns = {}
    for ours, names in headers()[table].items():
        taken = {column.header for column in mapped.values()}
        known = [file.columns[header] for header in match(file.columns, names)]
        fitting = [c for c in known if c.header not in taken and _is_kind(c, table, ours)]
        if fitting:
            mapped[ours] = fitting[0]
    is_sale = table == "transactions"
    if is_sale and "unit_price" in mapped and not {"amount", "quantity"} & {*mapped}:
        mapped["amount"] = mapped.pop("unit_price")  # a price alone is what was paid
    return mapped


def _is_kind(column: Column, table: str, ours: str) -> bool:
    spec = TABLES[table].columns[ours]
    if not column.cells:
        return spec.optional
    if spec.kind in ("date", "time"):
        return column.dates is not None
    if spec.kind == "yes_no":
        return column.is_yes_no
    return spec.kind == "text" or column.is_number


def _fits(table: str, columns: Columns) -> bool:
    """Whether the columns suffice for a table and distinguish it from the others."""
    if find_needed(table, columns):
        return False
    if table == "feedback":
        return set(columns["kind"].distinct) <= set(FEEDBACK) or _count(columns) > 3
    if table == "customers_raw":
        ids = columns["customer_id"]
        return len(columns) > 1 and len(ids.distinct) >= 0.99 * len(ids.cells)
    return True


def _count(columns: Columns) -> int:
    """Count the columns that tell a table; feedback's subjects are also columns of order lines."""
    return sum(not name.startswith("about_") for name in columns)


def find_needed(table: str, columns: Columns) -> list[str]:
    """Name the required columns that are missing."""
    needed = [c for c, spec in TABLES[table].columns.items() if not spec.optional]
    made = {"amount"} if {"quantity", "unit_price"} <= set(columns) else set()
    return [name for name in needed if name not in columns and name not in made]


def _by_content(file: Preview, known: Columns) -> Columns:
    """Identify missing columns of order lines by their cells."""
    used = {column.header for column in known.values()}
    free = [column for header, column in file.columns.items() if header not in used]
    looks = {
        "ordered_at": lambda c: c.dates is not None,
        "amount": lambda c: c.has_decimals and c.dates is None,
        "customer_id": _repeats_like_ids,
    }
    mapped = dict(known)
    for ours in find_needed("transactions", known):
        fitting = [column for column in free if looks[ours](column)]
        if fitting:
            mapped[ours] = max(fitting, key=lambda column: len(column.distinct))
            free.remove(mapped[ours])
    return mapped


def _repeats_like_ids(column: Column) -> bool:
    """Whether cells are short codes with digits that repeat, neither dates nor decimals."""
    n, few = len(column.cells), column.distinct[:100]
    coded = sum(any(sign.isdigit() for sign in cell) and len(cell) <= 40 for cell in few)
    repeats = 0.01 * n < len(column.distinct) < 0.95 * n
    return repeats and coded >= 0.9 * len(few) and not column.has_decimals and column.dates is None


def _region(file: Preview, columns: Columns) -> Column | None:
    """Find the column of regions: a header of regions and few distinct words."""
    taken = {column.header for column in columns.values()}
    for header in match(file.columns, region_headers()):
        column = file.columns[header]
        n_words = len(column.distinct)
        few = 2 <= n_words <= min(MAX_REGIONS, max(len(column.cells) / ROWS_PER_REGION, 2))
        if header not in taken and few:
            return column
    return None


def _missing(file: Preview, columns: Columns) -> Iterable[str]:
    """Say what order lines need and this file lacks, and which header does not fit its cells."""
    for ours in find_needed("transactions", columns):
        known = match(file.columns, headers()["transactions"][ours])
        named = [file.columns[header] for header in known]
        odd = [column for column in named if not _is_kind(column, "transactions", ours)]
        name = "amount (or quantity and unit_price)" if ours == "amount" else ours
        yield f"no {name}" + (f": '{odd[0].header}' contains {_example(odd[0])}" if odd else "")


def _example(column: Column) -> str:
    return f"'{column.not_number or column.cells[0]}'" if column.cells else "nothing"
