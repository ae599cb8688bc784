"""The company's report: its regions side by side, and how it relates to their reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block, Cell
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import ALL

SHOWN = {"net_sales": "text", "kept_share": "text", "expected_margin": "money"}
SHOWN |= {"margin_at_stake": "money", "action": "text"}


def title(writer: Writer, regions: pd.DataFrame) -> str:
    """Say which region grew most, and which fell back or grew least; of all only if all are known.

    regions : as performance.regions.compare
    """
    say, known = writer.say, regions["net_sales_change"].dropna()
    if len(known) < 2:
        return say("report.regions.title")
    best, worst = known.idxmax(), known.idxmin()
    form = "grew" if known[worst] >= 0 else "all_fell" if known[best] < 0 else "fell"
    if form != "fell" and len(known) < len(regions):
        return say("report.regions.title")
    return say(
        f"report.regions.{form}",
        best=say.level("region", str(best)),
        best_change=say.percent(abs(known[best])),
        worst=say.level("region", str(worst)),
        worst_change=say.percent(abs(known[worst])),
    )


def chapter(writer: Writer, regions: pd.DataFrame, region: str) -> Block:
    """Show the regions side by side in the company's report; nothing in that of a region.

    regions : as performance.regions.compare
    """
    if region != ALL or regions.empty:
        return Block("")
    heading = blocks.section(title(writer, regions), writer.say("report.regions.how_to_read"))
    return blocks.join([heading, comparison(writer, regions)])


def comparison(writer: Writer, regions: pd.DataFrame) -> Block:
    """Show one row per region: sales, kept customers, expected margin, and what to do first."""
    rows = regions.reset_index().to_dict("records")
    shown = regions.assign(
        net_sales=[_with_change(writer, row, "net_sales") for row in rows],
        kept_share=[_with_change(writer, row, "kept_share") for row in rows],
        action=[_action(writer, row) for row in rows],
    )
    labels = {name: writer.say(f"report.regions.{name}") for name in SHOWN}
    named = shown.set_axis([writer.say.level("region", str(code)) for code in shown.index])
    return writer.table(named, SHOWN, labels=labels, id="regions")


def _with_change(writer: Writer, row: Mapping[str, Any], figure: str) -> Cell:
    """A figure, and its change in small letters; a change within chance says so."""
    say, value, change = writer.say, row[figure], row[f"{figure}_change"]
    is_share = figure == "kept_share"
    written = say.percent(value) if is_share else writer.money(value)
    if pd.isna(change):
        return Cell(written)
    sign = "up" if change > 0 else "down" if change < 0 else "same"
    size = say.percent(abs(change))
    if is_share:
        size = say("report.first_page.points", points=say.number(100 * abs(change), 1))
    key = sign if row[f"{figure}_clear"] else f"{sign}_by_chance"
    return Cell(written, say(f"report.regions.{key}", change=size))


def _action(writer: Writer, row: Mapping[str, Any]) -> Cell:
    say = writer.say
    if not isinstance(row["action"], str):
        return Cell(say.number(None))
    return Cell(say(f"actions.{row['action']}"), say.count("customers", row["n_contacts"]))
