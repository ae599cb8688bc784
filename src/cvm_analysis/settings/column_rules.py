"""Rules that a business writes for columns of its files, beside those of every business."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from cvm_analysis.errors import nearest
from cvm_analysis.tables import TABLES
from cvm_analysis.tables.raw import PEOPLE
from cvm_analysis.tables.shape import NUMERIC, Kind
from cvm_analysis.typed import Cell, settings

if TYPE_CHECKING:
    from cvm_analysis.settings.shape import Sources

Problem = tuple[tuple[str, ...], str]  # the rule's number, then its setting; and what is wrong
TESTS = ("range", "not_null", "accepted", "unique", "matches", "refers_to")
DAYS: tuple[Kind, ...] = ("date", "time")


@settings
class Range:
    """The least and the largest value, both allowed: numbers, or days."""

    min: float | dt.date | None = None
    max: float | dt.date | None = None

    @property
    def written(self) -> str:
        """The limits in words: `between 1 and 500`, `at least 1`, `at most 500`."""
        low, high = (f"{x:,.15g}" if isinstance(x, float) else str(x) for x in (self.min, self.max))
        if self.max is None:
            return f"at least {low}"
        return f"at most {high}" if self.min is None else f"between {low} and {high}"

    @property
    def limits(self) -> list[float | dt.date]:
        """Those that are written."""
        return [each for each in (self.min, self.max) if each is not None]


@settings
class ColumnRule:
    """A rule for the cells of a column, `<source>.<column>`; it has one of TESTS.

    Empty cells break `not_null` alone. A row that breaks the rule is excluded, or at level `warn`
    kept and reported.
    """

    column: str
    range: Range | None = None
    not_null: bool = False
    accepted: tuple[Cell, ...] = ()
    unique: bool = False  # later rows break it, not the first of a value
    matches: str | None = None  # a regular expression that fits the whole cell
    refers_to: str | None = None  # another `<source>.<column>`, in which the value stands
    level: Literal["quarantine", "warn"] = "quarantine"

    @property
    def test(self) -> str:
        """The one of TESTS that the rule makes."""
        return self.tests[0]

    @property
    def tests(self) -> list[str]:
        """Those that are written: one, or the rule is wrong."""
        return [name for name in TESTS if getattr(self, name)]

    @property
    def name(self) -> str:
        """What quarantine, quality and `stop_above` call it: `range.quantity`."""
        return f"{self.test}.{split(self.column)[1]}"


def split(written: str) -> tuple[str, str]:
    """Source and column of `transactions.quantity`."""
    source, _, column = written.partition(".")
    return source, column


def find_problems(rules: tuple[ColumnRule, ...], sources: Sources) -> Iterator[Problem]:
    """Find rules with no test or several, of columns that no file has, or that repeat another."""
    known = _kinds(sources)
    stands = Counter[tuple[str, str]]()
    for i, rule in enumerate(rules):
        if len(rule.tests) != 1:
            yield (
                (str(i),),
                f"a rule needs one of {', '.join(TESTS)}; this one has "
                + (" and ".join(rule.tests) or "none"),
            )
            continue
        unknown = list(_unknown(rule, known))
        wrong = unknown or [*_unfit(rule, known)]
        yield from (((str(i), setting), problem) for setting, problem in wrong)
        stands[rule.column, rule.test] += 1
        if stands[rule.column, rule.test] == 2:
            yield (str(i),), f"{rule.column} has a rule {rule.test} already; keep one"


def _kinds(sources: Sources) -> dict[str, Kind]:
    """Kind of each column that a file has, by `<source>.<column>`."""
    found: dict[str, Kind] = {}
    for table, (setting, each) in sources.by_table().items():
        names = {name for source in each for name in source.columns}
        if {"quantity", "unit_price"} <= names:
            names |= {"amount"}
        for name in names:
            column = TABLES[table].columns.get(name)
            found[f"{setting}.{name}"] = column.kind if column else TABLES[table].others or "text"
    return found


def _unknown(rule: ColumnRule, known: dict[str, Kind]) -> Iterator[tuple[str, str]]:
    """Columns that no file has."""
    for setting in ("column", "refers_to"):
        written = getattr(rule, setting)
        if written and written not in known:
            yield setting, f"no file has {written}{nearest(written, known)}"


def _unfit(rule: ColumnRule, known: dict[str, Kind]) -> Iterator[tuple[str, str]]:
    """A test that cannot be made of values of this kind."""
    kind, test = known[rule.column], rule.test
    if rule.range:
        yield from ((test, said) for said in _unfit_range(rule.range, kind))
    if rule.accepted and kind not in ("text", *NUMERIC):
        yield test, f"{rule.column} holds no texts or numbers; use range"
    elif rule.accepted and kind in NUMERIC and not all(map(_is_number, rule.accepted)):
        yield test, f"{rule.column} holds numbers; list numbers"
    if rule.matches and kind != "text":
        yield test, f"{rule.column} holds no texts; use range or accepted"
    elif rule.matches and (wrong := _why_no_pattern(rule.matches)):
        yield test, f"'{rule.matches}' is no pattern: {wrong}"
    if test in ("accepted", "matches") and split(rule.column)[1] in PEOPLE:
        yield test, f"{rule.column} gets pseudonyms before rules are applied; use not_null, unique"
    if rule.refers_to and (kind in DAYS, kind in NUMERIC) != (
        known[rule.refers_to] in DAYS,
        known[rule.refers_to] in NUMERIC,
    ):
        yield test, f"{rule.column} and {rule.refers_to} hold values of different kinds"


def _unfit_range(limits: Range, kind: Kind) -> Iterator[str]:
    are_days = {isinstance(each, dt.date) for each in limits.limits}
    if not limits.limits:
        yield "write min, max, or both"
    elif kind == "yes_no" or are_days != {kind in DAYS}:
        what = {True: "days, as 2025-12-31"}.get(kind in DAYS, "numbers")
        yield "yes and no have no range" if kind == "yes_no" else f"its limits must be {what}"
    elif len(limits.limits) == 2 and limits.limits[0] > limits.limits[1]:  # type: ignore[operator]
        yield "min is above max: no value would be accepted"


def _is_number(text: str) -> bool:
    try:
        return bool(float(text) == float(text))
    except ValueError:
        return False


def _why_no_pattern(pattern: str) -> str:
    """Say why the engine cannot read a regular expression; empty if it can."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.scalar(""), pattern)  # RE2, as the engine's
    except pa.ArrowInvalid as error:
        return str(error).rpartition(": ")[2] or str(error)
    return ""
