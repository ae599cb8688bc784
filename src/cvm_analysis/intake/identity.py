"""One person, one row: customer records that belong to one person, by the rules of the config.

A rule names what two records must share: a phone, or name and birth date. Records that rules
connect, also through a third one, are one person, whose id is that of the earliest record, or the
one that an identifier `merged_into` names, as a list of merges has it. Not merged, but counted, are
records that contradict each other (two birth dates), and what too many share (a placeholder, the
phone of a front desk).

Source: connected components of the graph of pairs that match; see Christen (2012), "Data Matching",
Springer, section 7.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import ibis
import numpy as np
import pandas as pd
from ibis import ir

from cvm_analysis.intake.masking import letters
from cvm_analysis.intake.rules import Rule
from cvm_analysis.settings import CustomerSource, Settings
from cvm_analysis.tables import own

STAYS = "merged_into"  # the identifier that names the id of the person
MOST_IDS = 4  # that share a value, in one person
CONFLICTS = ("birth_date", "gender", "customer_type")  # of which a person has one
KEPT = ("file", "line", "customer_id", "joined_on", *CONFLICTS)
PHONE = re.compile(r"\+?[\d ()\-/.]{7,}")
COUNTRY = re.compile(r"^(?:00)?86(?=1\d{10}$)")


class Merges(NamedTuple):
    """Ids of later records with the id of the person, and ids that were not merged, by reason."""

    into: dict[str, str]
    conflict: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()


def _is(mark: str) -> Callable[[ir.Table], ir.BooleanValue]:
    return lambda t: t.identity == mark


RULES = [  # of customer records, where the config has rules of identity
    Rule("merged_customer", "line", "error", _is("merged")),
    Rule("identity_conflict", "line", "info", _is("conflict")),
    Rule("shared_identifier", "line", "info", _is("shared")),
]


def read(
    text: ir.Table, rows: ir.Table, source: CustomerSource, settings: Settings
) -> pd.DataFrame:
    """One row per customer record of a file: KEPT, and what the rules compare, empty if unknown.

    text, rows : the file as staged and as parsed
    """
    hidden = {label: f"identifier {label}" for label in source.identifiers}
    compared = {label for rule in settings.business.identity for label in rule}
    inside = {label: own.to_inside("customers_raw", label) for label in compared - set(hidden)}
    mapped = {label: name for label, name in inside.items() if name in rows.columns}
    known = rows.select(*KEPT, **{f"as {label}": rows[name] for label, name in mapped.items()})
    found = known.to_pandas()
    if hidden:
        more = text.select("file", "line", **{f"as {k}": v for k, v in hidden.items()}).to_pandas()
        found = found.merge(more, on=["file", "line"], how="left")
    return found.reindex(columns=[*KEPT, *(f"as {label}" for label in sorted(compared))])


def find(records: pd.DataFrame, rules: Sequence[Sequence[str]]) -> Merges:
    """Find the records of one person.

    Parameters
    ----------
    records : as `read` gives them, in the order of the files
    rules : each the names of what two records must share
    """
    known = records[records["customer_id"].notna()].reset_index(drop=True)
    codes, ids = pd.factorize(known["customer_id"])
    shared, pairs = set[int](), list[pd.DataFrame]()
    for rule in rules:
        groups = _groups(known, codes, rule)
        n = groups.groupby("key")["code"].transform("size")
        shared.update(groups.loc[n > MOST_IDS, "code"])
        few = groups[(n > 1) & (n <= MOST_IDS)]
        pairs.append(few.assign(first=few.groupby("key")["code"].transform("first")))
    person = _components(pd.concat(pairs) if pairs else pd.DataFrame(), len(ids))
    return _merge(known.assign(person=person[codes]), frozenset(ids[sorted(shared)]))


def mark(rows: ir.Table, merges: Merges) -> ir.Table:
    """Add `identity` to customer records: merged, conflict, shared, or empty."""
    marks = {
        **dict.fromkeys(merges.shared, "shared"),
        **dict.fromkeys(merges.conflict, "conflict"),
        **dict.fromkeys(merges.into, "merged"),
    }
    pairs = pd.DataFrame({"marked": list(marks), "identity": list(marks.values())})
    table = ibis.memtable(pairs.astype("string"), schema={"marked": "string", "identity": "string"})
    return rows.left_join(table, rows.customer_id == table.marked).drop("marked")


def _groups(known: pd.DataFrame, codes: np.ndarray, rule: Sequence[str]) -> pd.DataFrame:
    """One row per value of a rule and id that has it: key, code."""
    parts = [known[f"as {label}"].map(normalize, na_action="ignore") for label in rule]
    columns = pd.concat(parts, axis=1, keys=range(len(parts)))
    full = columns.notna().all(axis=1)
    keys = ["\x1f".join(row) for row in columns[full].to_numpy()]
    return pd.DataFrame({"key": keys, "code": codes[full]}).drop_duplicates()


def normalize(value: object) -> str | None:
    """Reduce a value to what is compared: digits of a phone, else letters and digits, folded.

    None if it says nothing: fewer than two signs, or one sign only (000000).
    """
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    text = str(value).strip()
    if "@" in text:
        return text.casefold()
    signs = letters(text)
    if PHONE.fullmatch(text):
        signs = COUNTRY.sub("", signs)
    return signs if len(set(signs)) > 1 else None


def _components(pairs: pd.DataFrame, n: int) -> np.ndarray:
    """Number of the person of each id."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if pairs.empty:
        return np.arange(n)
    edges = (np.ones(len(pairs)), (pairs["first"], pairs["code"]))
    person: np.ndarray = connected_components(coo_matrix(edges, (n, n)), directed=False)[1]
    return person


def _merge(known: pd.DataFrame, shared: frozenset[str]) -> Merges:
    """Give each person one id, unless records contradict each other: named, else the earliest."""
    n_values = known.groupby("person")[list(CONFLICTS)].nunique()
    several = known.groupby("person")["customer_id"].transform("nunique") > 1
    contradict = several & known["person"].map((n_values > 1).any(axis=1))
    day = pd.to_datetime(known["joined_on"])
    by = known.assign(day=day, is_not_named=~_is_named(known))[several & ~contradict]
    ordered = by.sort_values(["is_not_named", "day"], kind="stable")
    first = ordered.groupby("person")["customer_id"].transform("first")
    later = ordered["customer_id"] != first
    into = dict(zip(ordered["customer_id"][later], first[later], strict=True))
    return Merges(into, frozenset(known["customer_id"][contradict]), shared - set(into))


def _is_named(known: pd.DataFrame) -> pd.Series:
    """Whether a record is that into which it and others were merged."""
    into = known.get(f"as {STAYS}", pd.Series("", known.index)).fillna("")
    return into.astype(str).str.strip() == known["customer_id"].astype(str)
