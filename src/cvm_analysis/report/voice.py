"""What customers say in brief: what to look at first, open complaints, NPS, late deliveries."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from cvm_analysis.report import blocks, experience
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.experience import ALL, CLEAR, NPS
from cvm_analysis.report.writer import Writer

FIRST = 2  # dimensions to look at first
MOST = 5  # dimensions shown
OUTCOME = "purchase"  # what they are to go with
_DIMENSIONS = {"score": "number:2", "change": "text", "complaints_open": "number"}
_DIMENSIONS |= {"n_overdue": "number", "expected_margin": "amounts"}
_LATE = {"n_due": "number", "late_share": "percent", "interval": "text", "q_value": "number:3"}


class Voice(NamedTuple):
    """What customers say, and whether their deliveries came.

    survey_scores, drivers, complaint_times, late_deliveries : tables of these names
    close_within_days : the target of complaints
    """

    survey_scores: pd.DataFrame
    drivers: pd.DataFrame
    complaint_times: pd.DataFrame
    late_deliveries: pd.DataFrame
    close_within_days: int


def heading(writer: Writer, voice: Voice) -> str:
    """Say how many complaints wait, and from whom; else the NPS; empty without either."""
    return _complaints(writer, voice) or _nps(writer, voice)


def chapter(writer: Writer, voice: Voice) -> Block:
    """Show the part on what customers say; nothing where they said nothing."""
    return writer.part(heading(writer, voice), show(writer, voice))


def show(writer: Writer, voice: Voice) -> Block:
    """Say what to look at first, and show the dimensions; then NPS and late deliveries."""
    say = writer.say
    nps = _nps(writer, voice) if _complaints(writer, voice) else ""
    said = [_first(writer, voice), say("report.voice.sentence", text=nps) if nps else ""]
    said += [_fell(writer, voice), _late(writer, voice)]
    texts = [blocks.text(text) for text in said if text]
    rows = _dimensions(writer, voice)
    if rows.empty:
        return blocks.join(texts)
    labels = say.section("report.voice.columns")
    table = writer.table(rows.head(MOST), _DIMENSIONS, labels=labels, id="voice")
    return blocks.join([*texts[:1], table, *texts[1:]])


def late_deliveries(writer: Writer, late: pd.DataFrame) -> Block:
    """Show the share of late deliveries by region and place; table `late_deliveries`."""
    if late.empty:
        return writer.note("report.voice.no_deliveries")
    say, rows = writer.say, late.reset_index()
    ends = zip(rows["low"], rows["high"], strict=True)
    shown = rows.assign(interval=[writer.range(low, high, say.percent) for low, high in ends])
    places = zip(rows["group"], rows["level"], strict=True)
    names = [experience.level_name(writer, group, level) for group, level in places]
    labels = {"late_share": say("report.voice.share_late"), "n_due": say("report.voice.due")}
    return writer.table(shown.set_axis(names), _LATE, labels=labels, id="late-deliveries")


def _complaints(writer: Writer, voice: Voice) -> str:
    whole = _level(voice.complaint_times, ALL)
    if whole.empty or not whole["complaints_open"].iloc[0]:
        return ""
    row = whole.iloc[0]
    return writer.say(
        "report.voice.overdue" if row["n_overdue"] else "report.voice.open",
        overdue=writer.say.number(row["n_overdue"]),
        open=writer.say.number(row["complaints_open"]),
        days=writer.say.count("days", voice.close_within_days),
        money=writer.money(row["expected_margin"]),
    )


def _nps(writer: Writer, voice: Voice) -> str:
    scores = _last_scores(voice)
    if NPS not in scores.index or pd.isna(scores.loc[NPS, "score"]):
        return ""
    row, say = scores.loc[NPS], writer.say
    figures = {
        "score": say.number(row["score"]),
        "range": writer.range(row["low"], row["high"], say.number),
    }
    if pd.isna(row["score_change"]):
        return say("report.voice.nps_first", **figures)
    return say("report.voice.nps", change=_change(writer, NPS, row), **figures)


def _first(writer: Writer, voice: Voice) -> str:
    rows = _ranked(voice).head(FIRST)
    if rows.empty:
        return ""
    say = writer.say
    names = [experience.dimension_name(writer, code) for code in rows.index]
    shares = say.listed(say.percent(share) for share in rows["p_first"])
    return say("report.voice.first", names=say.listed(names), shares=shares)


def _fell(writer: Writer, voice: Voice) -> str:
    scores = _last_scores(voice)
    if scores.empty:
        return ""
    fell = scores[(scores["change_q"] < CLEAR) & (scores["score_change"] < 0)]
    names = [experience.dimension_name(writer, code) for code in fell.index]
    return writer.say("report.voice.fell", names=writer.say.listed(names)) if names else ""


def _late(writer: Writer, voice: Voice) -> str:
    """Say how many deliveries came late, and where most often, if that is more than chance."""
    late, say = voice.late_deliveries.reset_index(), writer.say
    if late.empty:
        return ""
    whole, places = late[late["group"] == ALL].iloc[0], late[late["group"] != ALL]
    said = say(
        "report.voice.late",
        share=say.percent(whole["late_share"]),
        late=say.number(whole["n_late"]),
        due=say.number(whole["n_due"]),
        days=say.count("days", int(whole["period_days"])),
    )
    clear = places[places["q_value"] < CLEAR]
    worse = clear[clear["late_share"] > whole["late_share"]]
    if len(worse):
        worst = worse.loc[worse["late_share"].idxmax()]
        where = say(
            "report.voice.late_in",
            place=experience.level_name(writer, worst["group"], worst["level"]),
            share=say.percent(worst["late_share"]),
            range=writer.range(worst["low"], worst["high"], say.percent),
        )
    elif clear.empty and places["q_value"].notna().any():
        where = say("report.voice.late_nowhere")
    else:
        return said
    return say("report.voice.two", first=said, second=where)


def _dimensions(writer: Writer, voice: Voice) -> pd.DataFrame:
    """One row per dimension, those to look at first on top, then the most expected margin."""
    scores = _last_scores(voice).drop(index=NPS, errors="ignore")
    complaints = _level(voice.complaint_times, "dimension").droplevel("group")
    most = complaints.sort_values("expected_margin", ascending=False, kind="stable")
    codes = pd.Index(dict.fromkeys([*_ranked(voice).head(FIRST).index, *most.index, *scores.index]))
    known = scores.reindex(codes)
    rows = known[["score"]].join(complaints[["complaints_open", "n_overdue", "expected_margin"]])
    changes = [_clear_change(writer, str(code), row) for code, row in known.iterrows()]
    names = [experience.dimension_name(writer, str(code)) for code in codes]
    return rows.assign(change=changes).set_axis(names)


def _change(writer: Writer, code: str, row: pd.Series) -> str:
    is_clear = bool(row["change_q"] < CLEAR)
    return experience.write_change(writer, code, row["score_change"], is_clear)


def _clear_change(writer: Writer, code: str, row: pd.Series) -> str:
    """Write a change beyond chance, or that there is none; a dash where none can be told."""
    if row["change_q"] < CLEAR or pd.isna(row["score_change"]):
        return _change(writer, code, row)
    return writer.say("report.voice.no_change")


def _last_scores(voice: Voice) -> pd.DataFrame:
    """The scores of all customers in the last period, by dimension."""
    scores = experience.last_period(voice.survey_scores)
    return scores[scores["group"] == ALL].set_index("dimension") if len(scores) else scores


def _ranked(voice: Voice) -> pd.DataFrame:
    """The dimensions by how closely their scores go with coming back."""
    rows = voice.drivers.reset_index()
    return rows[rows["outcome_name"] == OUTCOME].sort_values("rank").set_index("dimension")


def _level(table: pd.DataFrame, group: str) -> pd.DataFrame:
    return table[table.index.get_level_values("group") == group]
