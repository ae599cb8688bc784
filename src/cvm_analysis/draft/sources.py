"""Draft the settings `regions` and `sources`."""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cvm_analysis.draft import profiles, proposals
from cvm_analysis.draft.infer import Guess, find_needed
from cvm_analysis.draft.preview import Column, Dates, Preview, looks_chinese
from cvm_analysis.draft.synonyms import REGION_NAMES, match, personal_headers
from cvm_analysis.draft.yaml_comments import line, text
from cvm_analysis.intake.regions import slug
from cvm_analysis.intake.table_rules import ARMS, FEEDBACK, MOVEMENTS, OUTCOMES
from cvm_analysis.sources.encodings import KOREAN, WESTERN
from cvm_analysis.tables import TABLES
from cvm_analysis.tables.shape import NUMERIC

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
LISTED = 12  # headers in a comment


@dataclass(frozen=True)
class Locations:
    """Where the files name regions.

    main : the table that places customers: transactions, or contracts alone
    shared : header of the column of regions that all files of `main` have, if any
    words : the raw names of regions; none if no file has a column of regions
    by_record : whether customer records name the region
    """

    main: str
    shared: str
    words: tuple[str, ...]
    by_record: bool

    @property
    def columns(self) -> dict[str, str]:
        """Our column of regions in each table that has one."""
        return (
            {"contracts": "sold_in"} | REGION_COLUMNS
            if self.main == "contracts"
            else REGION_COLUMNS
        )


def locate(found: list[Guess], main: str) -> Locations:
    """Find the column of regions that all files of `main` share, else all columns of regions."""
    sales = [each for each in found if each.table == main]
    records = [each for each in found if each.table == "customers_raw"]
    headers = {each.region.header if each.region else "" for each in sales}
    shared = headers.pop() if len(headers) == 1 else ""
    used = sales if shared else [*sales, *records]
    words = [word for each in used if each.region for word in each.region.distinct]
    by_record = any(each.region for each in records)
    return Locations(main, shared, tuple(dict.fromkeys(words)), by_record)


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
    paths = [(each, _path(each, folder)) for each in found]
    for (setting, table), grain in GRAINS.items():
        files = [each for each in found if each.table == table]
        if files:
            yield line(f"  {setting}:", note=grain)
        for each in files:
            yield from _source(each, where, folder)
            yield from proposals.propose(each, [pair for pair in paths if pair[0] is not each])
    for each in found:
        if not each.table:
            has = _list(each.file.columns)
            yield f"# please check: {_path(each, folder)} is left out, it fits no table: {has}"
    if not any(each.table in ("transactions", "contracts") for each in found):
        yield "# please check: no file has order lines or contracts; add them as `transactions:`"


def _list(headers: Iterable[str]) -> str:
    listed = list(headers)
    return ", ".join(listed[:LISTED]) + (
        f" and {len(listed) - LISTED} more" if listed[LISTED:] else ""
    )


def _path(each: Guess, folder: Path) -> str:
    return "".join(list(_place(each.file, folder).values())[-1:])


def _source(each: Guess, where: Locations, folder: Path) -> Iterator[str]:
    region = _region_header(each, where)
    place = _place(each.file, folder).items()
    yield from (f"    {' ' if i else '-'} {n}: {text(v)}" for i, (n, v) in enumerate(place))
    yield from _fixed_region(each, where, region)
    yield from _reading(each.file)
    yield from _decimal(each)
    yield from _joins(each.file, folder)
    yield line("      columns:", guessed="by their names")
    for ours, column in each.columns.items():
        yield line(f"        {ours}: {text(column.header)}", check=_doubt(each, ours, column))
    for ours in find_needed(each.table, each.columns):
        yield line(
            f"        {ours}:", check=f"write the header; the file has {_list(each.file.columns)}"
        )
    if each.missing:
        yield f"      # please check: {'; '.join(each.missing)}"
    if region:
        yield f"        {where.columns[each.table]}: {text(region)}"
    if {"quantity", "unit_price"} <= each.columns.keys() and "amount" not in each.columns:
        why = f"{each.order_total.header} is the order's total, " if each.order_total else ""
        yield f"        # guessed: {why}so the amount is quantity x unit_price"
    yield from _formats(each)
    yield from profiles.write(each)
    yield from _mask(each)
    yield from _left_over(each, region, where)


def _place(file: Preview, folder: Path) -> dict[str, str]:
    """Where the rows are: a file, or a table of a database."""
    if file.database:
        return file.database.settings(folder)
    return {"files": Path(os.path.relpath(file.path, folder)).as_posix()}


def _joins(file: Preview, folder: Path) -> Iterator[str]:
    """Write the files to join, each on a line."""
    if file.joined:
        yield line("      join:", guessed="by columns of the same header, with one row for each")
    for other, key in file.joined:
        settings = _place(other, folder) | _layout(other) | {"on": key}
        yield f"        - {{{', '.join(f'{n}: {text(v)}' for n, v in settings.items())}}}"


def _layout(file: Preview) -> dict[str, str]:
    """The encoding and delimiter of a CSV that is not plain UTF-8 with commas."""
    encoding = file.encoding if file.encoding in (WESTERN, KOREAN, "gb18030") else ""
    delimiter = file.delimiter if file.delimiter != "comma" else ""
    given = {"encoding": encoding, "delimiter": delimiter}
    return {name: value for name, value in given.items() if value}


def _region_header(each: Guess, where: Locations) -> str:
    """The header of a file's regions, to be mapped if it has half of the known names."""
    if each.region is None or (each.table == where.main and where.shared):
        return ""
    known = set(where.words).intersection(each.region.distinct)
    is_region = each.table in where.columns and 2 * len(known) >= len(where.words)
    return each.region.header if is_region else ""


def _fixed_region(each: Guess, where: Locations, region: str) -> Iterator[str]:
    if each.table in where.columns and not where.words:
        yield "      region: main"
    elif each.table == where.main and not (region or where.shared or where.by_record):
        yield line("      # region: ...", check="the region of these rows")


def _reading(file: Preview) -> Iterator[str]:
    """Write how to read a CSV that is not plain UTF-8 with commas."""
    if file.encoding == WESTERN:
        yield line(f"      encoding: {WESTERN}", check="not UTF-8; are the accents right?")
    elif file.encoding == KOREAN:
        yield line(f"      encoding: {KOREAN}", check="not UTF-8; is it Korean?")
    elif file.encoding == "gb18030" and looks_chinese(file):
        yield line("      encoding: gb18030", guessed="it is not UTF-8")
    elif file.encoding == "gb18030":
        yield line("      encoding: gb18030", check="not UTF-8; is it Chinese?")
    if file.delimiter not in ("", "comma"):
        yield line(f"      delimiter: {file.delimiter}", guessed="from its first lines")


def _decimal(each: Guess) -> Iterator[str]:
    """Write the decimal sign where it is a comma, and ask where the numbers do not show it."""
    spec = TABLES[each.table].columns
    found = [column.decimals for ours, column in each.columns.items() if spec[ours].kind in NUMERIC]
    commas = [each.example for each in found if each.sign == "comma"]
    doubtful = [each.doubtful for each in found if each.doubtful]
    if commas:
        yield line("      decimal: comma", guessed=f"as {commas[0]}")
    elif doubtful:
        yield line(
            "      # decimal: comma", check=f"is {doubtful[0]} a thousand or has it decimals?"
        )


def _doubt(each: Guess, ours: str, column: Column) -> str:
    places = [i for i, header in enumerate(each.file.header, 1) if header == column.header]
    if len(places) > 1:
        return f"which one? columns {' and '.join(map(str, places))} have this header"
    if ours in each.unsure:
        return "identified by its cells, not by its name"
    if ours == "amount" and column is each.order_total:
        return "the same on all lines of an order: an order's total would count once per line"
    if ours == "customer_id" and each.table == "transactions":
        return proposals.list_buyers(each, column)
    codes = CODES.get((each.table, ours))
    if codes and not set(column.distinct) <= set(codes) and not profiles.has_codes(each.file, ours):
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
    used = {region, where.shared if each.table == where.main else ""}
    found = {each.region.header} if each.region else set[str]()
    unused = [*each.unused, *sorted(found - used)]
    used |= {*_personal(each), *profiles.headers(each.file)}
    unused = [header for header in unused if header not in used]
    if unused and each.table == "contracts":
        yield f"      # add what was known at the start under your own names: {', '.join(unused)}"
    elif unused:
        yield f"      # not used: {_list(unused)}"
