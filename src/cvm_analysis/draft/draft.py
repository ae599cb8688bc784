"""Draft a config from raw files: marked `guessed` where they show it, else `please check`."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from cvm_analysis.clv.value import Value
from cvm_analysis.draft import infer, sources
from cvm_analysis.draft.infer import Guess
from cvm_analysis.draft.preview import Dates, Preview, preview
from cvm_analysis.draft.synonyms import CURRENCIES
from cvm_analysis.draft.yaml_comments import line, text
from cvm_analysis.errors import InputError
from cvm_analysis.settings import Rules
from cvm_analysis.sources.encodings import WESTERN, UnclearEncodingError

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
    found = [infer.infer(_preview(path)) for path in dict.fromkeys(files)]
    sales = [each for each in found if each.table == "transactions"]
    if not sales:
        raise InputError(
            "no file has order lines: customer, date and amount\n"
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


def _preview(path: Path) -> Preview:
    """Preview a file; as cp1252 if it is neither UTF-8 nor likely Chinese."""
    try:
        return preview(path)
    except UnclearEncodingError:
        return preview(path, WESTERN)


def _instead(each: Guess) -> str:
    if each.table:
        return f"looks like {each.table.removesuffix('_raw')}"
    return f"{'; '.join(each.missing)}; it has {', '.join(each.file.columns)}"


def _head(config: Path) -> Iterator[str]:
    yield "# Drafted by `cvm init`.  guessed: from the files, correct it where it is wrong;"
    yield f"# please check: only you know.  `cvm check {config}` then lists what does not fit."
    yield f"# Paths start from {config.parent}/.  All settings: docs/config.md"


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
        check="needs CVM_KEY, a long random text you keep; off if the ids are pseudonyms already",
    )
    yield _extracted_on(found)


def _currency(sales: list[Guess], is_chinese: bool) -> str:
    """The currency named at the amounts, else that of the headers' language."""
    columns = [each.columns.get(ours) for each in sales for ours in ("amount", "unit_price")]
    texts = [text for c in columns if c for text in (c.header, *c.distinct[:50])]
    searched = " ".join(texts).replace("_", " ").casefold()
    for currency, signs in CURRENCIES.items():
        if re.search(signs, searched):
            return line(f"currency: {currency}", guessed="named at the amounts")
    if is_chinese:
        return line("currency: CNY", guessed="the headers are Chinese")
    return line("currency: USD", check="the files name none")


def _extracted_on(found: list[Guess]) -> str:
    """The day after the latest date: certain if no later date can follow in the files."""
    dated = [(each.file, _dates(each)) for each in found if each.table in DATED]
    after = max(dates.last for _, dates in dated).date() + dt.timedelta(days=1)
    is_sure = all(file.is_whole or dates.in_order for file, dates in dated)
    if is_sure and after <= dt.date.today():
        return line(f"extracted_on: {after}", guessed="the day after the latest date")
    return line(f"# extracted_on: {after}", check="the day of extraction; default: of preparing")


def _dates(each: Guess) -> Dates:
    found = each.columns[DATED[each.table]].dates
    assert found is not None  # only columns of dates are matched to dates
    return found


def _rules(sales: list[Guess]) -> Iterator[str]:
    """Write `rules`: a higher limit where many rows have no customer."""
    yield "rules:"
    yield line("  duplicates: keep", check="or quarantine, if repeated lines are errors")
    n_rows = sum(each.file.n_rows for each in sales)
    without = sum(each.columns["customer_id"].share_empty * each.file.n_rows for each in sales)
    share, default = without / n_rows, Rules().stop_above["default"]
    if share > default / 2:
        limit = math.ceil((share + default) * 20) / 20
        yield line(
            f"  stop_above: {{default: {default}, missing_customer_id: {min(limit, 1):.2f}}}",
            check=f"{share:.1%} of the order lines have no customer and are excluded",
        )


def _rest(sales: list[Guess], config: Path) -> Iterator[str]:
    for name in ("segments", "scorecards", "strategies"):
        path = config.parent / f"{name}.yaml"
        get = f"no such file yet; copy this project's config/{name}.yaml to {config.parent}/"
        yield line(f"{name}: {name}.yaml", check="" if path.is_file() else get)
    yield _value(sales)


def _value(sales: list[Guess]) -> str:
    """Write `value`: the holdout is at most a quarter of the observed weeks."""
    dates, default = [_dates(each) for each in sales], Value()
    span = max(each.last for each in dates) - min(each.first for each in dates)
    weeks = max(min(span.days // 7 // 4, default.holdout_weeks), 1)
    settings = f"horizon_weeks: {default.horizon_weeks}, holdout_weeks: {weeks}"
    if all("cost" in each.columns for each in sales):
        return f"value: {{{settings}}}"
    return line(
        f"value: {{{settings}, margin: {default.margin:.2f}}}",
        check="margin, the share of spend that you keep; the files have no cost",
    )
