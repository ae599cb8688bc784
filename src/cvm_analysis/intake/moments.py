"""Dates and times as files write them: ISO, by a pattern, with an offset, as numbers of a sheet.

A time with an offset or `UTC` is an instant: it becomes the local time of the config's time zone. A
year has four digits, or a pattern says that it has two. Days that stand for "none" are none.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import ibis
import ibis.expr.datatypes as types
from ibis import ir

from cvm_analysis.intake.numbers import let, narrow

NOTHING = {"0", "00000000", "0000-00-00", "0000-00-00 00:00:00"}  # cells without a day
FIRST, LAST = dt.datetime(1900, 1, 2), dt.datetime(9999, 12, 31)
PLACEHOLDER = dt.date(1970, 1, 1)  # time 0 of computers; nobody's order, but a birthday
CLOCK = r"(\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?)"
ZONE = r"\s*(Z|UTC|GMT|(?:(?:UTC|GMT)\s*)?[-+]\d{1,2}:?(?:\d\d)?)$"
ISO = r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ]+\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?)?$"
SIMPLE = r"^(199|20\d)\d-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?)?$"  # nearly all cells
SERIAL = r"^[2-7]\d{4}(?:\.\d+)?$"  # days since 1899-12-30: 1954 to 2118


@ibis.udf.scalar.builtin
def try_strptime(text: str, pattern: str) -> dt.datetime:
    """The time in a text; empty if it does not match the pattern (a function of DuckDB)."""
    raise NotImplementedError


@ibis.udf.scalar.builtin(
    name="timezone", signature=((types.string, types.timestamp), types.Timestamp("UTC"))
)
def instant(zone: Any, local: Any) -> Any:
    """The instant of a local time in a zone (a function of DuckDB)."""
    raise NotImplementedError


@ibis.udf.scalar.builtin(
    name="timezone", signature=((types.string, types.Timestamp("UTC")), types.timestamp)
)
def local_time(zone: Any, moment: Any) -> Any:
    """The local time of an instant in a zone (a function of DuckDB)."""
    raise NotImplementedError


def moment(
    text: ir.StringValue,
    pattern: str | None,
    zone: str,
    *,
    in_sheet: bool = False,
    of_birth: bool = False,
) -> ir.Value:
    """Read times of the local day in `zone`; empty where that fails.

    in_sheet : the text comes from a workbook, where dates beside those of `pattern` are ISO or
        numbers of days
    of_birth : 1970-01-01 is a day like others
    """
    bare = re.sub(r"\s*(%z|%Z|Z|UTC|GMT)$", "", pattern or "")
    must = pattern is not None and bare != pattern  # every cell has an offset
    never = pattern is not None and bare == pattern

    def written(plain: ir.Value) -> ir.Value:
        """Without the offset."""
        if never:
            return plain
        is_zoned = plain.re_search((r"\d" if must else CLOCK) + ZONE)
        cut = plain.re_replace(ZONE, "")
        return ibis.ifelse(is_zoned, cut, ibis.null("string") if must else plain)

    def read(plain: ir.Value) -> ir.Value:
        found = let(written(plain), lambda cell: _local(cell, bare, in_sheet=in_sheet))
        if never:
            return found
        offset = plain.re_extract(ZONE if must else CLOCK + ZONE, 1 if must else 2)
        return let(found, lambda local: let(offset, lambda sign: _to_zone(local, sign, zone)))

    def plausible(local: ir.Value) -> ir.Value:
        return _plausible(local, of_birth=of_birth)

    if never:  # first the pattern alone, which reads nearly all cells, and is fast
        plain = let(try_strptime(text, bare), plausible)
        return plain.coalesce(let(let(narrow(text), read), plausible))
    odd = let(let(narrow(text), read), plausible)
    if must:
        return odd
    return ibis.ifelse(text.re_search(SIMPLE), text.try_cast("timestamp"), odd)


def typed(value: ir.Value, zone: str, *, of_birth: bool = False) -> ir.Value:
    """Give dates and times of a typed column as times of the local day in `zone`.

    Without a time zone of their own they are local already.
    """
    found = value.type()
    if found.is_timestamp() and found.timezone:
        value = local_time(ibis.literal(zone), value.cast(types.Timestamp("UTC")))
    return _plausible(value.cast("timestamp"), of_birth=of_birth)


def _plausible(local: ir.Value, *, of_birth: bool) -> ir.Value:
    """Leave out days that stand for none."""
    known = local.between(ibis.literal(FIRST), ibis.literal(LAST))
    if not of_birth:
        known &= local.date() != ibis.literal(PLACEHOLDER)
    return ibis.ifelse(known, local, ibis.null("timestamp"))


def _local(cell: ir.Value, pattern: str, *, in_sheet: bool) -> ir.Value:
    if not pattern:
        return _iso(cell).coalesce(_serial(cell))
    found = try_strptime(cell, pattern)
    return found.coalesce(_iso(cell), _serial(cell)) if in_sheet else found


def _iso(text: ir.StringValue) -> ir.Value:
    return ibis.ifelse(text.re_search(ISO), text, ibis.null("string")).try_cast("timestamp")


def _serial(text: ir.StringValue) -> ir.Value:
    days = ibis.ifelse(text.re_search(SERIAL), text, ibis.null("string")).try_cast("float64")
    seconds = (days * 86_400).round().cast("int64")
    return ibis.literal(dt.datetime(1899, 12, 30)) + seconds.as_interval("s")


def _to_zone(found: ir.Value, offset: ir.Value, zone: str) -> ir.Value:
    """Turn local times with their offsets into local times of a zone; no offset: as they are."""
    parts = [offset.re_extract(r"([-+])(\d{1,2}):?(\d\d)?$", i) for i in range(1, 4)]
    hours, minutes = (each.nullif("").try_cast("int64").fill_null(0) for each in parts[1:])
    ahead = (hours * 60 + minutes) * ibis.ifelse(parts[0] == "-", -1, 1)
    utc = found - ahead.as_interval("m")
    local = local_time(ibis.literal(zone), instant(ibis.literal("UTC"), utc))
    return ibis.ifelse(offset == "", found, local)
