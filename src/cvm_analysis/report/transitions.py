"""Changes in class, in tables: how many, how many by chance, and which customers."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.segments.transitions import counts

NAMES = {"grade": "grades", "rfm": "segments", "life_cycle": "classes"}  # scheme -> its texts


def summary(writer: Writer, transitions: pd.DataFrame) -> Block:
    """Say how many were downgraded and upgraded, and how many to expect by chance alone.

    transitions : of one scheme; one row per pair of classes, columns of table `transitions`
    """
    sums = transitions.groupby("move")[["n_customers", "expected"]].sum()
    sums = sums.reindex(["fell", "rose"], fill_value=0)
    figures = {
        f"{move}{suffix}": writer.say.number(sums.loc[move, column])
        for move in sums.index
        for suffix, column in (("", "n_customers"), ("_expected", "expected"))
    }
    code = "summary_only" if transitions["expected"].isna().all() else "summary"
    return writer.note(f"report.transitions.{code}", **figures)


def downgrade_rates(writer: Writer, rates: pd.DataFrame, scheme: str) -> Block:
    """Show the share downgraded in each class, beside the range expected by chance.

    rates : one row per class: n_customers, fell (share), low, high
    """
    ends = zip(rates["low"], rates["high"], strict=True)
    ranges = [writer.range(low, high, writer.say.percent) for low, high in ends]
    shown = rates.assign(by_chance=ranges)
    formats = {"n_customers": "number", "fell": "percent", "by_chance": "text"}
    return writer.table(shown, formats, NAMES[scheme])


def downgrades(
    writer: Writer, downgrades: pd.DataFrame, customers: pd.DataFrame, scheme: str, n: int
) -> Block:
    """Show the `n` downgraded customers whose net sales of the last year fell the most.

    downgrades, customers : the tables of these names
    """
    found = counts.select(downgrades, scheme)
    if found.empty:
        return writer.note("report.transitions.nobody")
    figures = {"net_sales_365d": "money", "net_sales_change_365d": "money"}
    figures |= {"days_since_last": "number"}
    formats = dict.fromkeys(("before", "after"), f"words:{NAMES[scheme]}")
    formats |= {"largest_drop": "words:indicators"} if scheme == "grade" else {}
    joined = found.join(customers[list(figures)]).sort_values("net_sales", ascending=False)
    shown = joined.sort_values("net_sales_change_365d", kind="stable").head(n)
    return writer.table(shown, formats | figures, id=f"downgrades-{scheme}")


def conversions(writer: Writer, upgrades: pd.DataFrame, scheme: str) -> Block:
    """Show how many customers of each class moved up, beside those expected by chance.

    upgrades : of one scheme; one row per customer type and class, as `conversions.select_upgrades`
    """
    if upgrades.empty:
        return writer.note("report.transitions.no_conversions")
    ends = zip(upgrades["low"], upgrades["high"], strict=True)
    ranges = [writer.range(low, high, writer.say.percent) for low, high in ends]
    formats = {"customer_type": "words:types", "before": "words:classes", "n_customers": "number"}
    formats |= {"n_rose": "number", "n_expected": "number:1", "rose": "percent"}
    formats |= {"by_chance": "text"}
    return writer.table(upgrades.assign(by_chance=ranges), formats, id=f"conversions-{scheme}")


def threshold_effect(writer: Writer, table: pd.DataFrame, n_customers: int) -> Block:
    """Say how many customers change class only because thresholds have changed.

    table : one row per pair of classes: n_customers
    """
    n = int(table["n_customers"].sum())
    share = writer.say.percent(n / n_customers if n_customers else float("nan"), 1)
    return writer.note("report.transitions.threshold_effect", n=writer.say.number(n), share=share)
