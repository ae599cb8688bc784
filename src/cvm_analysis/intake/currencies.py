"""Amounts in several currencies: converted by a table of rates, or refused by name.

The file of rates is a CSV with the columns `currency` (three letters), `rate` (what one unit of it
is worth in the config's currency) and, if rates change, `from` (the first day of the rate).
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import ibis
from ibis import ir

from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.intake.numbers import MONEY
from cvm_analysis.settings import Settings
from cvm_analysis.tables import TABLES

HEADERS = ("currency", "currencycode", "ordercurrency", "币种", "货币", "货币代码")


class Rate(NamedTuple):
    """What one unit of a currency is worth from a day on, in the config's currency."""

    currency: str
    since: dt.date
    rate: float


def find_header(headers: Iterable[str]) -> str | None:
    """Find the column of currencies by its name; none if no header is called so."""
    named = (each for each in headers if re.sub(r"[\W_]+", "", each.casefold()) in HEADERS)
    return next(named, None)


def read_rates(path: Path) -> list[Rate]:
    """Read a file of rates, the latest first; ConfigError names the lines that cannot be read."""
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; it gives rates: currency, rate, from")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        rows = [(reader.line_num, row) for row in reader]
        if not {"currency", "rate"} <= set(reader.fieldnames or ()):
            raise ConfigError(f"{path}: rates need the columns currency and rate (and from)")
    rates, wrong = list[Rate](), list[str]()
    for line, row in rows:
        try:
            since = dt.date.fromisoformat(row["from"]) if row.get("from") else dt.date.min
            rate = Rate((row["currency"] or "").strip().upper(), since, float(row["rate"]))
        except (TypeError, ValueError):
            wrong.append(f"{path} line {line}: a rate is a number above 0, and `from` a day")
            continue
        if rate.rate > 0 and rate.rate < float("inf"):
            rates.append(rate)
        else:
            wrong.append(f"{path} line {line}: a rate is a number above 0, not {row['rate']}")
    if wrong:
        raise ConfigError("\n".join(wrong))
    return sorted(rates, key=lambda rate: rate.since, reverse=True)


def convert(rows: ir.Table, settings: Settings) -> ir.Table:
    """Convert the money of order lines into the config's currency; rows without one have it.

    Raises
    ------
    InputError : amounts in another currency and no rate for it, or none for its first days
    """
    ours = settings.business.currency
    counting = rows.filter(rows.left_out.isnull(), rows.currency.notnull(), rows.currency != ours)
    found = counting.group_by("currency").aggregate(
        n=counting.count(), first=counting.ordered_at.date().min()
    )
    foreign = found.order_by("currency").to_pandas()
    if foreign.empty:
        return rows.drop("currency")
    name = settings.business.rates
    rates = read_rates(settings.resolve(name)) if name else []
    if problems := list(_lacking(foreign.itertuples(index=False), rates)):
        place = settings.where(settings.path, "rates" if name else "currency")
        raise InputError(
            f"{place}: amounts are not all in {ours}: {'; '.join(problems)}; give rates into "
            f"{ours} (`rates: rates.csv` with currency, rate, from), or leave rows out by `where`"
        )
    day = rows.ordered_at.date()
    cases = [((rows.currency == r.currency) & (day >= r.since), r.rate) for r in rates]
    rate = ibis.ifelse(rows.currency == ours, 1.0, ibis.cases(*cases, else_=1.0))
    money = [n for n, column in TABLES["transactions"].columns.items() if column.kind == "money"]
    return rows.mutate(**{n: (rows[n] * rate).cast(MONEY) for n in money}).drop("currency")


def _lacking(foreign: Iterable[tuple], rates: list[Rate]) -> Iterator[str]:
    """Name the currencies without a rate, and those with rows before their first one."""
    n_unknown = 0  # cells that hold something else, which may be personal
    for currency, n, first in foreign:
        if not re.fullmatch("[A-Z]{3}", currency):
            n_unknown += n
            continue
        since = [rate.since for rate in rates if rate.currency == currency]
        if not since:
            yield f"{n:,} rows in {currency}"
        elif first == first and first is not None and min(since) > _date(first):
            yield f"{n:,} rows in {currency}, from {_date(first)} on, its first rate {min(since)}"
    if n_unknown:
        yield f"{n_unknown:,} rows in no currency of three letters"


def _date(day: dt.date | dt.datetime) -> dt.date:
    return day.date() if isinstance(day, dt.datetime) else day
