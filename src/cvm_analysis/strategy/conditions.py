"""Conditions on the columns of a table: comparisons, joined by all, any and not.

A missing value satisfies no comparison except `is_known: false`, and so does a column that the
table lacks. `not` turns that around: it holds where the value is missing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

import pandas as pd
from pydantic import BeforeValidator, Discriminator, Field, Tag, TypeAdapter
from pydantic.dataclasses import rebuild_dataclass

from cvm_analysis.errors import nearest
from cvm_analysis.typed import settings

Word = bool | float | str
Problem = tuple[tuple[str, ...], str]  # the setting within the condition, and what is wrong
AS_RECORDED = "as_recorded"  # kind of a column of the business's own: numbers or words
_TEXT, _YES_NO = ("text", "date", "time"), "yes_no"
_BOUNDS = ("at_least", "at_most", "above", "below")


def _as_tuple(given: Any) -> Any:
    return tuple(given) if isinstance(given, list | tuple) else (given,)


@settings
class Comparison:
    """One column compared: numbers within bounds, words or numbers that it is, or known at all."""

    column: str
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    is_: Annotated[tuple[Word, ...], BeforeValidator(_as_tuple), Field(alias="is")] = ()
    is_known: bool | None = None

    @property
    def bounds(self) -> dict[str, float]:
        """The bounds that are set, by their setting."""
        given = {name: getattr(self, name) for name in _BOUNDS}
        return {name: bound for name, bound in given.items() if bound is not None}

    @property
    def holds_if_missing(self) -> bool:
        """Whether a missing value satisfies it."""
        return self.is_known is False and not self.bounds and not self.is_


@settings
class AllOf:
    """Every condition holds."""

    all: Annotated[tuple[Condition, ...], Field(min_length=1)]


@settings
class AnyOf:
    """At least one condition holds."""

    any: Annotated[tuple[Condition, ...], Field(min_length=1)]


@settings
class Not:
    """The condition does not hold."""

    not_: Annotated[Condition, Field(alias="not")]


def _name_form(given: Any) -> str:
    """Name the class that a condition is written as."""
    if isinstance(given, AllOf | AnyOf | Not):
        return type(given).__name__
    written = given if isinstance(given, Mapping) else {}
    forms = {"all": AllOf, "any": AnyOf, "not": Not}
    return next((form.__name__ for key, form in forms.items() if key in written), "Comparison")


Condition = Annotated[
    Annotated[Comparison, Tag("Comparison")]
    | Annotated[AllOf, Tag("AllOf")]
    | Annotated[AnyOf, Tag("AnyOf")]
    | Annotated[Not, Tag("Not")],
    Discriminator(_name_form),
]
_JOINING: tuple[Any, ...] = (AllOf, AnyOf, Not)
for _each in _JOINING:  # they were defined before what they consist of
    rebuild_dataclass(_each, force=True)
TAGS = ("Comparison", "AllOf", "AnyOf", "Not")  # parts of an error's place that are not in the file


class Asked(NamedTuple):
    """A comparison that must hold, or must not."""

    comparison: Comparison
    holds: bool


def read(written: Mapping[str, Any]) -> Condition:
    """Read a condition as it is written in YAML: `{all: [{column: nps, at_least: 9}, ...]}`."""
    return TypeAdapter(Condition).validate_python(written)


def evaluate(condition: Condition, table: pd.DataFrame) -> pd.Series:
    """Tell for each row whether the condition holds: a boolean Series with the table's index."""
    match condition:
        case AllOf(all=parts):
            return _join([evaluate(part, table) for part in parts], "all")
        case AnyOf(any=parts):
            return _join([evaluate(part, table) for part in parts], "any")
        case Not(not_=part):
            return ~evaluate(part, table)
    return _compare(condition, table)


def _join(found: list[pd.Series], how: str) -> pd.Series:
    joined = found[0]
    for each in found[1:]:
        joined = joined & each if how == "all" else joined | each
    return joined


def _compare(comparison: Comparison, table: pd.DataFrame) -> pd.Series:
    if comparison.column not in table:
        return pd.Series(comparison.holds_if_missing, table.index)
    values = table[comparison.column]
    holds = pd.Series(True, table.index)
    if comparison.is_known is not None:
        holds &= values.notna() == comparison.is_known
    if comparison.is_:
        holds &= _is_one_of(values, comparison.is_)
    if bounds := comparison.bounds:
        numbers = pd.to_numeric(values, errors="coerce").astype(float)
        tests: dict[str, Callable[[float], pd.Series]] = {
            "at_least": numbers.ge, "at_most": numbers.le, "above": numbers.gt, "below": numbers.lt
        }  # fmt: skip
        for name, bound in bounds.items():
            holds &= tests[name](bound)
    return holds


def _is_one_of(values: pd.Series, words: tuple[Word, ...]) -> pd.Series:
    """Compare numbers as numbers, everything else as text; a missing value is none of them."""
    kind = pd.api.types
    if kind.is_numeric_dtype(values) and not kind.is_bool_dtype(values):
        numbers = pd.to_numeric(pd.Series(words, dtype=object), errors="coerce").dropna()
        return values.isin(numbers.tolist())
    return values.astype(str).isin([_as_text(word) for word in words]) & values.notna()


def _as_text(word: Word) -> str:
    is_whole = isinstance(word, float) and word.is_integer()
    return str(int(word)) if is_whole else str(word)


def comparisons(condition: Condition) -> Iterator[tuple[tuple[str, ...], Comparison, bool]]:
    """Yield each comparison in the order written: its place, itself, and whether it must hold."""
    match condition:
        case AllOf(all=parts) | AnyOf(any=parts):
            name = "all" if isinstance(condition, AllOf) else "any"
            for i, part in enumerate(parts):
                yield from (((name, str(i), *at), c, h) for at, c, h in comparisons(part))
        case Not(not_=part):
            yield from ((("not", *at), c, not h) for at, c, h in comparisons(part))
        case _:
            yield (), condition, True


def columns(condition: Condition, needed: bool = False) -> list[str]:
    """List the columns that a condition uses, in the order written.

    needed : only those of comparisons that must hold, not of those under `not`
    """
    used = [each.column for _, each, holds in comparisons(condition) if holds or not needed]
    return list(dict.fromkeys(used))


def can_hold(condition: Condition, available: Callable[[str], bool] = lambda column: True) -> bool:
    """Tell whether any row could satisfy the condition.

    Not if its comparisons contradict each other, or if it needs a column that is not available.
    """
    return any(_agree(case, available) for case in _cases(condition, True))


def _cases(condition: Condition, holds: bool) -> Iterator[tuple[Asked, ...]]:
    """Yield the cases in which the condition holds (or does not), each a list of comparisons."""
    match condition:
        case Not(not_=part):
            yield from _cases(part, not holds)
        case AllOf(all=parts) | AnyOf(any=parts):
            if isinstance(condition, AllOf) == holds:
                for combined in itertools.product(*(list(_cases(p, holds)) for p in parts)):
                    yield tuple(itertools.chain.from_iterable(combined))
            else:
                yield from itertools.chain.from_iterable(_cases(p, holds) for p in parts)
        case _:
            yield (Asked(condition, holds),)


def _agree(case: tuple[Asked, ...], available: Callable[[str], bool]) -> bool:
    by_column: dict[str, list[Asked]] = {}
    for each in case:
        by_column.setdefault(each.comparison.column, []).append(each)
    return all(_agree_on_one(tuple(each), available(column)) for column, each in by_column.items())


@lru_cache(4096)  # actions ask the same again and again
def _agree_on_one(asked: tuple[Asked, ...], available: bool) -> bool:
    """Tell whether one value, or none at all, satisfies all comparisons of one column."""
    if all(each.comparison.holds_if_missing == each.holds for each in asked):
        return True  # a missing value does
    return available and any(
        _join([_compare(c, table) == holds for c, holds in asked], "all").any()
        for table in _candidates([each.comparison for each in asked])
    )


def _candidates(used: list[Comparison]) -> Iterator[pd.DataFrame]:
    """Yield values, one per row, of which one satisfies the comparisons if any value does.

    They are all words, all bounds, a number between each two of them, one beyond either end, and
    another word.
    """
    words = [word for each in used for word in each.is_]
    bounds = [bound for each in used for bound in each.bounds.values()]
    ends = sorted({*(float(word) for word in words if not isinstance(word, str)), *bounds} or {0.0})
    between = [(low + high) / 2 for low, high in itertools.pairwise(ends)]
    texts = [word for word in words if isinstance(word, str)]
    for values in ([*ends, *between, ends[0] - 1, ends[-1] + 1], [*texts, "another word"]):
        yield pd.DataFrame({used[0].column: values})
    yield pd.DataFrame({used[0].column: [True, False]})


def find_problems(
    condition: Condition,
    kinds: Mapping[str, str],
    codes: Mapping[str, Collection[str]],
    ranges: Mapping[str, tuple[float, float]],
) -> Iterator[Problem]:
    """Find columns that do not exist, words and numbers that no row has, and empty comparisons.

    kinds : kind of every known column, as `tables` names them, or AS_RECORDED
    codes : column -> the codes it can have, where they are known
    ranges : column -> the least and the greatest value it can have, where they are known
    """
    for at, each, _ in comparisons(condition):
        if each.column not in kinds:
            yield (*at, "column"), f"no column '{each.column}'{nearest(each.column, kinds)}"
        elif not each.bounds and not each.is_ and each.is_known is None:
            said = f"set {', '.join(_BOUNDS)}, is or is_known"
            yield (*at, "column"), f"nothing is asked of '{each.column}'; {said}"
        else:
            kind, known = kinds[each.column], codes.get(each.column)
            found = [*_wrong_bounds(each, kind, ranges), *_wrong_words(each, kind, known)]
            yield from (((*at, *keys), text) for keys, text in found)


def _wrong_bounds(
    each: Comparison, kind: str, ranges: Mapping[str, tuple[float, float]]
) -> Iterator[Problem]:
    """Find bounds of texts, and bounds beyond what the column can be."""
    least, greatest = ranges.get(each.column, (-math.inf, math.inf))
    for name, bound in each.bounds.items():
        if kind in (*_TEXT, _YES_NO):
            yield (name,), f"'{each.column}' is no number; compare it with `is`, or use days_..."
        elif not least <= bound <= greatest:
            yield (name,), f"'{each.column}' is from {least:g} to {greatest:g}, not {bound:g}"


def _wrong_words(each: Comparison, kind: str, known: Collection[str] | None) -> Iterator[Problem]:
    """Find words that a column of this kind cannot have."""
    for word in each.is_:
        if isinstance(word, bool) and kind != _YES_NO:
            yield ("is",), "write Yes, No, True, False, On and Off in quotes"
        elif kind == _YES_NO and not isinstance(word, bool):
            yield ("is",), f"'{each.column}' is yes or no, not '{word}'"
        elif known is not None and str(word) not in known:
            yield ("is",), f"no {each.column} '{word}'{nearest(str(word), known)}"
        elif isinstance(word, str) and kind not in (*_TEXT, AS_RECORDED, _YES_NO):
            yield ("is",), f"'{each.column}' is a number, not '{word}'"
