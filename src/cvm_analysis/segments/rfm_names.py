"""Names for combinations of RFM scores: rules written in the config, and a check that they fit.

A rule is a range of scores for each of r, f and m; a letter left out means any score, and a rule
without letters every combination. Scores compare customers with each other, not with their own
rhythm: the last fifth may be on time, and a frequent customer of the middle fifth may have lapsed.
So a rule also says what customers are called whose activity makes its name false.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from cvm_analysis.segments.classes import ACTIVE, LAPSED, OVERDUE
from cvm_analysis.typed import settings

LETTERS = ("r", "f", "m")
Matching = Literal["exactly_one", "first"]
Problem = tuple[tuple[str, ...], str]  # the keys of the setting below `rfm`, what is wrong with it
OUTSIDE = "is outside the scores"


class Range(NamedTuple):
    """Scores from the first to the last one."""

    first: int
    last: int


def _read(written: Any) -> Any:
    if isinstance(written, tuple):
        return written
    found = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", str(written))
    if not found:
        raise PydanticCustomError("scores", "this is no score; write 4 or 4-5")
    return Range(int(found[1]), int(found[2] or found[1]))


Scores = Annotated[Range, BeforeValidator(_read)]


@settings
class Rule:
    """The scores that have one name, written as 4 or 4-5, and the name in each language.

    r, f, m : a letter that is left out means any score
    active, overdue, lapsed : the name instead, for customers of this `classes.activity`; left out:
        the name is right for them
    """

    r: Scores | None = None
    f: Scores | None = None
    m: Scores | None = None
    active: str | None = None
    overdue: str | None = None
    lapsed: str | None = None
    en: str | None = None
    zh: str | None = None

    def ranges(self, bins: int) -> list[Range]:
        """List the scores of r, f and m."""
        return [each or Range(1, bins) for each in (self.r, self.f, self.m)]

    @property
    def instead(self) -> dict[str, str]:
        """The name instead, by activity."""
        every = {ACTIVE: self.active, OVERDUE: self.overdue, LAPSED: self.lapsed}
        return {activity: name for activity, name in every.items() if name}


Rules = Mapping[str, Rule]


def find_problems(rules: Rules, bins: int, matching: Matching) -> list[Problem]:
    """List all that is wrong with rules written for `bins` scores; see `rfm.name`.

    Combinations with no name, or with several where only one is allowed, are counted; the first is
    shown with the names concerned.
    """
    outside: list[Problem] = [
        (("segments", segment, letter), f"{segment}: {_written(scores)} {OUTSIDE} 1 to {bins}")
        for segment, rule in rules.items()
        for letter, scores in zip(LETTERS, rule.ranges(bins), strict=True)
        if not 1 <= scores.first <= scores.last <= bins
    ]
    return outside or [
        *_wrong_names_instead(rules),
        *_holes(rules, bins),
        *(_overlaps(rules, bins) if matching == "exactly_one" else ()),
    ]


def match(rules: Rules, bins: int, written_for: int | None) -> np.ndarray:
    """Find the place in `rules` of the first that fits each combination of scores.

    bins : scores go from 1 to this
    written_for : the number of bins the rules count in, if not `bins`; a score is then read as the
        one nearest in rank

    Returns
    -------
    Axes r, f and m, each from score 1 to `bins`.
    """
    at = written_for or bins
    read = _read_as(bins, at)
    return _fits(rules, at).argmax(axis=0)[np.ix_(read, read, read)]


def unused(rules: Rules, bins: int, written_for: int | None) -> list[str]:
    """List the names that no combination of scores gets: others come first, or bins are too few."""
    at = set(match(rules, bins, written_for).ravel())
    used = [(segment, rule) for i, (segment, rule) in enumerate(rules.items()) if i in at]
    named = {name for segment, rule in used for name in (segment, *rule.instead.values())}
    return [segment for segment in rules if segment not in named]


def _wrong_names_instead(rules: Rules) -> Iterator[Problem]:
    """Names instead that no rule has, or that are as false for the same customers."""
    for segment, rule in rules.items():
        for activity, name in rule.instead.items():
            at = ("segments", segment, activity)
            if name not in rules:
                yield at, f"{segment}: {activity}: no segment '{name}'"
            elif again := rules[name].instead.get(activity):
                hint = f"{activity} customers of {name} are called {again}; write that"
                yield at, f"{segment}: {hint}"


def _written(scores: Range) -> str:
    return f"'{scores.first}'" if scores.first == scores.last else f"'{scores.first}-{scores.last}'"


def _fits(rules: Rules, bins: int) -> np.ndarray:
    """Which rule fits which combination: one layer per rule, axes r, f and m."""
    fits = np.zeros((len(rules), bins, bins, bins), dtype=bool)
    for layer, rule in zip(fits, rules.values(), strict=True):
        layer[tuple(slice(first - 1, last) for first, last in rule.ranges(bins))] = True
    return fits


def _holes(rules: Rules, bins: int) -> Iterator[Problem]:
    holes = np.argwhere(~_fits(rules, bins).any(axis=0)) + 1
    if len(holes):
        fits = {
            segment: [a <= s <= b for (a, b), s in zip(rule.ranges(bins), holes[0], strict=True)]
            for segment, rule in rules.items()
        }
        near = [segment for segment, letters in fits.items() if sum(letters) == 2]
        hint = f" ({', '.join(near)} fit two of the three)" if near else ""
        yield ("segments",), f"{_counted(holes, bins, 'no')}{hint}"


def _overlaps(rules: Rules, bins: int) -> Iterator[Problem]:
    """One problem per set of names for the same combinations."""
    fits = _fits(rules, bins)
    shared: dict[tuple[str, ...], list[np.ndarray]] = {}
    for combination in np.argwhere(fits.sum(axis=0) > 1):
        names = tuple(np.array(list(rules))[fits[(slice(None), *combination)]])
        shared.setdefault(names, []).append(combination + 1)
    for names, found in shared.items():
        problem = f"{_counted(found, bins, 'more than one')} ({' and '.join(names)})"
        yield ("segments", str(names[-1])), problem


def _counted(found: Sequence[np.ndarray] | np.ndarray, bins: int, what: str) -> str:
    counted = f"{len(found):,} of {bins**3:,} combinations of scores"
    return f"{counted} have {what} name, the first " + "r{} f{} m{}".format(*found[0])


def _read_as(bins: int, written_for: int) -> np.ndarray:
    """The score, from 0, in another number of bins that stands for 0, 1, ... bins - 1."""
    steps, last = np.arange(bins) * (written_for - 1), bins - 1
    return -((last - 2 * steps) // (2 * last))  # steps / last, rounded, a half down
