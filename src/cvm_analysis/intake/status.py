"""Which rows of a source count: by status, no test orders, products only; refunds as returns.

A row that does not count is left out under a code (`left_out`) and counted in the table `quality`:
it is no error of the data, and stands in no quarantine.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator

import ibis
from ibis import ir

from cvm_analysis.intake.numbers import MONEY
from cvm_analysis.intake.parsing import parse_cell
from cvm_analysis.intake.rules import CARRIED, Rule
from cvm_analysis.settings import Filter, Source
from cvm_analysis.sources.joins import cell
from cvm_analysis.sources.read import PLACE
from cvm_analysis.tables import TABLES
from cvm_analysis.tables.shape import NUMERIC

IN_NEWER_FILE = "in_newer_file"  # see `overlap`
CODES = ("filtered", "test_order", "not_a_product", IN_NEWER_FILE)  # why a row does not count
RETURNED = ("amount", "quantity", "discount", "cost")  # of a line that is paid back


def columns(source: Source, currency: str | None = None) -> dict[str, str]:
    """Columns of the file that decide what counts, under names that no table has.

    currency : header of the currencies, if it has one
    """
    headers = [*(header for _, header in deciding(source)), *([currency] if currency else [])]
    return {cell(header): header for header in headers}


def deciding(source: Source) -> Iterator[tuple[str, str]]:
    """Yield each header that decides what counts, after the setting that names it."""
    for name in ("where", "test_orders", "not_products"):
        yield from ((name, header) for header in getattr(source, name))
    if refunds := source.refunds:
        named = (*refunds.when, refunds.amount, refunds.of)
        yield from (("refunds", header) for header in named if header)
    for name in ("fill_by", "currency"):
        if header := getattr(source, name):
            yield name, header


def fill(text: ir.Table, table: str, source: Source) -> ir.Table:
    """Fill empty cells of an order's later lines with those of its first line.

    A line without the order's number belongs to the order above. Numbers of `table` stay as they
    are: an amount of the order is none of each line.
    """
    if source.fill_by is None:
        return text
    kinds = {name: column.kind for name, column in TABLES[table].columns.items()}
    fixed = {*PLACE, *CARRIED, cell(source.fill_by)}
    names = [c for c in text.columns if c not in fixed and kinds.get(c) not in NUMERIC]
    order = text[cell(source.fill_by)].strip().nullif("")
    above = ibis.cumulative_window(group_by="file", order_by="line")
    text = text.mutate(order=order, nth_order=order.count().over(above))
    above = ibis.cumulative_window(group_by=["file", "nth_order"], order_by="line")
    text = text.mutate(order=text.order.coalesce(text.order.first().over(above)))
    window = ibis.cumulative_window(group_by=["file", "order"], order_by="line")
    cells = {name: text[name].strip().nullif("") for name in names}
    filled = {n: each.coalesce(each.first().over(window)) for n, each in cells.items()}
    return text.mutate(**filled).drop("order", "nth_order")


def mark(text: ir.Table, source: Source, currency: str | None = None) -> ir.Table:
    """Add what decides whether a row counts, and drop the columns that say so.

    left_out : a code of CODES, empty if the row counts; refund_share : the share of its amount that
    was paid back; currency : as written, empty if the file has none
    """
    excluded = [
        (_any(text, source.where, is_kept=False), "filtered"),
        (_any(text, source.test_orders), "test_order"),
        (_any(text, source.not_products), "not_a_product"),
    ]
    named = text[cell(currency)].strip().upper().nullif("") if currency else ibis.null("string")
    marked = text.mutate(
        left_out=ibis.cases(*excluded, else_=ibis.null("string")),
        refund_share=_refund_share(text, source),
        currency=named,
    )
    return marked.drop(*columns(source, currency))


def select(text: ir.Table, where: Filter) -> ir.Table:
    """Keep the rows whose cells are those of `where`."""
    return text.filter(~_any(text, where, is_kept=False)) if where else text


def _any(text: ir.Table, given: Filter, is_kept: bool = True) -> ir.BooleanValue:
    """Whether a cell is (`is_kept`), or is not, one of the words of its column."""
    found = []
    for header, words in given.items():
        word = text[cell(header)].strip().lower().fill_null("")
        only, others = ([word.strip().lower() for word in w] for w in (words.only, words.not_))
        matches = (word.isin(only) if only else ibis.literal(True)) & ~word.isin(others)
        found.append(matches if is_kept else ~matches)
    return functools.reduce(operator.or_, found, ibis.literal(False))


def _refund_share(text: ir.Table, source: Source) -> ir.Value:
    """The share of a row that was paid back: all of it by status, else as amounts say."""
    refunds = source.refunds
    if refunds is None:
        return ibis.null("float64")
    share = ibis.literal(0.0)
    if refunds.amount and refunds.of:
        back, paid = (
            parse_cell(text, cell(header), "money").cast("float64")
            for header in (refunds.amount, refunds.of)
        )
        share = (back.abs() / paid.nullif(0)).clip(0, 1).fill_null(0.0)
    full = _any(text, refunds.when)
    return ibis.ifelse(full & (share == 0), 1.0, share)


def add_returns(rows: ir.Table, has_refunds: bool) -> ir.Table:
    """Add a return, on the day of the order, for each line that counts and was paid back.

    Adds `refunded`: whether the row is such a return, which no file has.
    """
    if not has_refunds:
        return rows.mutate(refunded=False).drop("refund_share")
    share = rows.refund_share
    back = rows.filter(rows.left_out.isnull(), share > 0, rows.amount > 0)
    negative = {name: (-(back[name] * back.refund_share)).cast(MONEY) for name in RETURNED}
    returns = back.mutate(**negative, refunded=True)
    return rows.mutate(refunded=False).union(returns).drop("refund_share")


def rules(sources: tuple[Source, ...]) -> Iterator[Rule]:
    """Rules of a table whose rows do not all count, or that has refunds; first of all rules."""
    for code, setting in zip(CODES, ("where", "test_orders", "not_products"), strict=False):
        if any(getattr(source, setting) for source in sources):
            yield _left_out(code)
    if any(source.overlap == "newest" for source in sources):
        yield _left_out(IN_NEWER_FILE)
    if any(source.refunds for source in sources):
        yield Rule("refunded", "amount", "info", lambda t: t.refunded)
    if any(source.join for source in sources):
        yield Rule("unmatched", "line", "info", lambda t: t.unmatched)


def _left_out(code: str) -> Rule:
    return Rule(code, "line", "filter", lambda t: t.left_out == code)
