"""Draft the settings `regions` and `sources`."""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cvm_analysis.draft import profiles
from cvm_analysis.draft.infer import Guess
from cvm_analysis.draft.preview import Column, Dates, Preview, looks_chinese
from cvm_analysis.draft.synonyms import REGION_NAMES, match, personal_headers
from cvm_analysis.draft.yaml_comments import line, text
from cvm_analysis.intake.regions import slug
from cvm_analysis.intake.rules import ARMS, FEEDBACK, MOVEMENTS, OUTCOMES
from cvm_analysis.tables import TABLES

GRAINS = {
    ("transactions", "transactions"): "one row per order line",
    ("customers", "customers_raw"): "one row per customer",
    ("feedback", "feedback"): "one row per survey answer or complaint",
    ("contracts", "contracts"): "one row per contract",
    ("indicators", "indicators"): "one row per customer, date and indicator",
    ("campaign_members", "campaign_members"): "one row per campaign and customer assigned to it",
    ("contact_log", "contact_log"): "one row per contact with a customer",
    ("consents", "consents"): "one row per customer, channel and day of consent",
    ("points", "points"): "one row per movement of points: earn, redeem, expire or adjust",
    ("referrals", "referrals"): "one row per customer who was referred by another",
    ("leads", "leads"): "one row per lead and stage",
    ("mentions", "mentions"): "one row per post or comment elsewhere",
}
CODES = {  # columns whose cells must be among these
    **{("feedback", "kind"): FEEDBACK, ("campaign_members", "arm"): ARMS},
    **{("points", "kind"): MOVEMENTS, ("leads", "outcome"): OUTCOMES},
}
REGION_COLUMNS = {"transactions": "sold_in", "customers_raw": "region", "leads": "region"}  # ours
POOL_BELOW = 50  # customers


@dataclass(frozen=True)
class Locations:
    """Where the files name regions.

    shared : header of the column of regions that all sales have, if any
    words : the raw names of regions; none if no file has a column of regions
    by_record : whether customer records name the region
    """

    shared: str
    words: tuple[str, ...]
    by_record: bool


def locate(found: list[Guess]) -> Locations:
    """Find the column of regions that all sales share, else all columns of regions."""
    sales = [each for each in found if each.table == "transactions"]
    records = [each for each in found if each.table == "customers_raw"]
    headers = {each.region.header if each.region else "" for each in sales}
    shared = headers.pop() if len(headers) == 1 else ""
    used = sales if shared else [*sales, *records]
    words = [word for each in used if each.region for word in each.region.distinct]
    return Locations(shared, tuple(dict.fromkeys(words)), any(each.region for each in records))


def regions(where: Locations) -> Iterator[str]:
    """Write `regions`: from a column, by name, or one region for all."""
    if where.shared:
        yield line(
            f"regions: {{from: {text(where.shared)}, pool_below: {POOL_BELOW}}}",
            guessed=f"{len(where.words)} found; regions with fewer customers are pooled",
        )
    elif where.words:
        yield line("regions:", guessed="all names found; rows with other names are excluded")
        yield from _named(where.words)
    else:
        yield line("regions:", check="no column of regions found; see docs/config.md")
        yield "  main: {en: Main, zh: 主区域}"


def _named(words: tuple[str, ...]) -> Iterator[str]:
    keys: list[str] = []
    for word in words:
        english = REGION_NAMES.get(word, word)
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
            yield f"# please check: {_path(each, folder)} is left out, it fits no table: {has}"


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
        yield f"        {REGION_COLUMNS[each.table]}: {text(region)}"
    if each.table == "transactions" and "amount" not in each.columns:
        yield "        # guessed: without an amount it is quantity x unit_price"
    yield from _formats(each)
    yield from profiles.write(each)
    yield from _mask(each)
    yield from _left_over(each, region, where)


def _region_header(each: Guess, where: Locations) -> str:
    """The header of a file's regions, to be mapped if it has half of the known names."""
    if each.region is None or (each.table == "transactions" and where.shared):
        return ""
    known = set(where.words).intersection(each.region.distinct)
    is_region = each.table in REGION_COLUMNS and 2 * len(known) >= len(where.words)
    return each.region.header if is_region else ""


def _fixed_region(each: Guess, where: Locations, region: str) -> Iterator[str]:
    if each.table in REGION_COLUMNS and not where.words:
        yield "      region: main"
    elif each.table == "transactions" and not (region or where.shared or where.by_record):
        yield line("      # region: ...", check="the region of these rows")


def _reading(file: Preview) -> Iterator[str]:
    """Write how to read a CSV that is not plain UTF-8 with commas."""
    if file.encoding == "cp1252":
        yield line("      encoding: cp1252", check="neither UTF-8 nor Chinese; are accents right?")
    elif file.encoding == "gb18030" and looks_chinese(file):
        yield line("      encoding: gb18030", guessed="it is not UTF-8")
    elif file.encoding == "gb18030":
        yield line("      encoding: gb18030", check="neither UTF-8 nor Chinese; are words right?")
    if file.delimiter not in ("", "comma"):
        yield line(f"      delimiter: {file.delimiter}", guessed="from its first lines")


def _doubt(each: Guess, ours: str, column: Column) -> str:
    if ours in each.unsure:
        return "identified by its cells, not by its name"
    codes = CODES.get((each.table, ours))
    if codes and not set(column.distinct) <= set(codes):
        return f"only {', '.join(codes)} are valid; it has {', '.join(column.distinct[:5])}"
    return ""


def _formats(each: Guess) -> Iterator[str]:
    """Write the patterns of dates that are not ISO, and point to cells that are not dates."""
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
            yield f"      # please check: {ours} also has '{dates.unread}', which does not match"


def _format(ours: str, example: str, dates: Dates) -> str:
    setting = f'        {ours}: "{dates.pattern}"'
    if dates.rival:
        return line(setting, check=f"as {example}; or {dates.rival}? both read every date")
    return line(setting, guessed=f"as {example}")


def _personal(each: Guess) -> list[str]:
    """Unused headers of customer records that name personal details."""
    is_record = each.table == "customers_raw"
    return match(each.unused, personal_headers()) if is_record else []


def _mask(each: Guess) -> Iterator[str]:
    if headers := _personal(each):
        listed = ", ".join(text(header) for header in headers)
        yield line(f"      mask: [{listed}]", guessed="masked in texts, written nowhere")


def _left_over(each: Guess, region: str, where: Locations) -> Iterator[str]:
    used = {region, where.shared if each.table == "transactions" else ""}
    found = {each.region.header} if each.region else set[str]()
    unused = [*each.unused, *sorted(found - used)]
    used |= {*_personal(each), *profiles.headers(each.file)}
    unused = [header for header in unused if header not in used]
    if unused and each.table == "contracts":
        yield f"      # add what was known at the start under your own names: {', '.join(unused)}"
    elif unused:
        yield f"      # not used: {', '.join(unused)}"
