"""What to do in tables and sentences: the plan, each group's strategy, and what actions brought."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.strategy.segment_strategies import Total
from cvm_analysis.tables import IMPORTED
from cvm_analysis.texts import Words

MOST = 5  # actions on the first page
PLAN = {"n_contacts": "number", "owner": "words:owners", "due_on": "date", "cost": "money"}
PLAN |= {"net_gain": "money", "range": "text", "evidence": "words:evidence"}
GROUP = {"n_members": "number", "first": "text", "then": "text", "cost": "money"}
GROUP |= {"net_gain": "money", "range": "text"}
DAYS = ("complaint_days", "days_since_late", "days_overdue", "days_since_last", "days_since_first")
DAYS += ("days_to_contract_end", "days_to_birthday", "days_since_joined")
SHARES = ("sales_change", "p_end_90d", "churn_risk")


def plan(
    writer: Writer, actions: pd.DataFrame, total: Total, budget: float | None, until: dt.date
) -> Block:
    """Say what the plan costs and should bring, and show its most valuable actions.

    actions : one row per action, as segment_strategies.add_up_by_action
    budget : of this region; None: no limit
    until : the last date of the plan
    """
    say = writer.say
    if not total.n_contacts:
        return writer.note("report.strategy.nothing_planned")
    figures = {
        "contacts": say.count("contacts", total.n_contacts),
        "actions": say.count("actions", len(actions)),
        "until": say.date(until),
        "cost": writer.money(total.cost),
        "net": writer.money(total.net_gain),
        "range": writer.range(total.low, total.high, writer.money),
        "chance": say.percent(total.p_gain),
    }
    code = "planned" if budget is None else "planned_of"
    said = writer.note(f"report.strategy.{code}", budget=writer.money(budget or 0.0), **figures)
    shown = actions.head(MOST)
    table = writer.table(_ranges(writer, shown), PLAN, "actions", id="plan")
    rest = len(actions) - len(shown)
    more = [writer.note("report.strategy.more", n=say.count("actions", rest))] if rest else []
    return blocks.join([said, table, *more])


def groups(writer: Writer, strategy: pd.DataFrame, scheme: str) -> Block:
    """Show for each class of a scheme the first action, the next ones, cost and net gain.

    strategy : table `strategy`
    """
    say = writer.say
    rows = {}
    for code, each in strategy.xs(scheme, level="scheme").groupby(level="class", sort=False):
        whole, ranks = each.iloc[0], each.index.get_level_values("rank")
        names = [say(f"actions.{action}") for action in each.loc[ranks > 0, "action"]]
        rows[_class_name(say, scheme, str(code))] = {
            "n_members": whole["n_members"],
            "first": names[0],
            "then": say.listed(names[1:3]) or say.number(None),
            "cost": whole["cost"],
            "net_gain": whole["net_gain"],
            "range": writer.range(whole["low"], whole["high"], writer.money),
        }
    shown = pd.DataFrame.from_dict(rows, orient="index")
    shown = shown.sort_values("net_gain", ascending=False, kind="stable")
    return writer.table(shown, GROUP, id=f"strategy-{scheme}")


def why(writer: Writer, row: Mapping[str, Any]) -> str:
    """Write the reason of an action: "complaint open for 258 days".

    row : of table `actions`: reason, reason_value, reason_text
    """
    say, column = writer.say, str(row["reason"])
    value = _value(writer, column, row.get("reason_value"), row.get("reason_text"))
    key = f"action_reasons.{column}"
    if key in say:
        return say(key, value=value)
    name = column.removeprefix(IMPORTED)
    label = say.measure(column) if f"columns.{column}" not in say else say(f"columns.{column}")
    return say("report.strategy.because", column=label or name, value=value)


def watch_reasons(writer: Writer, listed: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """Add each customer's first action and its reason to rows indexed by customer_id."""
    first = actions[actions["rank"] == 1].reset_index("action")
    return listed.join(first[["action", "owner", "due_on"]].reindex(listed.index))


def _ranges(writer: Writer, actions: pd.DataFrame) -> pd.DataFrame:
    ends = zip(actions["low"], actions["high"], strict=True)
    return actions.assign(range=[writer.range(low, high, writer.money) for low, high in ends])


def _class_name(say: Words, scheme: str, code: str) -> str:
    if scheme == "segment":
        return say(f"segments.{code}")
    if scheme == "grade":
        kind, _, grade = code.partition(".")
        return say("report.grades.segment", type=say(f"types.{kind}"), grade=say(f"grades.{grade}"))
    return say(f"classes.{code}")


def _value(writer: Writer, column: str, value: Any, text: Any) -> str:
    say = writer.say
    if isinstance(text, str) and text:
        return _text(say, column, text)
    if column in DAYS:
        return say.count("days", abs(value))
    if column in SHARES:
        return say.percent(value)
    return say.value(column, value, writer.currency)


def _text(say: Words, column: str, text: str) -> str:
    """Name a code that is the reason: an indicator of the scorecard, a class, or a value."""
    if column in ("weakest_indicator", "largest_drop"):
        return say(f"indicators.{text}")
    for section in ("classes", "segments", "grades"):
        if f"{section}.{text}" in say:
            return say(f"{section}.{text}")
    return say.level(column, text)
