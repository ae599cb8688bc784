"""What a business calls its own codes, collected from its files for `texts.words`.

Words stand beside a code (an action, an RFM name), in a `words` block of the rule files (types of
customers, grades, indicators), or, for values found in the data, in that of the config.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cvm_analysis import texts
from cvm_analysis.segments import report_segment
from cvm_analysis.segments.grades.scorecard import NOT_GRADED

if TYPE_CHECKING:
    from cvm_analysis.settings.load import Settings

Own = Mapping[str, Mapping[str, str]]  # language -> key of the texts -> text


class _Worded(Protocol):
    @property
    def en(self) -> str | None: ...
    @property
    def zh(self) -> str | None: ...


class Code(NamedTuple):
    """A code of the business: its key in the texts, where it is written, and its words if any."""

    key: str
    file: Path
    keys: tuple[str, ...]
    words: _Worded | None


def collect(settings: Settings) -> Own:
    """Give the business's own words by language; segments by grade are called by type and grade."""
    found: dict[str, dict[str, str]] = {language: {} for language in texts.languages()}
    for code in (*_beside(settings), *_in_blocks(settings)):
        for language, own in found.items():
            if text := getattr(code.words, language, None):
                own[code.key] = text
    for language, own in found.items():
        say = texts.words(language, {language: own})
        for kind, grade in _graded(settings):
            key = f"segments.{report_segment.segment_code(kind, grade)}"
            if key not in say or {f"types.{kind}", f"grades.{grade}"} & set(own):
                parts = {"type": say(f"types.{kind}"), "grade": say(f"grades.{grade}")}
                own.setdefault(key, say("report.grades.segment", **parts))
    return found


def find_wordless(settings: Settings) -> Iterator[tuple[Code, list[str]]]:
    """Yield each code that reports show as it is written, and the languages that lack its words."""
    own = collect(settings)
    known = [texts.words(language, own) for language in texts.languages()]
    every = {code.key: code for code in (*_scorecards(settings), *_beside(settings))}
    for code in every.values():
        lacking = [say.language for say in known if code.key not in say]
        if lacking:
            yield code, lacking


def _beside(settings: Settings) -> Iterator[Code]:
    """Actions and RFM names, whose words stand beside them."""
    file = settings.resolve(settings.business.segments)
    for code, rule in settings.segments.rfm.segments.items():
        yield Code(f"segments.{code}", file, ("rfm", "segments", code), rule)
    file = settings.resolve(settings.business.strategies)
    for action in settings.strategies.actions:
        yield Code(f"actions.{action.code}", file, ("actions", action.code), action)


def _scorecards(settings: Settings) -> Iterator[Code]:
    """Types of customers, grades and indicators, each where it is first written."""
    file = settings.resolve(settings.business.scorecards)
    for kind, versions in reversed(settings.scorecards.scorecards.items()):
        for i, card in reversed(list(enumerate(versions))):
            at = ("scorecards", kind, str(i))
            grades = "quota" if card.by_quota else "grades"
            for grade in card.grades:
                yield Code(f"grades.{grade}", file, (*at, grades, grade), None)
            for each in card.indicators:
                key = f"indicators.{each.code}"
                yield Code(key, file, (*at, "indicators", each.code), None)
        yield Code(f"types.{kind}", file, ("scorecards", kind), None)


def blocks(settings: Settings) -> dict[Path, Mapping[str, Mapping[str, _Worded]]]:
    """Give the `words` blocks: file -> section of the texts or column -> code; the config last."""
    return {
        settings.resolve(settings.business.segments): settings.segments.words,
        settings.resolve(settings.business.scorecards): settings.scorecards.words,
        settings.path: settings.business.words,
    }


def _in_blocks(settings: Settings) -> Iterator[Code]:
    for file, block in blocks(settings).items():
        for section, codes in block.items():
            for code, said in codes.items():
                yield Code(texts.text_key(section, code), file, ("words", section, code), said)


def _graded(settings: Settings) -> Iterator[tuple[str, str]]:
    by = settings.business.report_segments
    pairs = list(report_segment.list_graded(settings.scorecards.scorecards, by))
    yield from pairs
    yield from ((kind, NOT_GRADED) for kind in dict.fromkeys(kind for kind, _ in pairs))
