"""Ids as text: what spreadsheets did to them, and forms of one id in several files.

`10002.0` is `10002`; an id of nothing (`NULL`, `0`, blanks) is no customer; ids that lost digits
(`6.92538E+12`) are refused. `000003` and `3` stay two ids, and are reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import ibis
import pandas as pd
from ibis import ir

from cvm_analysis.errors import InputError
from cvm_analysis.intake import numbers
from cvm_analysis.tables.raw import PEOPLE

IDS = (*PEOPLE, "order_id", "lead_id")
NOTHING = ("null", "(null)", "none", "nan", "n/a", "#n/a", "\\n", "-")  # in any case
LOST = r"^\d(\.\d+)?[eE]\+\d+$"


def is_nothing(text: ir.StringValue) -> ir.BooleanValue:
    """Whether a text is a word for no value; the pattern is tried only where it may fit."""
    is_word = text.re_search(rf"(?i)^({'|'.join(map(re.escape, NOTHING))})$")
    may_be = (text.length() <= max(map(len, NOTHING))) & ~text.between("0", ":")  # no digit first
    return ibis.ifelse(may_be, is_word, False)


def clean(rows: ir.Table) -> ir.Table:
    """Write the ids of a staged file in their plain form, empty where there is none."""
    there = [column for column in IDS if column in rows.columns]
    return rows.mutate(**{column: _plain(rows[column], column in PEOPLE) for column in there})


def _plain(cell: ir.Value, of_people: bool) -> ir.StringValue:
    if cell.type().is_integer():
        text = cell.cast("string")
        return text.nullif("0") if of_people else text
    return _plain_text(cell, of_people)


def _plain_text(text: ir.StringValue, of_people: bool) -> ir.StringValue:
    trimmed = numbers.trim(text)
    whole = trimmed.re_replace(r"^(\d+)\.0+$", r"\1")
    plain = ibis.ifelse(trimmed.contains("."), whole, trimmed)  # patterns only where they may fit
    is_none = is_nothing(plain)
    if of_people:
        is_none |= ibis.ifelse(plain.startswith("0"), plain.re_search("^0+$"), False)
    return ibis.ifelse(is_none, ibis.null("string"), plain)


def refuse_lost(rows: ir.Table, columns: Iterable[str], names: Sequence[str]) -> None:
    """Raise InputError if ids of a staged file lost digits in a spreadsheet; names : of the files.

    The first file that has such ids is named.
    """
    for column in [each for each in columns if rows[each].type().is_string()]:
        is_lost = rows[column].strip().re_search(LOST)
        lost = rows.filter(ibis.ifelse(rows[column].contains("+"), is_lost, False))
        found = lost.group_by("nth").aggregate(n=lost.count(), first=lost.line.min())
        for row in found.order_by("nth").to_pandas().itertuples():
            raise InputError(
                f"{names[row.nth]}: {row.n:,} cells of {column} have lost digits, the first on "
                f"line {row.first:,} (written like 1.2E+12); export the ids as text"
            )


def report_forms(tables: Mapping[str, ir.Table], main: str) -> list[str]:
    """Say where a table's customers are known under another form of their id.

    One sentence per table of which more ids are those of `main` without leading zeros than with.
    """
    others = {t: rows for t, rows in tables.items() if t != main and "customer_id" in rows.columns}
    if not others:
        return []
    known = _list_ids(tables[main])
    forms = set(_without_zeros(known))
    notes = []
    for table, rows in others.items():
        other = _list_ids(rows)
        is_exact = other.isin(known)
        n, n_exact = len(other), int(is_exact.sum())
        n_form = int(_without_zeros(other[~is_exact]).isin(forms).sum())
        if n_form:
            notes.append(
                f"{table.removesuffix('_raw')}: {n_exact:,} of {n:,} customer ids are in {main}; "
                f"{n_form:,} more would be but for leading zeros or case, as 000003 and 3; write "
                "them alike"
            )
    return notes


def _list_ids(rows: ir.Table) -> pd.Series:
    ids = rows.filter(rows.customer_id.notnull()).select("customer_id").distinct()
    return ids.to_pandas()["customer_id"].astype(str)


def _without_zeros(ids: pd.Series) -> pd.Series:
    return ids.str.lower().str.lstrip("0")
