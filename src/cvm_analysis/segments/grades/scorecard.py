"""Scorecards: the measures of a customer's grade, their weights, and the day they are valid from.

How a value becomes points is written in one of four ways:

bands : `[[0, 20], [1000, 60], [5000, 100]]`: from 1,000 on 60 points, below the first 0; with
    `better: low` `[[30, 100], [60, 60], [90, 20]]`: up to 30 100 points, above the last 0.
    Values always rise; points rise with them, or fall if less is better
scale : `[0, 0.2]`: 0 points at 0, 100 at 0.2, in proportion between
bins : `5`: five groups of equal size, learned from the customers (`points.fit_bins`)
points : `{commercial: 80, home: 40}`: of each word in a column of words; any other word is missing
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import model_validator

from cvm_analysis.errors import ConfigError, InputError, nearest
from cvm_analysis.typed import by_code, settings

LEAVE_OUT = "leave_out"
NOT_GRADED = "not_graded"
ROUNDING = 1e-9
MOST_BINS = 100
Band = tuple[float, float]
Problem = tuple[tuple[str, ...], str]  # the setting's keys, what is wrong with it


@settings
class Indicator:
    """One measure of a grade; exactly one of `bands`, `scale`, `bins` and `points` is written.

    code : its name: spend, payment, ...
    column : of the measures
    weight : share of the score; those of a scorecard sum to 1
    per : a column that `column` is divided by (sales against target)
    better : which end of the value is good
    bands : (value, points), values rising; see above. Empty: the indicator does not distinguish the
        customers, and is left out for all
    scale : value of 0 points, value of 100 points
    bins : groups of equal size, by the share of customers strictly worse; `points.fit_bins` adds
        the bands
    points : word -> its points; words have no order, so `per`, `better`, `unit_cost` and `step` do
        not go with them
    missing : points of a missing value, or `leave_out`: the others' weights count for more
    unit_cost : of improving the value of `column` by one unit, in the config's currency
    step : the smallest change of `column` that makes sense (1 for orders)
    """

    code: str
    column: str
    weight: float
    per: str | None = None
    better: Literal["high", "low"] = "high"
    bands: tuple[Band, ...] | None = None
    scale: tuple[float, float] | None = None
    bins: int | None = None
    points: Mapping[str, float] | None = None
    missing: float | Literal["leave_out"] = "leave_out"
    unit_cost: float | None = None
    step: float | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it is made of."""
        return (self.column,) if self.per is None else (self.column, self.per)


@settings
class Scorecard:
    """How customers of one type are graded from one day on.

    customer_type : retail, project, dealer, or any other
    valid_from : the first day it counts
    grades : best first, with the least points of each: {"A": 70, "B": 40, "C": 0}; if `by_quota`
        (written as `quota`) with the share of customers: {"A": 0.1, "B": 0.3, "C": 0.6}
    min_weight : a customer with less known weight is not graded
    """

    customer_type: str
    valid_from: dt.date
    indicators: Annotated[tuple[Indicator, ...], by_code(Indicator)]
    grades: Mapping[str, float]
    by_quota: bool = False
    min_weight: float = 0.6

    @model_validator(mode="before")
    @classmethod
    def _read_quota(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "quota" not in values:
            return values
        if "grades" in values:
            raise ValueError("grades and quota are both written; keep one")
        others = {name: value for name, value in values.items() if name != "quota"}
        return others | {"grades": values["quota"], "by_quota": True}


def check(card: Scorecard, columns: Iterable[str] | None = None) -> None:
    """Raise ConfigError with all that is wrong, one line each: `indicators.spend.weight: ...`.

    columns : those there are; None: columns are not checked
    """
    _refuse(find_problems(card, columns))


def valid_on(cards: Sequence[Scorecard], day: dt.date) -> Scorecard:
    """Find the latest version for one customer type that is valid on a day.

    Raises ConfigError: none is valid yet, or two are valid from the same day
    """
    _refuse(find_version_problems(cards))
    begun = [card for card in cards if card.valid_from <= day]
    if begun:
        return max(begun, key=lambda card: card.valid_from)
    if not cards:
        raise ConfigError("no scorecard; write one for this customer type")
    first = min(cards, key=lambda card: card.valid_from)
    raise ConfigError(
        f"no scorecard for {first.customer_type} customers is valid on {day}; the first is valid "
        f"from {first.valid_from}"
    )


def bands(card: Scorecard) -> dict[str, list[list[float]]]:
    """Bands learned for each indicator with `bins`, as plain JSON."""
    return {
        each.code: [list(band) for band in each.bands]
        for each in card.indicators
        if each.bins is not None and each.bands is not None
    }


def with_bands(card: Scorecard, bands: Mapping[str, Sequence[Sequence[float]]]) -> Scorecard:
    """Use bands learned from other customers (the company's, from `bands`) for `bins`.

    Raises InputError: an indicator with `bins` has none among them
    """
    binned = [each.code for each in card.indicators if each.bins is not None]
    if missing := [code for code in binned if code not in bands]:
        names = ", ".join(missing)
        raise InputError(f"no bands were learned for {names}; learn them again with this scorecard")
    learned = {code: tuple((float(v), float(p)) for v, p in bands[code]) for code in binned}
    indicators = (replace(i, bands=learned.get(i.code, i.bands)) for i in card.indicators)
    return replace(card, indicators=tuple(indicators))


def find_problems(card: Scorecard, columns: Iterable[str] | None = None) -> list[Problem]:
    """List all that is wrong with a scorecard: the keys of the setting, and what to correct."""
    there = None if columns is None else sorted(columns)
    found = [problem for each in card.indicators for problem in _check_indicator(each, there)]
    return [
        *_check_all_indicators(card.indicators),
        *found,
        *_check_grades(card),
        *_check_min_weight(card),
    ]


def find_version_problems(cards: Sequence[Scorecard]) -> list[Problem]:
    """List versions of one customer type that are valid from the same day as an earlier one."""
    days = [card.valid_from for card in cards]
    return [
        ((str(i), "valid_from"), f"two versions are valid from {day}; keep one or change its day")
        for i, day in enumerate(days)
        if day in days[:i]
    ]


def _refuse(found: Sequence[Problem]) -> None:
    if found:
        raise ConfigError("\n".join(f"{'.'.join(keys)}: {problem}" for keys, problem in found))


def _check_all_indicators(indicators: Sequence[Indicator]) -> Iterator[Problem]:
    codes = [each.code for each in indicators]
    for code in dict.fromkeys(codes):
        if codes.count(code) > 1:
            yield ("indicators", code), f"{codes.count(code)} indicators have this code; keep one"
    total = math.fsum(each.weight for each in indicators)
    if not codes:
        yield ("indicators",), "there are none; write at least one"
    elif not abs(total - 1) <= ROUNDING:
        yield ("indicators",), f"the weights sum to {total:.10g}; they must sum to 1"


def _check_indicator(each: Indicator, columns: Sequence[str] | None) -> Iterator[Problem]:
    at = ("indicators", each.code)
    for name, column in (("column", each.column), ("per", each.per)):
        if columns is not None and column is not None and column not in columns:
            yield (*at, name), f"no column '{column}'{nearest(column, columns)}"
    for name in ("weight", "unit_cost", "step"):
        number = getattr(each, name)
        if number is not None and not 0 < number < math.inf:
            yield (*at, name), f"must be more than 0, not {number:g}"
    if each.missing != LEAVE_OUT and not _is_points(each.missing):
        yield (*at, "missing"), f"must be {LEAVE_OUT} or points from 0 to 100, not {each.missing}"
    ways = ("bands", "scale", "bins", "points")
    written = [name for name in ways if getattr(each, name) is not None]
    if len(written) != 1:
        have = " and ".join(written) or "none"
        yield at, f"must have one of bands, scale, bins and points; it has {have}"
    if each.bands is not None:
        yield from (((*at, "bands"), problem) for problem in _check_bands(each.bands, each.better))
    if each.scale is not None:
        yield from (((*at, "scale"), problem) for problem in _check_scale(each.scale, each.better))
    if each.bins is not None and not 2 <= each.bins <= MOST_BINS:
        yield (*at, "bins"), f"must be from 2 to {MOST_BINS}, not {each.bins}"
    if each.points is not None:
        yield from (((*at, *keys), problem) for keys, problem in _check_words(each, each.points))


def _check_words(each: Indicator, words: Mapping[str, float]) -> Iterator[Problem]:
    if not words:
        yield ("points",), "there are none; write at least one word and its points"
    for word, points in words.items():
        if not _is_points(points):
            yield ("points", word), f"must be points from 0 to 100, not {points:g}"
    ordered = ("per", "unit_cost", "step")
    for name in (*(n for n in ordered if getattr(each, n)), *["better"] * (each.better == "low")):
        yield (name,), "words have no order; leave this setting out"


def _check_bands(bands: Sequence[Band], better: str) -> Iterator[str]:
    if not bands:
        yield "there are none; write at least one pair of value and points"
    if not all(math.isfinite(value) and _is_points(points) for value, points in bands):
        yield "every band is a finite value and points from 0 to 100"
        return
    if any(one >= other for (one, _), (other, _) in pairwise(bands)):
        yield "the values must rise from band to band"
        return
    sign, way = (1, "rise") if better == "high" else (-1, "fall")
    if any(sign * (other - one) <= 0 for (_, one), (_, other) in pairwise(bands)):
        yield f"{better} values are better, so the points must {way} as the values rise"


def _check_scale(scale: tuple[float, float], better: str) -> Iterator[str]:
    worst, best = scale
    if not (math.isfinite(worst) and math.isfinite(best) and worst != best):
        yield "must be two different values: of 0 points, and of 100 points"
    elif (best > worst) != (better == "high"):
        have = f"{best:g} has 100 points and {worst:g} none"
        yield f"{better} values are better, but {have}; swap them or change `better`"


def _check_grades(card: Scorecard) -> Iterator[Problem]:
    if len(card.grades) < 2:
        yield ("grades",), f"must be two or more, not {len(card.grades)}"
    if NOT_GRADED in card.grades:
        yield ("grades", NOT_GRADED), "this name is for customers who are not graded; use another"
    if card.by_quota:
        yield from _check_shares(card.grades)
    else:
        yield from _check_thresholds(card.grades)


def _check_shares(grades: Mapping[str, float]) -> Iterator[Problem]:
    for grade, share in grades.items():
        if not 0 < share <= 1:
            yield ("grades", grade), f"must be a share of the customers above 0, not {share:g}"
    total = math.fsum(grades.values())
    if not abs(total - 1) <= ROUNDING:
        yield ("grades",), f"the shares sum to {total:.10g}; they must sum to 1"


def _check_thresholds(grades: Mapping[str, float]) -> Iterator[Problem]:
    for grade, least in grades.items():
        if not _is_points(least):
            yield ("grades", grade), f"must be points from 0 to 100, not {least:g}"
    for (better, more), (grade, less) in pairwise(grades.items()):
        if less >= more:
            wrong = f"must need fewer points than {better} ({more:g}), not {less:g}; best first"
            yield ("grades", grade), wrong
    if grades and list(grades.values())[-1] != 0:
        last, least = list(grades.items())[-1]
        yield ("grades", last), f"the last grade is for all others: from 0 points, not {least:g}"


def _check_min_weight(card: Scorecard) -> Iterator[Problem]:
    if not 0 < card.min_weight <= 1:
        yield ("min_weight",), f"must be more than 0 and at most 1, not {card.min_weight:g}"


def _is_points(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 100
