"""Scores, classes and grades in tables: thresholds, reasons and sensitivity."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pandas as pd

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.segments.grades.reviews import Graded
from cvm_analysis.segments.grades.scorecard import Scorecard
from cvm_analysis.segments.grades.versions import Effect, merge_grades


def score_ranges(manager: Writer, limits: pd.DataFrame) -> Block:
    """Show the threshold of each RFM score and the number of customers with it.

    limits : as segments.rfm.score_ranges makes them
    """
    labels = manager.say.section("cut_points")
    table = limits.set_axis(limits.index.astype(str)).iloc[::-1]
    return blocks.table(
        table, dict.fromkeys(labels, "number"), manager.language, labels=labels, id="cut-points"
    )


def class_thresholds(manager: Writer, limits: Mapping[str, Mapping[str, float]]) -> Block:
    """Show the thresholds of the middle and the best class.

    limits : scheme -> level -> least value, the worse level first
    """
    table = pd.DataFrame.from_dict(
        {scheme: list(each.values()) for scheme, each in limits.items()},
        orient="index",
        columns=["mid", "high"],
    )
    return blocks.table(
        table, {"mid": "number", "high": "number"}, manager.language, rows="columns"
    )


def crosstab(manager: Writer, table: pd.DataFrame, of: str = "number") -> Block:
    """Show a crosstab of two classifications.

    table : as segments.classes.cross makes it; of : `number` of customers, or `money`
    """
    headings = manager.say.names("classes", table.columns)
    formats = dict.fromkeys(table, of)
    return blocks.table(
        table, formats, manager.language, manager.currency, rows="classes", labels=headings
    )


def disagreements(manager: Writer, table: pd.DataFrame) -> Block:
    """Show customers who rank high in one classification and low in another.

    table : as segments.classes.disagreements makes it
    """
    say = manager.say
    if table.empty:
        return blocks.note(say("graded.all_agree"), manager.language)
    words = {
        side: [
            say("graded.class", scheme=say(f"columns.{scheme}"), level=say(f"classes.{level}"))
            for scheme, level in zip(table[side], table[f"{side}_level"], strict=True)
        ]
        for side in ("good", "bad")
    }
    shown = table.assign(**words).set_index("customer_id")
    formats = {"good": "text", "bad": "text", "net_sales": "money"}
    return blocks.table(shown, formats, manager.language, manager.currency)


def grade_thresholds(manager: Writer, today: Mapping[str, Graded]) -> Block:
    """Show the least score of each grade, for each customer type."""
    order: list[str] = []
    there = {kind: each for kind, each in today.items() if len(each.measures)}
    for each in there.values():
        order = merge_grades(order, list(each.thresholds))
    rows = {kind: dict(each.thresholds) for kind, each in there.items()}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=order)
    headings = {code: manager.say(f"grades.{code}") for code in order}
    formats = dict.fromkeys(order, "number:1")
    return blocks.table(table, formats, manager.language, rows="types", labels=headings)


def next_grades(manager: Writer, grades: pd.DataFrame, n: int) -> Block:
    """Show the `n` customers closest to the next grade, and the easiest improvement.

    grades : one row per customer, columns of table `grades`; shown are those graded by score
        alone who can reach the next grade through one improvement of known cost
    """
    say = manager.say
    within = grades[(grades["grade"] == grades["score_grade"]) & grades["change"].notna()]
    near = within.nsmallest(n, "points_to_next")
    if near.empty:
        return blocks.note(say("graded.nobody_near"), manager.language)
    changes = [
        say(
            "graded.change",
            indicator=say(f"indicators.{row.change}"),
            now=_figure(manager, row.change_from),
            then=_figure(manager, row.change_to),
        )
        for row in near.itertuples()
    ]
    return blocks.table(
        near.assign(change=changes),
        {
            "customer_type": "words:types",
            "grade": "words:grades",
            "score": "number:1",
            "next_grade": "words:grades",
            "points_to_next": "number:2",
            "change": "text",
            "change_cost": "money",
        },
        manager.language,
        manager.currency,
        id="next-grades",
    )


def _figure(manager: Writer, value: float) -> str:
    """Write a figure of unknown unit with as few digits as possible."""
    return manager.say.number(value, 0 if abs(value) >= 100 or value == round(value) else 2)


def sensitivity(manager: Writer, table: pd.DataFrame) -> Block:
    """Show how many grades change when one weight changes; table as grades.weights.sensitivity."""
    wide = table.pivot(index="indicator", columns="direction", values="changed_share")
    rows = table.drop_duplicates("indicator").set_index("indicator")
    shown = rows[["weight"]].join(wide)
    labels = manager.say.section("graded.sensitivity")
    formats = dict.fromkeys(("weight", "down", "up"), "percent")
    return blocks.table(shown, formats, manager.language, rows="indicators", labels=labels)


def stability(manager: Writer, table: pd.DataFrame) -> Block:
    """Show how many grades stay the same when all weights vary; table as grades.weights.summary."""
    named = table.drop(index="all").join(pd.DataFrame(index=table.index))
    formats = {"n_customers": "number", "stable_share": "percent"}
    return blocks.table(named, formats, manager.language, rows="grades")


def version(manager: Writer, draft: Scorecard, effect: Effect, as_of: dt.date) -> Block:
    """Say how many grades a future version would change, and show the largest customers."""
    say, moved = manager.say, effect.regraded
    if draft.valid_from <= as_of:
        return blocks.note(say("graded.no_draft"), manager.language)
    sides = {move: moved[moved["move"] == move] for move in ("rose", "fell")}
    said = say(
        "graded.draft",
        date=say.date(draft.valid_from),
        n=say.number(effect.n_graded),
        up=say.number(len(sides["rose"])),
        down=say.number(len(sides["fell"])),
        up_money=manager.money(sides["rose"]["net_sales"].sum()),
        down_money=manager.money(sides["fell"]["net_sales"].sum()),
    )
    formats = {"before": "words:grades", "after": "words:grades", "net_sales": "money"}
    first = moved.head(10)
    table = blocks.table(first, formats, manager.language, manager.currency)
    return blocks.join([blocks.note(said, manager.language), table])
