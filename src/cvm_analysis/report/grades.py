"""Scores, classes and grades in tables: thresholds, reasons and sensitivity."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.segments.grades import points, summary
from cvm_analysis.segments.grades.reviews import Graded
from cvm_analysis.segments.grades.scorecard import Scorecard
from cvm_analysis.segments.grades.versions import Effect, merge_grades
from cvm_analysis.texts import Words


def score_ranges(writer: Writer, thresholds: pd.DataFrame) -> Block:
    """Show the threshold of each RFM score and the number of customers with it.

    thresholds : one row per score: r, f, m, n_r, n_f, n_m
    """
    labels = writer.say.section("report.grades.score_ranges")
    table = thresholds.set_axis(thresholds.index.astype(str)).iloc[::-1]
    return writer.table(table, dict.fromkeys(labels, "number"), labels=labels, id="score-ranges")


def names_replaced(writer: Writer, table: pd.DataFrame) -> Block:
    """Show which segment names activity replaces, by what, and for how many customers.

    table : one row per rule: segment, activity, instead (codes), n_customers
    """
    if table.empty:
        return writer.note("report.grades.no_names_replaced")
    labels = writer.say.section("report.grades.names_replaced")
    formats = {"segment": "words:segments", "activity": "words:activity"}
    formats |= {"instead": "words:segments", "n_customers": "number"}
    return writer.table(table, formats, labels=labels, id="names-replaced")


def class_thresholds(
    writer: Writer, thresholds: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> Block:
    """Show the thresholds of the middle and the best class, for each customer type.

    thresholds : customer type -> scheme -> class -> least value, the worse class first
    """
    rows = [
        {"customer_type": kind, "class": writer.say(f"schemes.{scheme}")}
        | dict(zip(("mid", "high"), each.values(), strict=True))
        for kind, schemes in thresholds.items()
        for scheme, each in schemes.items()
    ]
    formats = {"customer_type": "words:types", "class": "text", "mid": "number", "high": "number"}
    columns = [*formats]
    return writer.table(pd.DataFrame(rows, columns=columns), formats, id="class-thresholds")


def class_sizes(writer: Writer, sizes: pd.DataFrame) -> Block:
    """Show the customers of each class and their sales in the period, for each customer type.

    sizes : one row per customer type and class of a scheme: customer_type, class, n_customers,
        share_customers (of the type), period_sales
    """
    formats = {"customer_type": "words:types", "class": "words:classes", "n_customers": "number"}
    formats |= {"share_customers": "percent", "period_sales": "money"}
    return writer.table(sizes, formats)


def crosstab(writer: Writer, table: pd.DataFrame, of: str = "number") -> Block:
    """Show a crosstab of two classifications; `of`: `number` of customers, or `money`."""
    headings = writer.say.names("classes", table.columns)
    return writer.table(table, dict.fromkeys(table, of), "classes", headings)


def disagreements(writer: Writer, table: pd.DataFrame) -> Block:
    """Show customers who rank high in one classification and low in another.

    table : one row per customer: good, good_level, bad, bad_level (codes), net_sales
    """
    say = writer.say
    if table.empty:
        return writer.note("report.grades.all_agree")
    named = {
        side: [_class(say, *pair) for pair in table[[side, f"{side}_level"]].to_numpy()]
        for side in ("good", "bad")
    }
    shown = table.assign(**named).set_index("customer_id")
    return writer.table(shown, {"good": "text", "bad": "text", "net_sales": "money"})


def _class(say: Words, scheme: str, level: str) -> str:
    scheme, level = say(f"columns.{scheme}"), say(f"classes.{level}")
    return say("report.grades.class", scheme=scheme, level=level)


def grade_thresholds(writer: Writer, today: Mapping[str, Graded]) -> Block:
    """Show the least score of each grade, for each customer type, and words without points."""
    order: list[str] = []
    rows = {kind: dict(each.thresholds) for kind, each in today.items() if len(each.measures)}
    for each in rows.values():
        order = merge_grades(order, list(each))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=order)
    headings = writer.say.names("grades", order)
    shown = writer.table(table, dict.fromkeys(order, "number:1"), "types", headings)
    notes = [note for each in today.values() for note in _unknown_words(writer, each)]
    return blocks.join([shown, *notes])


def _unknown_words(writer: Writer, graded: Graded) -> Iterator[Block]:
    """Name, for each indicator, the words that have no points, and how many customers have them."""
    say, unknown = writer.say, points.unknown_words(graded.card, graded.measures)
    for code, rows in unknown.groupby("indicator", sort=False):
        counted = zip(rows["word"], map(say.number, rows["n_customers"]), strict=True)
        listed = say.listed(say("report.grades.word", word=word, n=n) for word, n in counted)
        name = say(f"indicators.{code}")
        yield writer.note("report.grades.unknown_words", indicator=name, words=listed)


def quotas(writer: Writer, table: pd.DataFrame) -> Block:
    """Show the quota of each grade, its share by score and after the review rules.

    table : as `summary.compare_quotas` makes it
    """
    if table.empty:
        return writer.note("report.grades.nobody_graded")
    formats = {"customer_type": "words:types", "grade": "words:grades", "quota": "percent"}
    formats |= {"score_share": "percent", "grade_share": "percent", "n_customers": "number"}
    labels = writer.say.section("report.grades.quotas")
    return writer.table(table, formats, labels=labels, id="grade-quotas")


def next_grades(writer: Writer, grades: pd.DataFrame, n: int) -> Block:
    """Show the `n` customers who need the fewest points to rise, and the easiest improvement.

    Above the table: how many score enough already, and how many the margin keeps.

    grades : one row per customer, columns of table `grades`; shown are those who can rise at the
        next review through one improvement of known cost
    """
    near = grades[summary.can_rise(grades) & grades["change"].notna()]
    near = near.nsmallest(n, "points_to_next")
    said = [
        blocks.note(writer.say.plural(f"report.grades.{key}", count), writer.language)
        for key, count in _waiting(grades).items()
        if count
    ]
    if near.empty:
        return blocks.join([*said, writer.note("report.grades.nobody_near")])
    changes = [change(writer, row) for row in near.to_dict("records")]
    formats = {"customer_type": "words:types", "grade": "words:grades", "score": "number:1"}
    formats |= {"next_grade": "words:grades", "points_to_next": "number:2"}
    formats |= {"change": "text", "change_cost": "money"}
    return blocks.join(
        [*said, writer.table(near.assign(change=changes), formats, id="next-grades")]
    )


def _waiting(grades: pd.DataFrame) -> dict[str, int]:
    """Count who rises at the next review, and who has the next grade by score but the margin."""
    can_rise = grades["reviews_to_next"] == 1
    by_score = grades["score_grade"] == grades["next_grade"]
    return {
        "rises": int((can_rise & (grades["points_to_next"] == 0)).sum()),
        "within_margin": int((by_score & (grades["points_to_next"] > 0)).sum()),
    }


def change(writer: Writer, row: Mapping[Any, Any]) -> str:
    """Write the easiest improvement: `Spend from 448 to 578`."""
    ends = {"now": figure(writer, row["change_from"]), "then": figure(writer, row["change_to"])}
    indicator = writer.say(f"indicators.{row['change']}")
    return writer.say("report.grades.change", indicator=indicator, **ends)


def figure(writer: Writer, value: float) -> str:
    """Write a figure of unknown unit with as few digits as possible; an empty one as nothing."""
    return writer.say.number(value, 0 if abs(value) >= 100 or value % 1 == 0 else 2)


def sensitivity(writer: Writer, table: pd.DataFrame) -> Block:
    """Show how many grades change when one weight changes; table as grades.weights.sensitivity."""
    wide = table.pivot(index="indicator", columns="direction", values="changed_share")
    rows = table.drop_duplicates("indicator").set_index("indicator")
    shown = rows[["weight"]].join(wide)
    labels = writer.say.section("report.grades.sensitivity")
    formats = dict.fromkeys(("weight", "down", "up"), "percent")
    return writer.table(shown, formats, rows="indicators", labels=labels)


def stability(writer: Writer, table: pd.DataFrame) -> Block:
    """Show how many grades stay the same when all weights vary; table as grades.weights.summary."""
    named = table.drop(index="all").join(pd.DataFrame(index=table.index))
    formats = {"n_customers": "number", "stable_share": "percent"}
    return writer.table(named, formats, rows="grades")


def regions(writer: Writer, table: pd.DataFrame, names: Mapping[str, str]) -> Block:
    """Show, for each customer type, regions by their share with the best grade.

    table : as `fairness.compare_regions` makes it; names : region -> its name
    """
    if table.empty:
        return writer.note("report.grades.one_region")
    say, flat = writer.say, table.reset_index()
    region = [names.get(code) or say(f"groups.{code}") for code in flat["region"]]
    ratio = [say.number(each, 2) for each in flat["ratio"]]
    ends = zip(flat["low"], flat["high"], strict=True)
    interval = [writer.range(low, high, lambda value: say.number(value, 2)) for low, high in ends]
    verdict = [say(f"charts.four_fifths.{code}") for code in flat["verdict"]]
    shown = flat.assign(region=region, ratio=ratio, interval=interval, verdict=verdict)
    formats = {"customer_type": "words:types", "region": "text", "n_customers": "number"}
    formats |= {"best_share": "percent", **dict.fromkeys(("ratio", "interval", "verdict"), "text")}
    labels = say.section("report.grades.regions")
    return writer.table(shown, formats, labels=labels, id="grades-by-region")


def version(writer: Writer, draft: Scorecard, effect: Effect, as_of: dt.date) -> Block:
    """Say how many grades a future version would change, and show the largest customers."""
    say, changed = writer.say, effect.regraded
    if draft.valid_from <= as_of:
        return writer.note("report.grades.no_draft")
    up, down = (changed[changed["move"] == move] for move in ("rose", "fell"))
    said = writer.note(
        "report.grades.draft",
        date=say.date(draft.valid_from),
        n=say.number(effect.n_graded),
        up=say.number(len(up)),
        down=say.number(len(down)),
        up_money=writer.money(up["net_sales"].sum()),
        down_money=writer.money(down["net_sales"].sum()),
    )
    formats = {"before": "words:grades", "after": "words:grades", "net_sales": "money"}
    first = changed.head(10).rename(columns={"money": "net_sales"})
    return blocks.join([said, writer.table(first, formats)])
