"""Clusters in words: "Days since last order up to 45 and channel is web"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cvm_analysis import tables
from cvm_analysis.texts import Words

WORDS = {
    "<=": "report.clusters.up_to",
    ">": "report.clusters.above",
    "==": "report.clusters.is",
    "!=": "report.clusters.is_not",
}


def rule(conditions: Iterable[tuple[str, str, float | str]], say: Words, currency: str) -> str:
    """Write the rule of a cluster in words.

    conditions : of (measure, `<=` or `>`, value in the measure's unit) or (attribute, `==` or `!=`,
        level); none: everyone
    """
    said = [
        say(
            WORDS[comparison],
            measure=say.measure(column),
            value=say.level(column, value)
            if isinstance(value, str)
            else _limit(column, value, say, currency),
        )
        for column, comparison, value in conditions
    ]
    text = say("report.clusters.and").join(said) or say("report.clusters.everyone")
    return text[0].upper() + text[1:]


def formed_by(used: Iterable[str], left_out: Mapping[str, str], say: Words) -> str:
    """Say which measures form the clusters, which were left out, and why.

    used : measures, in order; parts of one whole (`category:care`) are named once
    left_out : measure, or whole, -> alike, missing or unique
    """
    said = [say("report.clusters.formed_by", measures=_listed(used, say))]
    for why in ("alike", "missing", "unique"):
        names = [name for name, reason in left_out.items() if reason == why]
        if names:
            said.append(say(f"report.clusters.{why}", measures=_listed(names, say)))
    return (" " if said[0].isascii() else "").join(said)


def _listed(columns: Iterable[str], say: Words) -> str:
    return say.listed(dict.fromkeys(_whole_or_measure(column, say) for column in columns))


def _whole_or_measure(column: str, say: Words) -> str:
    if _is_part(column):
        return say("report.clusters.by_whole", whole=say.measure(column.partition(":")[0]))
    return say.measure(column.partition("=")[0])


def _is_part(column: str) -> bool:
    """Tell category:care, a part of a whole, from an imported figure with such a name."""
    return ":" in column and "." not in column.partition(":")[0]


def _limit(column: str, value: float, say: Words, currency: str) -> str:
    if tables.kind(column) == "share" or _is_part(column):
        return say.percent(value, 0 if value >= 0.1 or value == 0 else 1)
    if tables.kind(column) == "money":
        return say.short(value, currency)
    return say.number(value, 0 if abs(value) >= 100 or value == round(value) else 1)


def name(code: str, say: Words) -> str:
    """Name a cluster by the number in its code: c1 is `Group 1`."""
    return say("report.clusters.name", n=code.removeprefix("c"))
