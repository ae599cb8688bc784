"""Names for combinations of RFM scores: rules a manager can write, and the proof that they hold.

A rule is a range of scores for each of r, f and m; a letter left out means any score, and a rule
without letters every combination.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from cvm_analysis.typed import settings

LETTERS = ("r", "f", "m")
Matching = Literal["exactly_one", "first"]
Problem = tuple[tuple[str, ...], str]  # the keys of the setting below `rfm`, what is wrong with it
OUTSIDE = "is outside the scores"


class Range(NamedTuple):
    """Scores from the first to the last one."""

    first: int
    last: int


def _read(given: Any) -> Any:
    if isinstance(given, tuple):
        return given
    found = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", str(given))
    if not found:
        raise PydanticCustomError("scores", "this is no score; write 4 or 4-5")
    return Range(int(found[1]), int(found[2] or found[1]))


Scores = Annotated[Range, BeforeValidator(_read)]


@settings
class Rule:
    """The scores that have one name, written as 4 or 4-5, and the name's words by language.

    A letter that is left out stands for any score.
    """

    r: Scores | None = None
    f: Scores | None = None
    m: Scores | None = None
    en: str | None = None
    zh: str | None = None

    def ranges(self, bins: int) -> list[Range]:
        """Give the scores of r, f and m."""
        return [each or Range(1, bins) for each in (self.r, self.f, self.m)]


Rules = Mapping[str, Rule]


def problems(rules: Rules, bins: int, matching: Matching) -> list[Problem]:
    """List all that is wrong with rules written for `bins` scores; see `rfm.name`.

    Combinations without a name, or with the same two or more where only one is allowed, are
    counted, and the first is shown with the names concerned.
    """
    outside: list[Problem] = [
        (("segments", segment, letter), f"{segment}: {_written(scores)} {OUTSIDE} 1 to {bins}")
        for segment, rule in rules.items()
        for letter, scores in zip(LETTERS, rule.ranges(bins), strict=True)
        if not 1 <= scores.first <= scores.last <= bins
    ]
    return outside or [
        *_holes(rules, bins),
        *(_overlaps(rules, bins) if matching == "exactly_one" else ()),
    ]


def match(rules: Rules, bins: int, written_for: int | None) -> np.ndarray:
    """The place in `rules` of the first that fits, for each combination of scores.

    Parameters
    ----------
    bins : scores go from 1 to this
    written_for : the number of bins the rules count in, if not `bins`. A score is then read as the
        one nearest in rank: the worst as the worst, the best as the best

    Returns
    -------
    Axes r, f and m, each from score 1 to `bins`.
    """
    at = written_for or bins
    read = _read_as(bins, at)
    return _fits(rules, at).argmax(axis=0)[np.ix_(read, read, read)]


def unused(rules: Rules, bins: int, written_for: int | None) -> list[str]:
    """List the names that no combination of scores gets: others come first, or bins are too few."""
    given = set(match(rules, bins, written_for).ravel())
    return [segment for i, segment in enumerate(rules) if i not in given]


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
        near = [
            segment
            for segment, rule in rules.items()
            if sum(
                first <= score <= last
                for (first, last), score in zip(rule.ranges(bins), holes[0], strict=True)
            )
            == 2
        ]
        beside = f" ({', '.join(near)} fit two of the three)" if near else ""
        yield ("segments",), f"{_counted(holes, bins, 'no')}{beside}"


def _overlaps(rules: Rules, bins: int) -> Iterator[Problem]:
    """One problem per set of names that claim the same combinations."""
    fits = _fits(rules, bins)
    claimed: dict[tuple[str, ...], list[np.ndarray]] = {}
    for combination in np.argwhere(fits.sum(axis=0) > 1):
        names = tuple(np.array(list(rules))[fits[(slice(None), *combination)]])
        claimed.setdefault(names, []).append(combination + 1)
    for names, found in claimed.items():
        said = f"{_counted(found, bins, 'more than one')} ({' and '.join(names)})"
        yield ("segments", str(names[-1])), said


def _counted(found: Sequence[np.ndarray] | np.ndarray, bins: int, what: str) -> str:
    shown = "r{} f{} m{}".format(*found[0])
    return (
        f"{len(found):,} of {bins**3:,} combinations of scores have {what} name, the first {shown}"
    )


def _read_as(bins: int, written_for: int) -> np.ndarray:
    """The score from 0 that rules written for another number of bins see for 0, 1, ... bins - 1."""
    steps, last = np.arange(bins) * (written_for - 1), bins - 1
    return -((last - 2 * steps) // (2 * last))  # steps / last, rounded, a half down
