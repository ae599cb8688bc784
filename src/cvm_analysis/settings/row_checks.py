"""What a source must say about its rows: where they are, how they are joined, which count."""

from __future__ import annotations

from collections.abc import Iterator

from cvm_analysis.settings.shape import Place, Source

Problem = tuple[tuple[str, ...], str]  # the setting within the source, and what is wrong
SALES_ONLY = ("refunds", "currency", "overlap")  # settings of order lines


def find_problems(source: Source, table: str) -> Iterator[Problem]:
    """Find wrong settings of a source of `table`."""
    yield from _place(source, ())
    for i, join in enumerate(source.join):
        yield from _place(join, ("join", str(i)))
    if table != "transactions":
        for name in SALES_ONLY:
            if getattr(source, name) is not None:
                yield (name,), f"{name} is for order lines (sources.transactions) only"
    refunds = source.refunds
    if refunds and bool(refunds.amount) != bool(refunds.of):
        yield ("refunds",), "refunds need both `amount` (paid back) and `of` (paid), or `when`"


def _place(place: Place, at: tuple[str, ...]) -> Iterator[Problem]:
    """Find what is wrong with where rows are: files, or a table or query of a database."""
    if bool(place.files) == bool(place.source):
        said = "keep one of the settings 'files' and 'source'" if place.files else ""
        yield (*at, "files"), said or "the setting 'files' (or 'source') is missing"
    if place.source and "://" not in place.source:
        yield (*at, "source"), "write the URL of a database, such as postgres://host/database"
    if place.source and bool(place.table) == bool(place.query):
        yield (*at, "source"), "a database needs either `table` or `query`"
    if place.files and (place.table or place.query):
        yield (*at, "files"), "`table` and `query` are for databases (source: ...)"
