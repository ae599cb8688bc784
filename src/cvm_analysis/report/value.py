"""Expected margin in tables: ranges of totals, and values by customer group."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer


def totals(manager: Writer, totals: pd.DataFrame) -> Block:
    """Show one row per segment: expected margin and its 80% range.

    totals : table `value_totals`, indexed by segment
    """
    shown = totals.assign(
        range=[
            manager.say(
                "worth.range",
                low=manager.say.money(low, manager.currency),
                high=manager.say.money(high, manager.currency),
            )
            if pd.notna(low)
            else manager.say.number(None)
            for low, high in zip(
                totals["expected_margin_low"], totals["expected_margin_high"], strict=True
            )
        ]
    )
    formats = {"n_customers": "number", "expected_margin": "money", "range": "text"}
    return blocks.table(shown, formats, manager.say, manager.currency, rows="segments")


def total(manager: Writer, totals: pd.DataFrame) -> Block:
    """Say the 80% range of the expected margin of all customers.

    totals : table `value_totals`, indexed by segment
    """
    low, high = totals.loc["all", ["expected_margin_low", "expected_margin_high"]]
    if pd.isna(low):
        return blocks.note(manager.say("worth.total_unknown"), manager.language)
    ends = {"low": low, "high": high}
    said = {name: manager.money(end) for name, end in ends.items()}
    return blocks.note(manager.say("worth.total", **said), manager.language)


def by_group(manager: Writer, groups: pd.DataFrame) -> Block:
    """Show past and expected margin per customer, by group.

    groups : from clv.value.sum_by_group, indexed by values of the column that names the index
    """
    if groups.empty:
        return blocks.note(manager.say("worth.no_groups"), manager.language)
    formats = {
        "n_customers": "number",
        "margin_so_far_mean": "money",
        "expected_margin_mean": "money",
        "value_residual_mean": "money",
    }
    rows = f"values.{groups.index.name}"
    return blocks.table(groups, formats, manager.say, manager.currency, rows=rows)
