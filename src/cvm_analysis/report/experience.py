"""What customers say, in tables and sentences: scores, who stands out, complaints, candidates."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.campaigns import points_range
from cvm_analysis.report.writer import Writer

ALL, NPS = "all", "nps"
SCORES = {"score": "text", "interval": "text", "score_change": "text", "top_share": "percent"}
SCORES |= {"bottom_share": "percent", "n_answers": "number", "effective_n": "number"}
SCORES |= {"unweighted": "text"}
STANDING = {"score": "text", "score_rest": "text", "interval": "text", "q_value": "number:3"}
RATES = {"n_asked": "number", "n_answered": "number", "response_rate": "percent"}
RATES |= {"interval": "text", "weight": "number:2"}
DRIVERS = {"effect": "text", "interval": "text", "p_first": "percent", "q_value": "number:3"}
COMPLAINTS = {"n_complaints": "number", "complaints_open": "number", "n_overdue": "number"}
COMPLAINTS |= {"complaint_days": "number", "median_days": "number", "closed_within": "percent"}
COMPLAINTS |= {"repeated_share": "percent", "expected_margin": "money"}
AFTER = {"n_matched": "number", "left_share": "percent", "left_share_others": "percent"}
AFTER |= {"difference": "text", "interval": "text"}
TONE = {"n_learned": "number", "n_tested": "number", "auc": "number:2", "interval": "text"}
TONE |= {"sensitivity": "percent", "specificity": "percent", "used": "text"}
TONE_SHARES = {"n_texts": "number", "share_negative": "percent", "interval": "text"}
CONTACTS = {"n_contacts": "number", "n_customers": "number", "n_results": "number"}
CONTACTS |= {"answered_share": "percent", "interval": "text", "correlation": "number:2"}
INDICATORS = {"n_customers": "number", "average": "text", "interval": "text"}
INDICATORS |= {"n_outside": "number", "spend_elsewhere": "money"}
TOPICS = {"n_texts": "number", "share": "percent", "share_others": "percent", "example": "text"}
MONTHS, WORDS, PRODUCTS = 12, 10, 10  # shown
LEAST = 5  # complaints about a product that is shown
PERCENT = ("share_of_wallet", "market_share")  # indicators that are shares
CLEAR = 0.05  # q value below which a difference is more than chance


def scores(writer: Writer, scores: pd.DataFrame) -> Block:
    """Show NPS and satisfaction by dimension in the last period, with all that was computed.

    scores : table `survey_scores`
    """
    last = last_period(scores)
    rows = last[last["group"] == ALL] if len(last) else last
    if rows.empty:
        return writer.note("report.experience.no_answers")
    rows = rows.sort_values("dimension", key=lambda c: c.ne(NPS), kind="stable")
    marks = [_is_clear(row) for row in rows["change_q"]]
    changes = zip(rows["dimension"], rows["score_change"], marks, strict=True)
    shown = rows.assign(
        score=_written(writer, rows, "score"),
        unweighted=_written(writer, rows, "unweighted"),
        interval=_intervals(writer, rows, "low", "high"),
        score_change=[write_change(writer, *each) for each in changes],
    ).set_axis([dimension_name(writer, code) for code in rows["dimension"]])
    return writer.table(shown, SCORES, id="survey-scores")


def standing_out(writer: Writer, scores: pd.DataFrame) -> Block:
    """Show the segments, regions and channels that differ from all others beyond chance."""
    last = last_period(scores)
    rows = last[(last["group"] != ALL) & (last["rest_q"] < CLEAR)] if len(last) else last
    if rows.empty:
        return writer.note("report.experience.nobody_stands_out")
    rows = rows.sort_values("rest_q", kind="stable").head(12)
    shown = rows.assign(
        score=_written(writer, rows, "score"),
        score_rest=_written(writer, rows, "score_rest", signed=True),
        interval=_intervals(writer, rows, "rest_low", "rest_high"),
        q_value=rows["rest_q"],
    ).set_axis([_place(writer, row) for row in rows.to_dict("records")])
    return writer.table(shown, STANDING, id="survey-groups")


def response_rates(writer: Writer, rates: pd.DataFrame) -> Block:
    """Show who answered in the last period, by segment; rates : table `response_rates`."""
    last = last_period(rates)
    rows = last[last["group"].isin([ALL, "segment"])] if len(last) else last
    if rows.empty:
        return writer.note("report.experience.no_answers")
    rows = rows.sort_values("response_rate", ascending=False, kind="stable")
    ends = zip(rows["low"], rows["high"], strict=True)
    shown = rows.assign(
        interval=[writer.range(low, high, writer.say.percent) for low, high in ends]
    ).set_axis(
        [level_name(writer, g, v) for g, v in zip(rows["group"], rows["level"], strict=True)]
    )
    return writer.table(shown, RATES, id="response-rates")


def drivers(writer: Writer, drivers: pd.DataFrame) -> Block:
    """Show the dimensions that go with coming back and with margin; table `drivers`."""
    say = writer.say
    if drivers.empty:
        return writer.note("report.experience.no_drivers")
    rows = drivers.reset_index().sort_values(["outcome_name", "rank"], ascending=[False, True])
    write = [
        writer.money if outcome == "margin" else partial(say.number, digits=2)
        for outcome in rows["outcome_name"]
    ]
    each = zip(write, rows["effect"], rows["low"], rows["high"], strict=True)
    written = [(to(effect), writer.range(low, high, to)) for to, effect, low, high in each]
    names = [
        f"{say(f'report.experience.outcomes.{outcome}')} · {dimension_name(writer, dimension)}"
        for outcome, dimension in zip(rows["outcome_name"], rows["dimension"], strict=True)
    ]
    shown = rows.assign(effect=[e for e, _ in written], interval=[i for _, i in written])
    table = writer.table(shown.set_axis(names), DRIVERS, id="drivers")
    return blocks.join([table, writer.note("report.experience.candidates")])


def complaints(writer: Writer, times: pd.DataFrame, target_days: int) -> Block:
    """Show the complaints by dimension: open, time to close, closed within the target.

    times : table `complaint_times`
    """
    rows = times.reset_index() if len(times) else times
    rows = rows[rows["group"].isin([ALL, "dimension"])] if len(rows) else rows
    if rows.empty:
        return writer.note("report.experience.no_complaints")
    return _complaints(writer, rows, target_days, "complaints")


def complaints_by_product(writer: Writer, times: pd.DataFrame, target_days: int) -> Block:
    """Show the same of the products with most complaints; times : table `complaint_times`."""
    rows = times.reset_index()
    rows = rows[(rows["group"] == "product") & (rows["n_complaints"] >= LEAST)]
    if rows.empty:
        return writer.note("report.experience.no_products")
    rows = rows.sort_values("n_complaints", ascending=False, kind="stable").head(PRODUCTS)
    return _complaints(writer, rows, target_days, "complaints-by-product")


def _complaints(writer: Writer, rows: pd.DataFrame, target_days: int, id: str) -> Block:
    shown = rows.set_axis(
        [level_name(writer, g, v) for g, v in rows[["group", "level"]].to_numpy()]
    )
    days = writer.say.count("days", target_days)
    labels = {"closed_within": writer.say("report.experience.closed_within", days=days)}
    return writer.table(shown, COMPLAINTS, labels=labels, id=id)


def after_complaints(writer: Writer, after: pd.DataFrame) -> Block:
    """Show who left after a complaint beside customers like them; table `after_complaints`."""
    rows = after.reset_index() if len(after) else after
    if rows.empty or rows["left_difference"].isna().all():
        return writer.note("report.experience.no_comparison")
    ends = zip(rows["low"], rows["high"], strict=True)
    shown = rows.assign(
        difference=[_points(writer, value) for value in rows["left_difference"]],
        interval=[points_range(writer, low, high) for low, high in ends],
    ).set_axis([level_name(writer, g, v) for g, v in rows[["group", "level"]].to_numpy()])
    return writer.table(shown, AFTER, id="after-complaints")


def contact_channels(writer: Writer, channels: pd.DataFrame) -> Block:
    """Show which channel customers answer, of all and by segment; table `contact_channels`."""
    rows = channels.reset_index()
    rows = rows[(rows["group"] == ALL) | rows["low"].notna()]
    if rows.empty:
        return writer.note("report.experience.no_contacts")
    ends = zip(rows["low"], rows["high"], strict=True)
    names = rows[["channel", "group", "level"]].to_numpy()
    shown = rows.assign(
        interval=[writer.range(low, high, writer.say.percent) for low, high in ends]
    ).set_axis([f"{_channel(writer, c)} · {level_name(writer, g, v)}" for c, g, v in names])
    table = writer.table(shown, CONTACTS, id="contact-channels")
    return blocks.join([table, writer.note("report.experience.not_drawn")])


def indicator_figures(writer: Writer, figures: pd.DataFrame) -> Block:
    """Show the imported indicators by segment; table `indicator_figures`."""
    rows = figures.reset_index()
    if rows.empty:
        return writer.note("report.experience.no_indicators")
    write = [partial(_indicator, writer, name) for name in rows["indicator"]]
    each = zip(write, rows["average"], rows["low"], rows["high"], strict=True)
    written = [(to(mean), writer.range(low, high, to)) for to, mean, low, high in each]
    shown = rows.assign(average=[m for m, _ in written], interval=[i for _, i in written])
    names = rows[["indicator", "group", "level"]].to_numpy()
    table = writer.table(
        shown.set_axis(
            [f"{_measure(writer, i)} · {level_name(writer, g, v)}" for i, g, v in names]
        ),
        INDICATORS,
        id="indicator-figures",
    )
    return blocks.join([table, writer.note("report.experience.of_the_import")])


def tone(writer: Writer, tested: pd.DataFrame) -> Block:
    """Show how well the tone of texts is recognised; tested : as text_tables.tone."""
    if tested.empty:
        return writer.note("report.experience.no_tone")
    say = writer.say
    ends = zip(tested["auc_low"], tested["auc_high"], strict=True)
    shown = tested.assign(
        interval=[writer.range(low, high, partial(say.number, digits=2)) for low, high in ends],
        used=[say("report.writer.yes") if used else "" for used in tested["is_used"]],
    ).set_axis([say(f"report.experience.sources.{code}") for code in tested["source"]])
    return writer.table(shown, TONE, id="tone")


def tone_shares(writer: Writer, shares: pd.DataFrame) -> Block:
    """Show the share of negative texts of the last months; shares : as text_tables.shares."""
    if shares.empty:
        return writer.note("report.experience.no_tone_shares")
    rows = shares.tail(MONTHS)
    ends = zip(rows["share_low"], rows["share_high"], strict=True)
    shown = rows.assign(
        interval=[writer.range(low, high, writer.say.percent) for low, high in ends]
    )
    return writer.table(
        shown.set_axis([writer.say.month(day) for day in rows["month"]]),
        TONE_SHARES,
        id="tone-shares",
    )


def topics(writer: Writer, topics: pd.DataFrame) -> Block:
    """Show the words that stand out, each with an example; topics : as text_tables.stand_out."""
    if topics.empty:
        return writer.note("report.experience.no_topics")
    rows = topics.sort_values(["source", "rank"]).head(WORDS)
    return writer.table(rows.set_axis(rows["term"].astype(str)), TOPICS, id="topics")


def last_period(table: pd.DataFrame) -> pd.DataFrame:
    """Select the rows of the last period, the key as columns."""
    flat = table.reset_index()
    return flat[flat["until"] == flat["until"].max()] if len(flat) else flat


def _is_clear(q: float) -> bool:
    return bool(pd.notna(q) and q < CLEAR)


def _score(writer: Writer, dimension: str, value: float) -> str:
    """Write an NPS without decimals, a mean satisfaction with two."""
    return writer.say.number(value, 0 if dimension == NPS else 2)


def _written(writer: Writer, rows: pd.DataFrame, column: str, signed: bool = False) -> list[str]:
    pairs = zip(rows["dimension"], rows[column], strict=True)
    return [
        ("+" if signed and value > 0 else "") + _score(writer, dimension, value)
        for dimension, value in pairs
    ]


def _intervals(writer: Writer, rows: pd.DataFrame, low: str, high: str) -> list[str]:
    return [
        writer.range(a, b, partial(_score, writer, dimension))
        for dimension, a, b in zip(rows["dimension"], rows[low], rows[high], strict=True)
    ]


def write_change(writer: Writer, dimension: str, value: float, is_clear: bool) -> str:
    """Write a change with its sign; one within chance says so."""
    if pd.isna(value):
        return writer.say.number(None)
    written = ("+" if value > 0 else "") + _score(writer, dimension, value)
    return written if is_clear else writer.say("report.experience.chance", change=written)


def _points(writer: Writer, value: float) -> str:
    if pd.isna(value):
        return writer.say.number(None)
    return writer.say("report.campaigns.points", points=writer.say.number(100 * value, 1))


def dimension_name(writer: Writer, code: str) -> str:
    """Name a dimension of satisfaction, or the NPS."""
    return writer.say("columns.nps") if code == NPS else writer.say.level("dimension", code)


def level_name(writer: Writer, group: str, level: str) -> str:
    """Name a level of a group: a segment, a region, a value of the data, or all."""
    say = writer.say
    if group == ALL:
        return say("report.experience.all")
    if group == "segment":
        return say(f"segments.{level}")
    return say.level(group, level)


def _channel(writer: Writer, code: str) -> str:
    key = f"channels.{code}"
    return writer.say(key) if key in writer.say else writer.say.level("channel", code)


def _measure(writer: Writer, name: str) -> str:
    """Name an imported indicator: as a scorecard names it, else as a measure."""
    key = f"indicators.{name}"
    found = writer.say(key) if key in writer.say else writer.say.measure(name)
    return found[:1].upper() + found[1:]


def _indicator(writer: Writer, name: str, value: float) -> str:
    is_share = name in PERCENT
    return writer.say.percent(value) if is_share else writer.say.number(value, 2)


def _place(writer: Writer, row: dict[str, Any]) -> str:
    level = level_name(writer, row["group"], row["level"])
    return f"{level} · {dimension_name(writer, row['dimension'])}"
