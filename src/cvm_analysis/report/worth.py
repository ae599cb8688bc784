"""Lifetime value in tables: ranges of totals, and what customers of a kind are worth."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.manager import Manager


def totals(manager: Manager, totals: pd.DataFrame) -> Block:
    """Show one row per segment: its value, and the range in which it will lie for eight in ten.

    totals : as clv.intervals.totals makes them
    """
    shown = totals.rename(columns={"value": "value_12m"}).assign(
        range=[
            manager.say(
                "worth.range",
                low=manager.say.short(low, manager.currency),
                high=manager.say.short(high, manager.currency),
            )
            if pd.notna(low)
            else manager.say.number(None)
            for low, high in zip(totals["value_low"], totals["value_high"], strict=True)
        ]
    )
    formats = {"n_customers": "number", "value_12m": "money", "range": "text"}
    return blocks.table(shown, formats, manager.language, manager.currency, rows="segments")


def by_group(manager: Manager, groups: pd.DataFrame) -> Block:
    """Show what customers of each group brought so far and are expected to bring, per customer.

    groups : as clv.value.by_group makes them
    """
    formats = {
        "n_customers": "number",
        "value_so_far_mean": "money",
        "value_12m_mean": "money",
        "value_residual_mean": "money",
    }
    return blocks.table(groups, formats, manager.language, manager.currency)
