"""Rules of clusters in words: "Days since last order up to 45 and spend per order above 900"."""

from __future__ import annotations

from collections.abc import Iterable

from cvm_analysis.texts import MONEY_COLUMNS, Words

WORDS = {"<=": "clusters.up_to", ">": "clusters.above"}


def rule(conditions: Iterable[tuple[str, str, float]], say: Words, currency: str) -> str:
    """Say in a language what holds for who is in a group.

    conditions : of (measure, `<=` or `>`, value in the measure's unit); none: everyone
    """
    said = [
        say(
            WORDS[comparison],
            measure=say(f"clusters.measures.{column}"),
            value=_limit(column, value, say, currency),
        )
        for column, comparison, value in conditions
    ]
    text = say("clusters.and").join(said) or say("clusters.everyone")
    return text[0].upper() + text[1:]


def _limit(column: str, value: float, say: Words, currency: str) -> str:
    if "share" in column:
        return say.percent(value, 0 if value >= 0.1 or value == 0 else 1)
    if column in MONEY_COLUMNS:
        return say.money(value, currency)
    return say.number(value, 0 if value >= 100 or value == round(value) else 1)


def name(code: str, say: Words) -> str:
    """Name a cluster by the number in its code: c1 is `Group 1`."""
    return say("clusters.name", n=code.removeprefix("c"))
