"""A business's names for its own codes, collected from its files for `texts.words`.

They are written with the code (actions, owners, RFM segments), in a `words` block of the rule files
(customer types, grades, indicators), or in that of the config (values in the data).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cvm_analysis import texts
from cvm_analysis.segments import report_segment
from cvm_analysis.segments.grades.scorecard import NOT_GRADED
from cvm_analysis.settings import column_rules
from cvm_analysis.settings.shape import Wording

if TYPE_CHECKING:
    from cvm_analysis.settings.load import Settings

ACTION_TEXTS = {"actions": "name", "action_steps": "first_step", "action_messages": "message"}
OwnWords = Mapping[str, Mapping[str, str]]  # language -> key of the texts -> text


class _Named(Protocol):
    @property
    def en(self) -> str | None: ...
    @property
    def zh(self) -> str | None: ...


class Code(NamedTuple):
    """A code of the business: its key in the texts, its place in the files, its names if any."""

    key: str
    file: Path
    keys: tuple[str, ...]
    words: _Named | None


def collect(settings: Settings) -> OwnWords:
    """Collect the business's own words by language; graded segments are named by type and grade."""
    found: dict[str, dict[str, str]] = {language: {} for language in texts.languages()}
    for code in (*_with_code(settings), *_in_blocks(settings)):
        for language, own in found.items():
            if text := getattr(code.words, language, None):
                own[code.key] = text
    for language, own in found.items():
        say = texts.words(language, {language: own})
        for rule in settings.business.rules.columns:
            _, column = column_rules.split(rule.column)
            own[f"checks.{rule.name}"] = say(
                f"column_rules.{rule.test}", column=say.measure(column)
            )
        for kind, grade in _graded(settings):
            key = f"segments.{report_segment.segment_code(kind, grade)}"
            if key not in say or {f"types.{kind}", f"grades.{grade}"} & set(own):
                parts = {"type": say(f"types.{kind}"), "grade": say(f"grades.{grade}")}
                own.setdefault(key, say("report.grades.segment", **parts))
    return found


def find_unnamed(settings: Settings) -> Iterator[tuple[Code, list[str]]]:
    """Yield each code without a name, which reports show as it is, and the languages concerned."""
    own = collect(settings)
    known = [texts.words(language, own) for language in texts.languages()]
    every = {code.key: code for code in (*_scorecards(settings), *_with_code(settings))}
    for code in every.values():
        missing = [say.language for say in known if code.key not in say]
        if missing:
            yield code, missing


def _with_code(settings: Settings) -> Iterator[Code]:
    """RFM segments, actions, owners, levels, stages of leads: their names are written with them."""
    file = settings.resolve(settings.business.segments)
    for code, rule in settings.segments.rfm.segments.items():
        yield Code(f"segments.{code}", file, ("rfm", "segments", code), rule)
    yield from _levels_and_stages(settings)
    file = settings.resolve(settings.business.strategies)
    for code, owner in settings.strategies.owners.items():
        yield Code(f"owners.{code}", file, ("owners", code), owner)
    for action in settings.strategies.actions:
        for section, field in ACTION_TEXTS.items():
            words = {at: getattr(getattr(action, at), field, None) for at in ("en", "zh")}
            if field == "name" or any(words.values()):
                at = ("actions", action.code)
                yield Code(f"{section}.{action.code}", file, at, Wording(**words))


def _levels_and_stages(settings: Settings) -> Iterator[Code]:
    """Levels of membership and stages of leads, as values of their column."""
    business = settings.business
    for i, level in enumerate(business.levels):
        key = texts.text_key("level", level.code)
        yield Code(key, settings.path, ("levels", str(i)), level)
    for i, stage in enumerate(business.leads.stages):
        key = texts.text_key("stage", stage.code)
        yield Code(key, settings.path, ("leads", "stages", str(i)), stage)


def _scorecards(settings: Settings) -> Iterator[Code]:
    """Customer types, grades and indicators, each at its first place; of leads the grades."""
    file = settings.resolve(settings.business.scorecards)
    for i, card in enumerate(settings.scorecards.leads):
        grades = "quota" if card.by_quota else "grades"
        for grade in card.grades:
            yield Code(f"grades.{grade}", file, ("leads", str(i), grades, grade), None)
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


def blocks(settings: Settings) -> dict[Path, Mapping[str, Mapping[str, _Named]]]:
    """The `words` blocks: file -> section of the texts or column -> code; the config last."""
    return {
        settings.resolve(settings.business.segments): settings.segments.words,
        settings.resolve(settings.business.scorecards): settings.scorecards.words,
        settings.path: settings.business.words,
    }


def _in_blocks(settings: Settings) -> Iterator[Code]:
    for file, block in blocks(settings).items():
        for section, codes in block.items():
            for code, name in codes.items():
                yield Code(texts.text_key(section, code), file, ("words", section, code), name)


def _graded(settings: Settings) -> Iterator[tuple[str, str]]:
    by = settings.business.report_segments
    pairs = list(report_segment.list_graded(settings.scorecards.scorecards, by))
    yield from pairs
    yield from ((kind, NOT_GRADED) for kind in dict.fromkeys(kind for kind, _ in pairs))
