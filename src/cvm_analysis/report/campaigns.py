"""What campaigns and earlier lists brought, and the effect now expected: tables and sentences."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.strategy.effects import find_limits

WHOLE, MEASURED = "all", "measured"
EFFECTS = {"n_treated": "number", "n_control": "number", "effect_per_customer": "text"}
EFFECTS |= {"interval": "text", "cost": "money", "net_gain": "money"}
SEGMENTS = {"n_treated": "number", "n_control": "number", "effect_per_customer": "text"}
SEGMENTS |= {"interval": "text", "q_value": "number:3"}
LISTS = {"n_recommended": "number", "n_done": "number", "n_control": "number"}
LISTS |= {"compared_with": "text", "effect_per_customer": "text", "interval": "text"}
EXPECTED = {"assumed": "text", "expected": "text", "range": "text"}
EXPECTED |= {"evidence": "words:evidence", "n_treated": "number"}
OTHERS = ("not_measured", "open", "sample_ratio", "few_customers", "no_outcome", "unknown_action")


def effects(writer: Writer, results: pd.DataFrame) -> Block:
    """Show the effect of each measured campaign, and name those that are not measured, and why.

    results : table `campaign_results`
    """
    if results.empty:
        return writer.note("report.campaigns.none")
    whole = results.xs(WHOLE, level="segment")
    measured = whole[whole["status"] == MEASURED]
    shown = measured.assign(
        effect_per_customer=_each(writer, measured, "effect"),
        interval=_intervals(writer, measured, "low", "high"),
    ).set_axis([_campaign(writer, code, row) for code, row in measured.iterrows()])
    parts = [writer.table(shown, EFFECTS, id="campaigns")] if len(shown) else []
    return blocks.join([*parts, *_not_measured(writer, whole)])


def by_segment(writer: Writer, results: pd.DataFrame) -> Block:
    """Show the effect of each measured campaign by segment, shrunk to that of the whole."""
    rows = results[results["status"] == MEASURED].reset_index() if len(results) else results
    rows = rows[rows["segment"] != WHOLE] if len(rows) else rows
    if rows.empty:
        return writer.note("report.campaigns.no_segments")
    shown = rows.assign(
        effect_per_customer=_each(writer, rows, "shrunken"),
        interval=_intervals(writer, rows, "shrunken_low", "shrunken_high"),
    )
    names = [
        f"{campaign} · {writer.say(f'segments.{segment}')}"
        for campaign, segment in zip(rows["campaign_id"], rows["segment"], strict=True)
    ]
    return writer.table(shown.set_axis(names), SEGMENTS, id="campaign-segments")


def earlier_lists(writer: Writer, results: pd.DataFrame) -> Block:
    """Show what came of the lists of earlier reports; results : table `ledger_results`."""
    say = writer.say
    if results.empty:
        return writer.note("report.campaigns.no_lists")
    rows = results.reset_index().sort_values(["as_of", "action"], ascending=[False, True])
    shown = rows.assign(
        compared_with=[_comparison(writer, row) for row in rows.to_dict("records")],
        effect_per_customer=_each(writer, rows, "effect"),
        interval=_intervals(writer, rows, "low", "high"),
    )
    names = [
        f"{say.date(day)} · {say(f'actions.{action}')}"
        for day, action in zip(rows["as_of"], rows["action"], strict=True)
    ]
    return writer.table(shown.set_axis(names), LISTS, id="lists")


def expected(writer: Writer, effects: pd.DataFrame) -> Block:
    """Show the assumed effect of each action and the one in use; effects : table `effects`."""
    write = {code: _share_of(writer, str(on)) for code, on in effects["on"].items()}
    shown = pd.DataFrame(
        {
            "assumed": [write[code](value) for code, value in effects["assumed"].items()],
            "expected": [write[code](value) for code, value in effects["effect"].items()],
            "range": [
                _share_range(writer, on, *find_limits(mean, sd))
                for _, on, mean, sd in effects[["on", "effect", "sd"]].itertuples()
            ],
            "evidence": effects["evidence"].to_numpy(),
            "n_treated": effects["n_treated"].where(effects["n_treated"] > 0).to_numpy(),
        },
        index=effects.index,
    )
    return writer.table(shown, EXPECTED, "actions", id="effects")


def _campaign(writer: Writer, code: Any, row: pd.Series) -> str:
    name = writer.say(f"actions.{row['action']}")
    return f"{code} · {name}"


def _each(writer: Writer, rows: pd.DataFrame, column: str) -> list[str]:
    """Write an effect per customer: money, or points of the share who buy."""
    return [
        _outcome(writer, measure)(value)
        for measure, value in zip(rows["measure"], rows[column], strict=True)
    ]


def _intervals(writer: Writer, rows: pd.DataFrame, low: str, high: str) -> list[str]:
    return [
        points_range(writer, a, b) if measure == "purchase" else writer.range(a, b, writer.money)
        for measure, a, b in zip(rows["measure"], rows[low], rows[high], strict=True)
    ]


def points_range(writer: Writer, low: float, high: float) -> str:
    """Write an interval of shares in points: "-3.9 to 7.6 points"; a dash without one."""
    if pd.isna(low):
        return writer.say.number(None)
    ends = writer.range(100 * low, 100 * high, partial(writer.say.number, digits=1))
    return writer.say("report.campaigns.points", points=ends)


def _outcome(writer: Writer, measure: str) -> Callable[[float], str]:
    if measure == "purchase":
        return lambda value: _points(writer, value)
    return writer.money


def _points(writer: Writer, value: float) -> str:
    if pd.isna(value):
        return writer.say.number(None)
    return writer.say("report.campaigns.points", points=writer.say.number(100 * value, 1))


def _share_of(writer: Writer, on: str) -> Callable[[float], str]:
    """How an effect on something is written: points, or a share of money."""
    if on == "purchase":
        return lambda value: _points(writer, value)
    name = writer.say(f"effect_on.{on}")
    return lambda value: writer.say(
        "report.campaigns.share", share=writer.say.percent(value, 1), of=name
    )


def _share_range(writer: Writer, on: str, low: float, high: float) -> str:
    if on == "purchase":
        return points_range(writer, low, high)
    return writer.range(low, high, partial(writer.say.percent, digits=1))


def _not_measured(writer: Writer, whole: pd.DataFrame) -> list[Block]:
    notes = []
    for status in OTHERS:
        rows = whole[whole["status"] == status]
        if len(rows):
            names = writer.say.listed(_campaign(writer, code, row) for code, row in rows.iterrows())
            notes.append(writer.note(f"report.campaigns.{status}", names=names))
    return notes


def _comparison(writer: Writer, row: dict[str, Any]) -> str:
    """Say what a list is compared with, or why it is not."""
    say = writer.say
    if row["status"] == "open":
        return say("report.campaigns.list_open", day=say.date(row["closes_on"]))
    if row["status"] != MEASURED:
        return say(f"report.campaigns.list_reasons.{row['reason'] or 'too_few'}")
    return say(f"report.campaigns.compared.{row['comparison']}")
