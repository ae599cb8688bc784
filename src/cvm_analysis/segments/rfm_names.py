"""Names for combinations of RFM scores: rules a manager can write, and the proof that they hold.

A rule is a range of scores for each of r, f and m; a letter left out means any score, and a rule
without letters every combination.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

LETTERS = ("r", "f", "m")
Rules = Mapping[str, Mapping[Any, str | int]]
Matching = Literal["exactly_one", "first"]
Problem = tuple[tuple[str, ...], str]  # the keys of the setting below `rfm`, what is wrong with it


def problems(rules: Rules, bins: int = 5, matching: Matching = "exactly_one") -> list[Problem]:
    """List all that is wrong with rules written for `bins` scores; see `rfm.name`.

    Combinations without a name, or with the same two or more where only one is allowed, are
    counted, and the first is shown with the names concerned.
    """
    unreadable = [
        each for segment, rule in rules.items() for each in _unreadable(segment, rule, bins)
    ]
    return unreadable or [
        *_holes(rules, bins),
        *(_overlaps(rules, bins) if matching == "exactly_one" else ()),
    ]


def match(rules: Rules, bins: int, written_for: int | None = None) -> np.ndarray:
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


def unused(rules: Rules, bins: int = 5, written_for: int | None = None) -> list[str]:
    """List the names that no combination of scores gets: others come first, or bins are too few."""
    given = set(match(rules, bins, written_for).ravel())
    return [segment for i, segment in enumerate(rules) if i not in given]


def _unreadable(segment: str, rule: Mapping[Any, str | int], bins: int) -> Iterator[Problem]:
    for letter, text in rule.items():
        at, scores_of = ("segments", segment, str(letter)), _range(text)
        if letter not in LETTERS:
            yield at, f"{segment}: '{letter}' is no score; write r, f or m"
        elif scores_of is None:
            yield at, f"{segment}: '{text}' is no score; write 4 or 4-5"
        elif not 1 <= scores_of[0] <= scores_of[1] <= bins:
            yield at, f"{segment}: '{text}' is outside the scores 1 to {bins}"


def _range(text: str | int) -> tuple[int, int] | None:
    found = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", str(text))
    return (int(found[1]), int(found[2] or found[1])) if found else None


def _fits(rules: Rules, bins: int) -> np.ndarray:
    """Which rule fits which combination: one layer per rule, axes r, f and m."""
    fits = np.zeros((len(rules), bins, bins, bins), dtype=bool)
    for layer, rule in zip(fits, rules.values(), strict=True):
        first_last = [_range(rule.get(letter, f"1-{bins}")) or (1, 0) for letter in LETTERS]
        layer[tuple(slice(first - 1, last) for first, last in first_last)] = True
    return fits


def _holes(rules: Rules, bins: int) -> Iterator[Problem]:
    holes = np.argwhere(~_fits(rules, bins).any(axis=0)) + 1
    if len(holes):
        near = [
            segment
            for segment, rule in rules.items()
            if sum(_holds(rule, c, s) for c, s in zip(LETTERS, holes[0], strict=True)) == 2
        ]
        beside = f" ({', '.join(near)} fit two of the three)" if near else ""
        yield ("segments",), f"{_counted(holes, bins, 'no')}{beside}"


def _holds(rule: Mapping[Any, str | int], letter: str, score: int) -> bool:
    first, last = _range(rule.get(letter, score)) or (1, 0)
    return first <= score <= last


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
