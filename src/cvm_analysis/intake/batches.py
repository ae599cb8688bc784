"""Raw files that are written alike, as one table, such as a file for each day.

The engine takes longer to plan how a table is parsed than to parse some thousand rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cvm_analysis.intake import cells, currencies, masking, raw_files, staged_files, status
from cvm_analysis.intake.raw_files import RawInput
from cvm_analysis.settings import DiscoveredRegions, Settings, Source
from cvm_analysis.sources import formats, joins, read
from cvm_analysis.tables import own

# In which the sources of a batch may differ: where the files are, and how their cells are found.
APART = {"files", "region", "columns", "encoding", "delimiter", "sheet"}


class Batch(NamedTuple):
    """Files of a table with the same columns, which are written alike, and their rows.

    source : of the first; regions : of each file, empty if rows name theirs; columns : of ours;
    hidden, currency : columns of personal values, and the header of the currency
    """

    table: str
    source: Source
    names: list[str]
    regions: list[str]
    columns: list[str]
    hidden: list[str]
    currency: str | None
    joined: joins.Joined


class _Wanted(NamedTuple):
    """What is read of a file: our columns, hidden ones, and all, each with its header."""

    columns: dict[str, str]
    hidden: dict[str, str]
    currency: str | None
    every: dict[str, str]


class _File(NamedTuple):
    """A raw file that was read; places : of headers, if others are joined, beside `to`."""

    raw: RawInput
    wanted: _Wanted
    cells: read.Cells
    places: dict[str, int]
    to: Path


def read_all(
    con: Any,
    settings: Settings,
    inputs: Iterable[RawInput],
    folder: Path,
    kept: Path | None,
    corrected: Collection[str],
) -> Iterator[Batch]:
    """Read the raw files, and give those that are written alike together.

    `folder`, `kept` : as in `staging.stage`; corrected : names of files that stay alone
    """
    alike = dict[str, list[_File]]()
    for number, each in enumerate(inputs):
        to = staged_files.place(each, number, folder, kept)
        file = _read(each, _want(settings, each), to)
        alike.setdefault(_likeness(file, corrected), []).append(file)
    for files in alike.values():
        yield _batch(con, files, corrected)


def _read(each: RawInput, wanted: _Wanted, to: Path) -> _File:
    options, places, mine = raw_files.options(each.source), dict[str, int](), wanted.every
    if each.others:
        places = joins.find_places(each.path, options, wanted.every, list(each.others))
        mine = {joins.cell(header): header for header, number in places.items() if number == 0}
    return _File(each, wanted, read.write(each.path, each.name, mine, to=to, **options), places, to)


def _likeness(file: _File, corrected: Collection[str]) -> str:
    """What files share whose cells are parsed together."""
    raw, wanted, found = file.raw, file.wanted, file.cells
    if raw.name in corrected:
        return f"{raw.table} {raw.name}"
    kind = found.file.encoding
    types = found.types if kind == read.PARQUET else kind == "xlsx"  # which have dates of their own
    columns = wanted.every if raw.others else [sorted(wanted.every), wanted.currency]
    source = raw.source.model_dump(exclude=APART)
    return repr((raw.table, columns, file.places, types, raw.source.region is None, source))


def _batch(con: Any, files: list[_File], corrected: Collection[str]) -> Batch:
    raw, wanted, _, places, to = files[0]
    found = [each.cells for each in files]
    if raw.others:
        joined = joins.join(con, found, wanted.every, places, list(raw.others), to)
    else:
        is_text = raw.source.fill_by or raw.name in corrected  # what is filled in is text
        typed = {} if is_text else cells.typed(raw.table, wanted.columns, raw.source)
        joined = joins.alone(con, found, typed)
    names = [each.raw.name for each in files]
    regions = [each.raw.source.region or "" for each in files]
    columns, hidden = sorted(wanted.columns), sorted(wanted.hidden)
    return Batch(raw.table, raw.source, names, regions, columns, hidden, wanted.currency, joined)


def _want(settings: Settings, each: RawInput) -> _Wanted:
    source, named = each.source, settings.business.regions
    columns = {own.to_inside(each.table, ours): theirs for ours, theirs in source.columns.items()}
    if each.table == settings.business.sources.main_table and isinstance(named, DiscoveredRegions):
        columns["sold_in"] = named.from_
    hidden, currency = masking.hidden_columns(source), _find_currency(each)
    every = columns | hidden | status.columns(source, currency)
    return _Wanted(columns, hidden, currency, every)


def _find_currency(each: RawInput) -> str | None:
    """The header of the currencies of order lines: as the config says, else by its name."""
    source = each.source
    if each.table != "transactions" or source.currency:
        return source.currency
    return currencies.find_header(formats.header(each.path, **raw_files.options(source)))
