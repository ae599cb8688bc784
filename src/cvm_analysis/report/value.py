"""Expected margin in tables: ranges of totals, and values by customer group."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer


def totals(writer: Writer, totals: pd.DataFrame) -> Block:
    """Show one row per segment: expected margin and its 80% range.

    totals : table `value_totals`, indexed by segment
    """
    ends = zip(totals["expected_margin_low"], totals["expected_margin_high"], strict=True)
    ranges = [writer.range(low, high, writer.in_full) for low, high in ends]
    shown = totals.assign(range=ranges)
    formats = {"n_customers": "number", "expected_margin": "money", "range": "text"}
    return writer.table(shown, formats, "segments")


def total(writer: Writer, totals: pd.DataFrame) -> Block:
    """Say the 80% range of the expected margin of all customers.

    totals : table `value_totals`, indexed by segment
    """
    low, high = totals.loc["all", ["expected_margin_low", "expected_margin_high"]]
    if pd.isna(low):
        return writer.note("report.value.total_unknown")
    return writer.note("report.value.total", low=writer.money(low), high=writer.money(high))


def by_group(writer: Writer, groups: pd.DataFrame) -> Block:
    """Show past and expected margin per customer, by group.

    groups : from clv.value.sum_by_group, indexed by values of the column that names the index
    """
    if groups.empty:
        return writer.note("report.value.no_groups")
    means = ("margin_so_far_mean", "expected_margin_mean", "value_residual_mean")
    formats = {"n_customers": "number", **dict.fromkeys(means, "money")}
    return writer.table(groups, formats, f"values.{groups.index.name}")
