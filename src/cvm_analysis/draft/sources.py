"""The drafted `regions` and `sources`: which file is what, which header stands for which column."""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cvm_analysis.draft.infer import Guess
from cvm_analysis.draft.preview import Column, Dates, Preview, looks_chinese
from cvm_analysis.draft.synonyms import KNOWN_REGIONS
from cvm_analysis.draft.yaml_comments import line, text
from cvm_analysis.intake.regions import slug
from cvm_analysis.intake.rules import FEEDBACK
from cvm_analysis.tables import TABLES

GRAINS = {
    ("transactions", "transactions"): "one row per order line",
    ("customers", "customers_raw"): "one row per person",
    ("feedback", "feedback"): "one row per answer or complaint",
    ("contracts", "contracts"): "one row per contract",
    ("indicators", "indicators"): "one row per customer, day and figure",
}
OURS = {"transactions": "sold_in", "customers_raw": "region"}  # our columns of a row's region
POOL_BELOW = 50  # customers


@dataclass(frozen=True)
class Locations:
    """How regions are told.

    shared : the header of regions that all sales have, if they do
    words : the raw words for regions, none if no file has a column of them
    by_record : whether customer records say a customer's region
    """

    shared: str
    words: tuple[str, ...]
    by_record: bool


def locate(found: list[Guess]) -> Locations:
    """Take the one column that all sales share, else every column of regions there is."""
    sales = [each for each in found if each.table == "transactions"]
    records = [each for each in found if each.table == "customers_raw"]
    headers = {each.region.header if each.region else "" for each in sales}
    shared = headers.pop() if len(headers) == 1 else ""
    asked = sales if shared else [*sales, *records]
    words = [word for each in asked if each.region for word in each.region.distinct]
    return Locations(shared, tuple(dict.fromkeys(words)), any(each.region for each in records))


def regions(where: Locations) -> Iterator[str]:
    """Write `regions`: found in a column, named by the words there are, or one for all."""
    if where.shared:
        yield line(
            f"regions: {{from: {text(where.shared)}, pool_below: {POOL_BELOW}}}",
            guessed=f"{len(where.words)} seen; those of fewer customers than that become one",
        )
    elif where.words:
        yield line("regions:", guessed="all words seen; rows with another word are set aside")
        yield from _named(where.words)
    else:
        yield line("regions:", check="no column of regions was found; docs/config.md shows how")
        yield "  main: {en: Main, zh: 主区域}"


def _named(words: tuple[str, ...]) -> Iterator[str]:
    keys: list[str] = []
    for word in words:
        english = KNOWN_REGIONS.get(word, word)
        keys.append(slug(english, taken=keys))
        match = f"match: [{text(word)}], " if english != word else ""
        yield f"  {text(keys[-1])}: {{{match}en: {text(english)}, zh: {text(word)}}}"


def sources(found: list[Guess], where: Locations, folder: Path) -> Iterator[str]:
    """Write `sources`, paths starting from `folder`."""
    yield line("sources:", note="columns: ours on the left, the file's header on the right")
    for (setting, table), grain in GRAINS.items():
        files = [each for each in found if each.table == table]
        if files:
            yield line(f"  {setting}:", note=grain)
        for each in files:
            yield from _source(each, where, folder)
    for each in found:
        if not each.table:
            has = ", ".join(each.file.columns)
            yield f"# please check: {_path(each, folder)} is left out, none of our tables: {has}"


def _path(each: Guess, folder: Path) -> str:
    return Path(os.path.relpath(each.file.path, folder)).as_posix()


def _source(each: Guess, where: Locations, folder: Path) -> Iterator[str]:
    region = _region_header(each, where)
    yield f"    - files: {text(_path(each, folder))}"
    yield from _fixed_region(each, where, region)
    yield from _reading(each.file)
    yield line("      columns:", guessed="by their names")
    for ours, column in each.columns.items():
        yield line(f"        {ours}: {text(column.header)}", check=_doubt(each, ours, column))
    if region:
        yield f"        {OURS[each.table]}: {text(region)}"
    if each.table == "transactions" and "amount" not in each.columns:
        yield "        # guessed: without an amount it is quantity x unit_price"
    yield from _formats(each)
    yield from _left_over(each, region, where)


def _region_header(each: Guess, where: Locations) -> str:
    """The header of a file's regions, if it is to be mapped: half the known words are its own."""
    if each.region is None or (each.table == "transactions" and where.shared):
        return ""
    known = set(where.words).intersection(each.region.distinct)
    return each.region.header if each.table in OURS and 2 * len(known) >= len(where.words) else ""


def _fixed_region(each: Guess, where: Locations, region: str) -> Iterator[str]:
    if each.table in OURS and not where.words:
        yield "      region: main"
    elif each.table == "transactions" and not (region or where.shared or where.by_record):
        yield line("      # region: ...", check="which of the regions are these rows of?")


def _reading(file: Preview) -> Iterator[str]:
    """Say how a CSV is to be read, where it is not plain UTF-8 with commas."""
    if file.encoding == "cp1252":
        yield line("      encoding: cp1252", check="no UTF-8, hardly Chinese; are accents right?")
    elif file.encoding == "gb18030" and looks_chinese(file):
        yield line("      encoding: gb18030", guessed="it is not UTF-8")
    elif file.encoding == "gb18030":
        yield line("      encoding: gb18030", check="no UTF-8, hardly Chinese; are words right?")
    if file.delimiter not in ("", "comma"):
        yield line(f"      delimiter: {file.delimiter}", guessed="from its first lines")


def _doubt(each: Guess, ours: str, column: Column) -> str:
    if ours in each.unsure:
        return "told by its cells, not by its name"
    if ours == "kind" and not set(column.distinct) <= set(FEEDBACK):
        return f"only {', '.join(FEEDBACK)} are read; it has {', '.join(column.distinct[:5])}"
    return ""


def _formats(each: Guess) -> Iterator[str]:
    """Write the patterns of dates that are not ISO, and name cells that are no dates."""
    spec = TABLES[each.table].columns
    dated = {
        ours: (column, column.dates)
        for ours, column in each.columns.items()
        if spec[ours].kind in ("date", "time") and column.dates
    }
    if any(dates.pattern for _, dates in dated.values()):
        yield "      formats:"
    for ours, (column, dates) in dated.items():
        if dates.pattern:
            yield _format(ours, column.cells[0], dates)
    for ours, (_, dates) in dated.items():
        if dates.unread:
            yield f"      # please check: {ours} also has '{dates.unread}', which is no such date"


def _format(ours: str, example: str, dates: Dates) -> str:
    setting = f'        {ours}: "{dates.pattern}"'
    if dates.rival:
        return line(setting, check=f"as {example}; or {dates.rival}? both read every date")
    return line(setting, guessed=f"as {example}")


def _left_over(each: Guess, region: str, where: Locations) -> Iterator[str]:
    used = {region, where.shared if each.table == "transactions" else ""}
    found = {each.region.header} if each.region else set[str]()
    unused = [*each.unused, *sorted(found - used)]
    unused = [header for header in unused if header not in used]
    if unused and each.table == "contracts":
        yield f"      # add with a name of yours what was known at the start: {', '.join(unused)}"
    elif unused:
        yield f"      # not used: {', '.join(unused)}"
