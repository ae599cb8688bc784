"""Alerts in sentences: the one worry of the headline, the list, and what run.json keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from cvm_analysis.performance.alerts import FACTORS, MISSING
from cvm_analysis.report import performance
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.texts import Words

BY_SHARE = (*FACTORS, "margin", "n_new")  # figures whose change is said as a share
SAID = ("net_sales_fell", "margin_fell")  # by the headline
LIST = {"alert": "text", "money": "text", "n_customers": "number", "answered_by": "text"}


def worry(writer: Writer, alerts: pd.DataFrame) -> str:
    """Say the worst alert as a clause: "19% of deliveries came late, up from 8%".

    That sales fell, and the margin with them, is the headline's result, not its worry; a limit that
    they are below is. Without an alert, what margin is at stake; empty if nothing is.

    alerts : table `alerts`
    """
    said = SAID if alerts["alert"].eq(SAID[0]).any() else ()
    others = alerts[~alerts["alert"].isin(said)]
    return "" if others.empty else _say(writer, others.iloc[0], "clause")


def answers(alerts: pd.DataFrame) -> list[str]:
    """List the actions that answer the alerts, those of the worst first.

    alerts : table `alerts`
    """
    rows = alerts[alerts["is_alert"].astype(bool)] if len(alerts) else alerts
    return list(dict.fromkeys(code for row in rows["answered_by"] for code in _codes(row)))


def alert_list(writer: Writer, alerts: pd.DataFrame) -> Block:
    """Show the alerts, worst first: what it is, the margin, the customers, the actions against it.

    alerts : table `alerts`
    """
    rows = alerts[alerts["is_alert"].astype(bool)]
    if rows.empty:
        return writer.note("report.alerts.none")
    say = writer.say
    shown = rows.assign(
        alert=[_say(writer, row, "item") for _, row in rows.iterrows()],
        money=[writer.money(each) for each in rows["money"]],
        answered_by=[_answers(say, row) for _, row in rows.iterrows()],
    ).reset_index(drop=True)
    labels = {column: say(f"report.alerts.{column}") for column in LIST}
    return writer.table(shown, LIST, labels=labels, id="alerts")


def _answers(say: Words, row: pd.Series) -> str:
    """Name the actions that answer an alert; nothing answers that data are missing."""
    if codes := _codes(row["answered_by"]):
        return say.listed(say(f"actions.{code}") for code in codes)
    return say.number(None) if row["alert"] == MISSING else say("report.accounts.no_action")


def _codes(answered_by: str) -> list[str]:
    """The actions in a cell of column answered_by."""
    return [code for code in answered_by.split(",") if code]


def describe(
    alerts: pd.DataFrame, words: Callable[[str], Words], currency: str, languages: Sequence[str]
) -> list[dict[str, Any]]:
    """Describe the alerts for run.json: code, figure, value (None if empty), and in words.

    text, clause : by language; the clause names no customer, so that it may leave the desk

    alerts : table `alerts`; words : gives the words of a language
    """
    writers = {language: Writer(words(language), currency) for language in languages}
    return [
        {
            "code": row["alert"],
            "figure": row["figure"],
            "value": None if pd.isna(row["value"]) else float(row["value"]),
            "text": {each: _say(writer, row, "item") for each, writer in writers.items()},
            "clause": {each: _say(writer, row, "clause") for each, writer in writers.items()},
        }
        for _, row in alerts[alerts["is_alert"].astype(bool)].iterrows()
    ]


def _say(writer: Writer, row: pd.Series, form: str) -> str:
    """Say an alert as a clause or as an item of the list."""
    say, code, figure = writer.say, str(row["alert"]), str(row["figure"])
    key = code if f"report.alerts.{code}.{form}" in say else figure
    text = f"report.alerts.{key}.{form}"
    customers = say.count("customers", row["n_customers"])
    if key == "account_lost":
        return say(text, share=say.percent(row["before"]), customer=row["customer_id"])
    if key == "complaints_overdue":
        return say(text, share=say.percent(row["value"]), customers=customers)
    if key == "data_missing":
        table = say(f"raw_tables.{figure}")
        return say(text, table=table, days=say.count("days", row["value"]))
    if key == "margin_at_stake":
        return say(text, value=writer.money(row["value"]), customers=customers)
    value = performance.write(writer, figure, row["value"])
    return say(text, value=value, versus=_versus(writer, row))


def _versus(writer: Writer, row: pd.Series) -> str:
    """Say what a figure is compared with: the year before, or the limit."""
    figure, direction = str(row["figure"]), str(row["alert"]).rpartition("_")[2]
    if direction in ("below", "above"):
        limit = performance.write(writer, figure, row["limit"])
        return writer.say(f"report.alerts.versus.{direction}", limit=limit)
    if figure in BY_SHARE:
        change = writer.say.percent(abs(row["value"] / row["before"] - 1))
        return writer.say(f"report.alerts.versus.{direction}_by", share=change)
    before = performance.write(writer, figure, row["before"])
    return writer.say(f"report.alerts.versus.{direction}_from", before=before)
