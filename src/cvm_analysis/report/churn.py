"""Churn in tables and sentences: the call list, effects, changes and accuracy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from cvm_analysis.churn.cohorts import Change
from cvm_analysis.churn.watchlist import ListPrecision
from cvm_analysis.report import blocks
from cvm_analysis.report import risk_drivers as risk_drivers_tables
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.strategy.recommend import NO_ACTION, NOT_VALUED
from cvm_analysis.survival.logrank import LogRank

LISTED = {
    "margin_at_stake": "money",
    "churn_risk": "percent",
    "contact_on": "text",
    "grade": "words:grades",
    "reasons": "text",
}
_TRUST = {
    "n_inactive": "number",
    "auc": "number:3",
    "brier": "number:3",
    "log_loss": "number:3",
    "top_decile_lift": "number:2",
    "calibration_slope": "number:2",
    "calibration_intercept": "number:2",
}
_LEAST = 0.001  # a smaller p is said to be below this
_CLEAR = 0.05  # p of a test from which groups are not said to differ
_MEANING = {"hazard_ratio": "number:2", "meaning": "text"}


def backtest(manager: Writer, trust: pd.DataFrame, beside: Collection[str] = ()) -> Block:
    """Show the accuracy of each churn forecast on unseen past periods, by days ahead.

    beside : the forecasts to show beside the one in use; none: all that were tried
    """
    say = manager.say
    if "churn" not in trust.index.get_level_values("part"):
        return blocks.note(say("manager.untested"), manager.language)
    rows = trust.xs("churn", level="part")
    keys = ["horizon_days", "model"]
    used = rows["is_chosen"].astype(bool).groupby(keys).first()
    wide = rows["value"].astype(float).unstack("metric").reindex(columns=list(_TRUST))
    wide = wide.assign(chosen=used).reset_index()
    wide = wide[wide["chosen"] | wide["model"].isin(beside)] if beside else wide
    wide = wide.sort_values(["horizon_days", "chosen", "auc"], ascending=[True, False, False])
    labels = [
        say("leaving.ahead", days=say.count("days", days), model=say(f"models.{model}"))
        for days, model in zip(wide["horizon_days"], wide["model"], strict=True)
    ]
    shown = wide.assign(used=wide["chosen"].map({True: say("manager.yes"), False: ""}))
    formats = {"used": "text", **_TRUST}
    return blocks.table(shown.set_axis(labels), formats, manager.language, id="trust-churn")


def watchlist(manager: Writer, customers: pd.DataFrame, as_of: dt.date) -> Block:
    """Show the call list: margin at stake, churn risk, contact date, risk drivers and action.

    customers : as churn.watchlist.first gives them: margin_at_stake, churn_risk, contact_on,
        reasons with their values; grade and action are shown where there is such a column, and so
        are the days without an order where there is days_since_last
    as_of : the day of the list; earlier contact dates are written as "now"
    """
    say = manager.say
    if customers.empty:
        return blocks.note(say("leaving.nobody"), manager.language)
    records = customers.to_dict("records")
    because = [_because(manager, row) for row in records]
    now = pd.Timestamp(as_of)
    by = [say("leaving.now") if day <= now else say.date(day) for day in customers["contact_on"]]
    shown = customers.assign(reasons=because, contact_on=by)
    formats = {column: kind for column, kind in LISTED.items() if column in shown}
    return blocks.table(shown, formats, manager.language, manager.currency, id="watchlist")


def _because(manager: Writer, row: Mapping[str, Any]) -> str:
    """A customer's risk drivers, and the action of the segment if one pays off."""
    say = manager.say
    said = risk_drivers_tables.describe(row, say, manager.currency) or say.number(None)
    if row.get("action") in (None, NO_ACTION, NOT_VALUED) or pd.isna(row["action"]):
        return said
    return say("leaving.do", reasons=said, action=say(f"actions.{row['action']}"))


def list_precision(manager: Writer, kept: ListPrecision | None, days: int) -> Block:
    """Say how precise a past list was, against all customers of that day.

    kept : of the list drawn up `days` before the last day that counts; None where the history is
        too short for one
    """
    say = manager.say
    if kept is None or not kept.listed:
        return blocks.note(say("leaving.not_kept"), manager.language)
    text = say(
        "leaving.kept",
        days=say.duration(days),
        listed=say.count("customers", kept.listed),
        silent=say.number(kept.listed_inactive),
        customers=say.count("customers", kept.customers),
        precision=say.percent(kept.precision),
        base=say.percent(kept.base),
        share=say.percent(kept.listed / kept.customers, 1),
        recall=say.percent(kept.recall, 1),
        value_recall=say.percent(kept.value_recall, 1),
    )
    return blocks.note(text, manager.language)


def hazard_ratios(manager: Writer, table: pd.DataFrame, of: str) -> Block:
    """Show the effect of each feature on the return rate, or on the end of contracts.

    table : table `hazards`; features whose interval holds 1 are named together
    of : whose event: buyers (they come back), contracts (they end)
    """
    say = manager.say
    hazards = table[table.index.get_level_values("event") == of].set_index("feature")
    if hazards.empty:
        return blocks.note(say("leaving.pace.nothing"), manager.language)
    clear = (hazards["low"] > 1) | (hazards["high"] < 1)
    rows = hazards[clear].to_dict("index")
    meaning = [
        risk_drivers_tables.ratio(str(feature), row, say, of) for feature, row in rows.items()
    ]
    names = [risk_drivers_tables.name(str(feature), say) for feature in rows]
    shown = hazards.loc[clear, ["hazard_ratio"]].set_axis(names).assign(meaning=meaning)
    over = hazards.loc[clear, "mean_over"]
    remarks = {
        "unclear": hazards.index[~clear],
        "bent": over.index[over == "values"],
        "drifting": over.index[over == "time"],
    }
    said = [say(f"leaving.pace.how_to_read.{of}")]
    said += [
        say(
            f"leaving.pace.{code}",
            names=say.listed(risk_drivers_tables.name(str(f), say) for f in features),
        )
        for code, features in remarks.items()
        if len(features)
    ]
    labels = {"hazard_ratio": say(f"leaving.pace.{of}.rate"), "meaning": say("columns.meaning")}
    grid = [blocks.table(shown, _MEANING, manager.language, labels=labels)] if names else []
    return blocks.join([*grid, *(blocks.note(text, manager.language) for text in said)])


def calibration(manager: Writer, calibration: pd.DataFrame) -> Block:
    """Show predicted and actual shares by risk decile, highest risk first.

    calibration : as churn.evaluation.calibration: bin, n, predicted, actual
    """
    if calibration.empty:
        return blocks.note(manager.say("manager.untested"), manager.language)
    table = calibration.sort_values("bin", ascending=False)
    silent = table["actual"] * table["n"]
    mean = silent.sum() / table["n"].sum()
    shown = pd.DataFrame(
        {
            "n_customers": table["n"],
            "predicted": table["predicted"],
            "actual": table["actual"],
            "lift": table["actual"] / mean if mean else float("nan"),
            "found": silent.cumsum() / silent.sum() if mean else float("nan"),
        }
    ).set_axis(table["bin"].astype(str))
    formats = {"n_customers": "number", "predicted": "percent", "actual": "percent"}
    formats |= {"lift": "number:2", "found": "percent"}
    return blocks.table(shown, formats, manager.language, id="tenths")


def restricted_mean(
    manager: Writer, means: pd.DataFrame, test: LogRank, rows: str | None = None
) -> Block:
    """Show how long customers of each group keep buying, and whether the groups differ.

    means : as churn.groups.restricted_mean gives them, in days
    rows : the section of the texts that names the groups (values.channel); None: as they are
    """
    say = manager.say
    if means.empty:
        return blocks.note(say("leaving.stay.nothing"), manager.language)
    ends = zip(means["low"], means["high"], strict=True)
    shown = means.set_index("segment").assign(
        range=[
            say("worth.range", low=say.number(low), high=say.number(high)) if low == low else "–"
            for low, high in ends
        ]
    )
    formats = {"n": "number", "events": "number", "mean": "number", "range": "text"}
    labels = {code: say(f"leaving.stay.{code}") for code in formats}
    until = say.number(means["until"].iloc[0])
    code = "differ" if test.p < _CLEAR else "alike" if test.p >= _CLEAR else "untested"
    said = say(f"leaving.stay.{code}", until=until, p=p_value(manager, test.p))
    table = blocks.table(shown, formats, manager.language, rows=rows, labels=labels, id="stay")
    return blocks.join([table, blocks.note(said, manager.language)])


def p_value(manager: Writer, p: float) -> str:
    """Write the p-value of a test; a dash without one."""
    say = manager.say
    if pd.isna(p):
        return say.number(None)
    code = "p" if p >= _LEAST else "p_below"
    return say(f"leaving.stay.{code}", p=say.number(max(p, _LEAST), 3))


def change(manager: Writer, change: Change, days: int, rows: str | None = None) -> Block:
    """Say what changed between two days, and show it group by group.

    days : length of the period without an order, after each of the two days
    rows : the section of the texts that names the groups (grades); None: as they are
    """
    say = manager.say
    if pd.isna(change.now - change.before):
        return blocks.note(say("leaving.changed.unknown"), manager.language)
    points = {"change": change.now - change.before, "within": change.within, "mix": change.mix}
    said = say(
        "leaving.changed.said",
        days=say.duration(days),
        before=say.percent(change.before, 1),
        now=say.percent(change.now, 1),
        **{name: _points(manager, value) for name, value in points.items()},
    )
    table = change.groups.assign(change_points=100 * change.groups["change"])
    shown = table.rename(columns={"n_now": "n_customers"})
    formats = {"n_customers": "number", "inactive_before": "percent:1", "inactive_now": "percent:1"}
    formats |= {"change_points": "number:1"}
    grid = blocks.table(shown, formats, manager.language, rows=rows, id="changed")
    return blocks.join([blocks.note(said, manager.language), grid])


def _points(manager: Writer, share: float) -> str:
    """Write a difference of shares in points, with its sign."""
    points = round(100 * share, 1) + 0.0
    return ("+" if points > 0 else "") + manager.say.number(points, 1)
