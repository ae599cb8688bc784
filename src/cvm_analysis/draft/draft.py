"""A draft of a config from raw files: what they say, marked as guessed; the rest, to be checked."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from cvm_analysis.clv.value import Value
from cvm_analysis.draft import infer, sources
from cvm_analysis.draft.infer import Guess
from cvm_analysis.draft.preview import Dates, Preview, looks_chinese, preview
from cvm_analysis.draft.synonyms import CURRENCIES
from cvm_analysis.draft.yaml_comments import line, text
from cvm_analysis.errors import InputError
from cvm_analysis.settings import Rules

DATED = {"transactions": "ordered_at", "feedback": "at", "indicators": "at"}


def draft(files: Sequence[Path], config: Path = Path("config/mine.yaml")) -> str:
    """Draft the YAML of `config` from raw files; its paths start from the folder of `config`.

    Raises
    ------
    InputError : a file is missing, cannot be read, or has no header; none has order lines
    """
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise InputError(f"{', '.join(missing)}: no such file; give the names of files")
    found = [infer.infer(_sampled(path)) for path in dict.fromkeys(files)]
    sales = [each for each in found if each.table == "transactions"]
    if not sales:
        raise InputError(
            "none of the files has order lines: who bought, when, for how much\n"
            + "\n".join(f"  {each.file.path}: {_instead(each)}" for each in found)
        )
    where = sources.locate(found)
    parts = (
        _head(config),
        _business(found, sales),
        sources.regions(where),
        sources.sources(found, where, config.parent),
        _rules(sales),
        _rest(sales, config),
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _sampled(path: Path) -> Preview:
    """Look at a file; again as cp1252 if GB18030 makes words of it that are hardly Chinese."""
    file = preview(path)
    if file.encoding != "gb18030" or looks_chinese(file):
        return file
    try:
        return preview(path, "cp1252")
    except InputError:
        return file


def _instead(each: Guess) -> str:
    if each.table:
        return f"looks like {each.table.removesuffix('_raw')}"
    return f"{'; '.join(each.lacking)}; it has {', '.join(each.file.columns)}"


def _head(config: Path) -> Iterator[str]:
    yield "# Drafted by `cvm init`.  guessed: read off the files, correct it where it is wrong;"
    yield f"# please check: only you know.  `cvm check {config}` then says what does not fit."
    yield f"# Paths start from {config.parent}/.  Every setting: docs/config.md"


def _business(found: list[Guess], sales: list[Guess]) -> Iterator[str]:
    name = re.sub(r"[_\W]+", " ", sales[0].file.path.name.split(".")[0]).strip().title()
    headers = "".join(header for each in sales for header in each.file.columns)
    is_chinese = bool(re.search("[\u4e00-\u9fff]", headers))
    yield line(f"business: {text(name or 'Mine')}", check="the name in the reports")
    yield _currency(sales, is_chinese)
    if is_chinese:
        yield line("timezone: Asia/Shanghai", guessed="the headers are Chinese")
    else:
        yield line("timezone: UTC", check="of the dates, such as Europe/London")
    yield line(
        "pseudonyms: on",
        check="needs CVM_KEY, a long random text that is kept; off if the ids are pseudonyms",
    )
    yield _extracted_on(found)


def _currency(sales: list[Guess], is_chinese: bool) -> str:
    """Take the currency that the amounts name, else that of the headers' language."""
    columns = [each.columns.get(ours) for each in sales for ours in ("amount", "unit_price")]
    said = " ".join(
        words.replace("_", " ")
        for column in columns
        if column
        for words in (column.header, *column.distinct[:50])
    )
    for currency, signs in CURRENCIES.items():
        if re.search(signs, said.casefold()):
            return line(f"currency: {currency}", guessed="named at the amounts")
    if is_chinese:
        return line("currency: CNY", guessed="the headers are Chinese")
    return line("currency: USD", check="the files do not say")


def _extracted_on(found: list[Guess]) -> str:
    """The day after the latest date, if no later one can be there and none is in the future."""
    dated = [(each.file, _dates(each)) for each in found if each.table in DATED]
    after = max(dates.last for _, dates in dated).date() + dt.timedelta(days=1)
    is_sure = all(file.is_whole or dates.in_order for file, dates in dated)
    if is_sure and after <= dt.date.today():
        return line(f"extracted_on: {after}", guessed="the day after the latest date")
    return line(
        f"# extracted_on: {after}", check="the day the files were taken, else that of preparing"
    )


def _dates(each: Guess) -> Dates:
    found = each.columns[DATED[each.table]].dates
    assert found is not None  # a column of dates is only taken for one if its cells are dates
    return found


def _rules(sales: list[Guess]) -> Iterator[str]:
    """Write `rules`: more rows without a customer are let pass where that is how the files are."""
    yield "rules:"
    yield line("  duplicates: keep", check="or quarantine, if repeated lines are mistakes")
    n_rows = sum(each.file.n_rows for each in sales)
    without = sum(each.columns["customer_id"].share_empty * each.file.n_rows for each in sales)
    share, default = without / n_rows, Rules().stop_above["default"]
    if share > default / 2:
        limit = math.ceil((share + default) * 20) / 20
        yield line(
            f"  stop_above: {{default: {default}, missing_customer_id: {min(limit, 1):.2f}}}",
            check=f"{share:.1%} of the order lines name no customer and are set aside",
        )


def _rest(sales: list[Guess], config: Path) -> Iterator[str]:
    for name in ("segments", "scorecards", "strategies"):
        there = (config.parent / f"{name}.yaml").is_file()
        get = f"no such file beside {config} yet; copy this project's config/{name}.yaml there"
        yield line(f"{name}: {name}.yaml", check="" if there else get)
    yield _value(sales)


def _value(sales: list[Guess]) -> str:
    """What future value needs; the past it is tried on is at most a quarter of what there is."""
    dates, usual = [_dates(each) for each in sales], Value()
    span = max(each.last for each in dates) - min(each.first for each in dates)
    weeks = max(min(span.days // 7 // 4, usual.holdout_weeks), 1)
    settings = f"horizon_weeks: {usual.horizon_weeks}, holdout_weeks: {weeks}"
    if all("cost" in each.columns for each in sales):
        return f"value: {{{settings}}}"
    return line(
        f"value: {{{settings}, margin: {usual.margin:.2f}}}",
        check="margin, the share of spend that you earn; the files have no cost",
    )
