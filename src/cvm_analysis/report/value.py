"""Expected margin: ranges of totals, last year's margin beside it, and values by group."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer


def totals(writer: Writer, totals: pd.DataFrame) -> Block:
    """Show one row per segment: expected margin and its range.

    totals : table `value_totals`, indexed by segment
    """
    ends = zip(totals["expected_margin_low"], totals["expected_margin_high"], strict=True)
    ranges = [writer.range(low, high, writer.in_full) for low, high in ends]
    shown = totals.assign(range=ranges)
    formats = {"n_customers": "number", "expected_margin": "money", "range": "text"}
    return writer.table(shown, formats, "segments")


def total(writer: Writer, totals: pd.DataFrame) -> Block:
    """Say the range of the expected margin of all customers, and what it rests on.

    totals : table `value_totals`, indexed by segment
    """
    all_customers = totals.loc["all"]
    low, high = all_customers[["expected_margin_low", "expected_margin_high"]]
    if pd.isna(low):
        return writer.note("report.value.total_unknown")
    ends = {"low": writer.money(low), "high": writer.money(high)}
    periods = int(all_customers["n_past_periods"])
    if not periods:
        return writer.note("report.value.total_by_prior", **ends)
    text = writer.say.plural("report.value.total", periods, **ends)
    return blocks.note(text, writer.language)


def bridge(writer: Writer, parts: pd.DataFrame) -> Block:
    """Say last year's margin, of known and of new customers, and the margin expected.

    parts : from clv.bridge.compare
    """
    money = {
        "last_year": ("all", "margin_last_year"),
        "known": ("known", "margin_last_year"),
        "new": ("new", "margin_last_year"),
        "expected": ("all", "expected_margin"),
    }
    written = {name: writer.money(parts.loc[cell]) for name, cell in money.items()}
    heads = {
        f"n_{name}": writer.say.count("customers", parts.loc[name, "n_customers"])
        for name in ("known", "new")
    }
    return blocks.text(writer.say("report.value.bridge", **written, **heads))


def by_group(writer: Writer, groups: pd.DataFrame, words: str = "") -> Block:
    """Show past and expected margin per customer, by group.

    groups : from clv.value.sum_by_group, indexed by values of the column that names the index
    words : section of the texts that names them; empty: that of the column's values
    """
    if groups.empty:
        return writer.note("report.value.no_groups")
    means = ("margin_so_far_mean", "expected_margin_mean", "value_residual_mean")
    formats = {"n_customers": "number", **dict.fromkeys(means, "money")}
    return writer.table(groups, formats, words or f"values.{groups.index.name}")


def margin_chapter(writer: Writer, segments: pd.DataFrame, parts: pd.DataFrame) -> Block:
    """Show the part on where the margin comes from; nothing without a customer valued.

    segments : from clv.bridge.by_segment; parts : as for `bridge`
    """
    return writer.part(margin_heading(writer, segments), bridge(writer, parts))


def margin_heading(writer: Writer, segments: pd.DataFrame) -> str:
    """Say last year's margin of today's customers, the margin expected, and who brings most of it.

    segments : from clv.bridge.by_segment; empty text without a customer valued
    """
    if segments.empty:
        return ""
    total, top = float(segments["expected_margin"].sum()), segments["expected_margin"].iloc[0]
    return writer.say(
        "report.value.by_segment",
        last_year=writer.money(segments["margin_last_year"].sum()),
        expected=writer.money(total),
        share=writer.say.percent(top / total if total else float("nan")),
        segment=writer.say(f"segments.{segments.index[0]}"),
    )
