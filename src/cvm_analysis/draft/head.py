"""Draft what a config says of the business: name, currency, time zone, pseudonyms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from cvm_analysis.draft.infer import Guess
from cvm_analysis.draft.synonyms import CURRENCIES, currency_headers, match
from cvm_analysis.draft.yaml_comments import line, text

NO_CURRENCY = "XXX"  # of ISO 4217: the transaction has none


def head(config: Path) -> Iterator[str]:
    """Say what the comments mean."""
    yield "# Drafted by `cvm init`.  guessed: from the files; please check: only you know."
    yield f"# Paths start from {config.parent}/.  Next: `cvm check {config}`.  See docs/config.md"


def business(main: Sequence[Guess]) -> Iterator[str]:
    """Write the settings of the business.

    main : the files with order lines, else those with contracts, else all
    """
    name = re.sub(r"[_\W]+", " ", main[0].file.path.name.split(".")[0]).strip().title()
    headers = "".join(header for each in main for header in each.file.columns)
    is_chinese = bool(re.search("[\u4e00-\u9fff]", headers))
    yield line(f"business: {text(name or 'Mine')}", check="the name in the reports")
    yield _currency(main, is_chinese)
    if is_chinese:
        yield line("timezone: Asia/Shanghai", guessed="the headers are Chinese")
    else:
        yield line("timezone: UTC", check="of the dates, such as Europe/London")
    yield line(
        "pseudonyms: on",
        check="needs CVM_KEY, a long random text you keep; off if the ids are pseudonyms already",
    )


def find_currencies(each: Guess) -> tuple[str, list[str]]:
    """Find the column of currencies, and the codes in it; empty without one."""
    for header in match(each.file.columns, currency_headers()):
        codes = each.file.columns[header].distinct
        if codes and all(re.fullmatch("[A-Za-z]{3}", code) for code in codes):
            return header, sorted({code.upper() for code in codes})
    return "", []


def _currency(main: Sequence[Guess], is_chinese: bool) -> str:
    """The currency of a column, at the amounts, or of Chinese headers; none if it is not known."""
    codes = sorted({code for each in main for code in find_currencies(each)[1]})
    if len(codes) == 1:
        return line(f"currency: {codes[0]}", guessed="the only one in the files")
    if codes:
        listed = ", ".join(codes[:5])
        return line(f"currency: {NO_CURRENCY}", check=f"which one? the files have {listed}")
    columns = [each.columns.get(ours) for each in main for ours in ("amount", "unit_price")]
    texts = [text for c in columns if c for text in (c.header, *c.distinct[:50])]
    searched = " ".join(texts).replace("_", " ").casefold()
    for currency, signs in CURRENCIES.items():
        if re.search(signs, searched):
            return line(f"currency: {currency}", guessed="named at the amounts")
    if is_chinese:
        return line("currency: CNY", guessed="the headers are Chinese")
    return line(f"currency: {NO_CURRENCY}", check="the files name none; three letters such as EUR")
