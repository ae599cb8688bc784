"""Changes in class, in tables: how many, how many by chance, and which customers."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.segments.transitions import counts

NAMES = {
    "grade": "grades",
    "rfm": "segments",
    "life_cycle": "classes",
}  # scheme -> section of texts


def summary(manager: Writer, moves: pd.DataFrame) -> Block:
    """Say how many were downgraded and upgraded, and how many to expect by chance alone.

    moves : of one scheme; one row per pair of classes, columns of table `transitions`
    """
    say = manager.say
    sums = moves.groupby("move")[["n_customers", "expected"]].sum(min_count=1)
    sums = sums.reindex(["fell", "rose"])
    figures = {
        f"{move}{suffix}": say.number(sums.loc[move, column])
        for move in sums.index
        for suffix, column in (("", "n_customers"), ("_expected", "expected"))
    }
    unknown = moves["expected"].isna().all()
    return blocks.note(say("moved.alone" if unknown else "moved.said", **figures), manager.language)


def downgrade_rates(manager: Writer, falls: pd.DataFrame, scheme: str) -> Block:
    """Show the share downgraded in each class, beside the range expected by chance.

    falls : as transition_matrix.compare_downgrades makes them
    """
    say = manager.say
    ranges = [
        say("moved.between", low=say.percent(low), high=say.percent(high)) if pd.notna(low) else ""
        for low, high in zip(falls["low"], falls["high"], strict=True)
    ]
    formats = {"n_customers": "number", "fell": "percent", "by_chance": "text"}
    shown = falls.assign(by_chance=ranges)
    return blocks.table(shown, formats, manager.language, rows=NAMES[scheme])


def downgrades(
    manager: Writer, fallen: pd.DataFrame, people: pd.DataFrame, scheme: str, n: int
) -> Block:
    """Show the `n` downgraded customers with the highest net sales.

    fallen : columns of table `downgrades`; people : one row per customer, columns of `customers`
    """
    found = counts.select(fallen, scheme)
    if found.empty:
        return blocks.note(manager.say("moved.nobody"), manager.language)
    first = found.sort_values("net_sales", ascending=False, kind="stable").head(n)
    shown = first.join(people[["net_sales_365d", "net_sales_change_365d", "days_since_last"]])
    because = {"largest_drop": "words:indicators"} if scheme == "grade" else {}
    return blocks.table(
        shown,
        {
            "before": f"words:{NAMES[scheme]}",
            "after": f"words:{NAMES[scheme]}",
            **because,
            "net_sales_365d": "money",
            "net_sales_change_365d": "money",
            "days_since_last": "number",
        },
        manager.language,
        manager.currency,
        id=f"fallen-{scheme}",
    )


def threshold_effect(manager: Writer, table: pd.DataFrame, n_customers: int) -> Block:
    """Say how many customers change class only because thresholds have changed.

    table : as Transitions.threshold_effect makes it
    """
    moved = int(table["n_customers"].sum())
    share = manager.say.percent(moved / n_customers if n_customers else float("nan"), 1)
    text = manager.say("moved.recut", n=manager.say.number(moved), share=share)
    return blocks.note(text, manager.language)
