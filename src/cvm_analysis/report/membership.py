"""Points, members, referrals and leads in tables and sentences."""

from __future__ import annotations

from functools import partial

import pandas as pd

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer

ALL = "all"
SHARES = ("breakage", "redeemed", "withdrawn")  # figures of points that are shares
COMPARED = {"n_compared": "number", "mean": "money", "mean_others": "money"}
COMPARED |= {"difference": "money", "interval": "text"}
REFERRED = {"n_new": "number", "n_referred_new": "number", "share": "percent", "interval": "text"}
FUNNEL = {"n_reached": "number", "share": "percent", "share_of_last": "percent"}
FUNNEL |= {"n_open": "number", "n_lost": "number"}
CONVERSION = {"n_leads": "number", "n_won": "number", "n_open": "number", "won": "percent"}
CONVERSION |= {"interval": "text", "pipeline_value": "money", "expected_value": "money"}
DUE = {"owner": "text", "stage": "text", "value": "money", "due_on": "date"}
DUE |= {"days_overdue": "number", "grade": "text"}
SCORES = {"auc": "text", "interval": "text", "n_leads": "number", "used": "text"}
MOST = 10  # follow-ups shown


def points(writer: Writer, figures: pd.DataFrame) -> Block:
    """Show breakage, redemption and liability; figures : table `points_figures`."""
    say = writer.say
    if figures.empty:
        return writer.note("report.membership.no_points")
    write = {code: say.percent if code in SHARES else writer.money for code in figures.index}
    shown = pd.DataFrame(
        {
            "estimate": [write[code](value) for code, value in figures["estimate"].items()],
            "interval": [
                writer.range(low, high, write[code])
                for code, low, high in figures[["low", "high"]].itertuples()
            ],
        },
        index=[say(f"report.membership.figures.{code}") for code in figures.index],
    )
    table = writer.table(shown, {"estimate": "text", "interval": "text"}, id="points")
    horizon = figures["horizon_days"].max()
    if pd.isna(horizon):
        return blocks.join([table, writer.note("report.membership.no_breakage")])
    code = "final" if figures["is_final"].all() else "up_to"
    note = writer.note(f"report.membership.{code}", days=say.duration(int(horizon)))
    return blocks.join([table, note])


def comparisons(writer: Writer, compared: pd.DataFrame) -> Block:
    """Show members and referred customers beside comparable others; table `comparisons`."""
    if compared.empty:
        return writer.note("report.membership.no_comparison")
    ends = zip(compared["difference_low"], compared["difference_high"], strict=True)
    shown = compared.assign(interval=[writer.range(low, high, writer.money) for low, high in ends])
    names = [writer.say(f"report.membership.compared.{code}") for code in compared.index]
    days = writer.say.duration(int(compared["window_days"].max()))
    note = writer.note("report.membership.window", days=days)
    return blocks.join([writer.table(shown.set_axis(names), COMPARED, id="comparisons"), note])


def referral_share(writer: Writer, shares: pd.DataFrame) -> Block:
    """Show the share of new customers who were referred; table `referral_share`."""
    if shares.empty or not shares["n_referred_new"].sum():
        return writer.note("report.membership.no_referrals")
    last = shares.tail(8)
    ends = zip(last["share_low"], last["share_high"], strict=True)
    shown = last.assign(
        interval=[writer.range(low, high, writer.say.percent) for low, high in ends]
    )
    names = [writer.say.month(day) for day in last.index]
    return writer.table(shown.set_axis(names), REFERRED, id="referrals")


def leads(writer: Writer, funnel: pd.DataFrame, conversion: pd.DataFrame) -> Block:
    """Show how far leads come, and what comes of them by source.

    funnel, conversion : tables `lead_funnel` and `lead_conversion`
    """
    say = writer.say
    if funnel.empty:
        return writer.note("report.membership.no_leads")
    whole = funnel.xs(ALL, level="by").reset_index()
    stages = whole.set_axis([_stage(writer, code) for code in whole["stage"]])
    rows = conversion.reset_index()
    rows = rows[rows["by"].isin([ALL, "source"])]
    ends = zip(rows["won_low"], rows["won_high"], strict=True)
    names = [
        say("report.experience.all") if by == ALL else say.level("source", code)
        for by, code in zip(rows["by"], rows["segment"], strict=True)
    ]
    shown = rows.assign(interval=[writer.range(low, high, say.percent) for low, high in ends])
    formats = {column: kind for column, kind in CONVERSION.items() if column in shown}
    table = writer.table(shown.set_axis(names), formats, id="leads")
    return blocks.join([writer.table(stages, FUNNEL, id="funnel"), table])


def lead_scores(writer: Writer, tested: pd.DataFrame) -> Block:
    """Show how well each score of leads orders later ones, and which is used; `lead_scores`."""
    say = writer.say
    if tested.empty:
        return writer.note("report.membership.no_lead_scores")
    write = partial(say.number, digits=2)
    ends = zip(tested["auc_low"], tested["auc_high"], strict=True)
    shown = tested.assign(
        auc=tested["auc"].map(write),
        interval=[writer.range(low, high, write) for low, high in ends],
        used=[say("report.writer.yes") if used else "" for used in tested["is_used"]],
    ).set_axis([say(f"report.membership.lead_scores.{code}") for code in tested.index])
    return writer.table(shown, SCORES, id="lead-scores")


def follow_ups(writer: Writer, due: pd.DataFrame) -> Block:
    """Show the open leads whose next contact is due, most overdue first; table `follow_ups`."""
    if due.empty:
        return writer.note("report.membership.nothing_due")
    rows = due[due["days_overdue"] >= 0].nlargest(MOST, "days_overdue")
    if rows.empty:
        return writer.note("report.membership.nothing_due")
    shown = rows.assign(stage=[_stage(writer, code) for code in rows["stage"]])
    if "grade" in rows:
        names = rows["grade"].map(lambda code: writer.say(f"grades.{code}"), na_action="ignore")
        shown = shown.assign(grade=names) if names.notna().any() else shown.drop(columns="grade")
    formats = {column: kind for column, kind in DUE.items() if column in shown}
    return writer.table(shown, formats, id="follow-ups")


def _stage(writer: Writer, code: str) -> str:
    key = f"report.membership.stages.{code}"
    return writer.say(key) if key in writer.say else writer.say.level("stage", code)
