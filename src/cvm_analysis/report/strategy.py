"""What to do in tables and sentences: the plan, each group's strategy, and what actions brought."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block, Step
from cvm_analysis.report.writer import Writer
from cvm_analysis.strategy import plan as action_plan
from cvm_analysis.strategy.budget import Plan
from cvm_analysis.strategy.segment_strategies import Total, select_planned
from cvm_analysis.tables import ALL, IMPORTED
from cvm_analysis.texts import Words

MOST = 5  # actions on the first page
PROGRESS = {"owner": "text", "due_on": "date", "contacts": "number", "spent": "money"}
PROGRESS |= {"budget": "money", "target_share": "percent", "status": "text"}
TOTALS = {"contacts": "number", "spent": "money", "budget": "money", "gained": "money"}
GROUP = {"n_members": "number", "first": "text", "then": "text", "cost": "text", "net_gain": "text"}
DAYS = (
    *("complaint_days", "days_since_late", "days_overdue", "days_since_last", "days_since_first"),
    *("days_to_contract_end", "days_to_birthday", "days_since_joined", "days_since_stage"),
    *("days_since_contact", "days_to_service", "days_to_warranty_end"),
)
SHARES = ("sales_change", "p_end_90d", "churn_risk")


def plan(
    writer: Writer,
    actions: pd.DataFrame,
    total: Total,
    budget: float | None,
    urgent: Sequence[str] = (),
    before: Step | None = None,
) -> Block:
    """Show the most important planned actions, and what the plan costs and brings as a whole.

    actions : one row per action, as segment_strategies.add_up_by_action
    budget : of this region; None: no limit
    urgent : codes of actions that answer what is wrong; these come first
    before : a step that goes before the others
    """
    say = writer.say
    first = [before] if before else []
    if not total.n_contacts:
        nothing = blocks.text(say("report.strategy.nothing_planned"))
        return blocks.join([blocks.steps(first), nothing]) if first else nothing
    chosen = select_first(actions, urgent)
    steps = [*first, *(_step(writer, str(code), row) for code, row in chosen.iterrows())][:MOST]
    said = say(
        "report.strategy.planned" if budget is None else "report.strategy.planned_of",
        actions=say.count("actions", len(actions)),
        until=say.date(actions["last_due_on"].max()),
        contacts=say.count("contacts", total.n_contacts),
        cost=writer.money(total.cost),
        budget=writer.money(budget or 0.0),
        net=writer.money(total.net_gain),
        range=writer.range(total.net_gain_low, total.net_gain_high, writer.money),
    )
    return blocks.join([blocks.steps(steps), blocks.text(said)])


def request(
    writer: Writer,
    actions: pd.DataFrame,
    urgent: Sequence[str] = (),
    before: Step | None = None,
) -> str:
    """Say what to do first and by when, for the headline; empty without a plan.

    Parameters as for `plan`
    """
    if before:
        key = "report.strategy.first_step" if before.due else "report.strategy.first_step_undated"
        return writer.say(key, due=before.due)
    chosen = select_first(actions, urgent)
    if chosen.empty:
        return ""
    row = chosen.iloc[0]
    return writer.say(
        "report.strategy.request",
        action=writer.say(f"actions.{chosen.index[0]}"),
        customers=writer.say.count("customers", row["n_contacts"]),
        day=writer.say.day_and_month(row["due_on"]),
    )


def groups(writer: Writer, strategy: pd.DataFrame, scheme: str) -> Block:
    """Show for each class of a scheme the first action, the next one, cost and net gain.

    strategy : table `strategy`
    """
    say = writer.say
    if scheme not in strategy.index.get_level_values("scheme"):
        return writer.note("report.strategy.no_large_group")
    rows = {}
    for code, each in strategy.xs(scheme, level="scheme").groupby(level="class", sort=False):
        whole, ranks = each.iloc[0], each.index.get_level_values("rank")
        names = [say(f"actions.{action}") for action in each.loc[ranks > 0, "action"]]
        rows[_class_name(say, scheme, str(code))] = {
            "n_members": whole["n_members"],
            "first": names[0],
            "then": names[1] if len(names) > 1 else say.number(None),
            "cost": writer.money(whole["cost"]),
            "net_gain": _gain(writer, whole),
            "order": -whole["net_gain"],
        }
    shown = pd.DataFrame.from_dict(rows, orient="index").sort_values("order", kind="stable")
    return writer.table(shown, GROUP, id=f"strategy-{scheme}")


def _gain(writer: Writer, row: pd.Series) -> str:
    """Write a net gain with its range."""
    names = {"likely": "net_gain", "low": "net_gain_low", "high": "net_gain_high"}
    figures = {name: writer.money(row[column]) for name, column in names.items()}
    return writer.say("report.strategy.gain_range", **figures)


def recommended(writer: Writer, candidates: pd.DataFrame, actions: pd.DataFrame) -> Block:
    """Show for each action how many customers meet its conditions and how many get it.

    candidates : as recommend.find_candidates; actions : table `actions`
    """
    met = candidates["action"].value_counts()
    got = actions.reset_index()["action"].value_counts()
    first = actions[actions["rank"] == 1].reset_index()["action"].value_counts()
    shown = pd.DataFrame({"n_met": met, "n_recommended": got, "n_first": first})
    shown = shown.fillna(0).sort_values("n_recommended", ascending=False, kind="stable")
    return writer.table(shown, dict.fromkeys(shown, "number"), "actions", id="recommended")


def reductions(writer: Writer, plan: Plan) -> Block:
    """Say what the plan costs and brings, and why it has fewer contacts than it could have."""
    say = writer.say
    said = writer.note(
        "report.strategy.plan",
        contacts=say.count("contacts", plan.n_contacts),
        cost=writer.money(plan.cost),
        net=writer.money(plan.net_gain),
        bound=writer.money(plan.bound),
    )
    notes = [
        writer.note(
            f"report.strategy.reductions.{each.code}",
            have=say.number(each.have),
            need=say.number(each.need),
            owner=say(f"owners.{each.owner}") if each.owner else "",
        )
        for each in plan.reductions
    ]
    return blocks.join([said, *notes])


def control_groups(writer: Writer, sizes: pd.DataFrame) -> Block:
    """Show for each action how many customers a test needs, and whether a group is left out.

    sizes : as control_sizes.find
    """
    say = writer.say
    if sizes.empty:
        return writer.note("report.strategy.no_control_groups")
    shown = sizes.assign(
        needed=[say.number(None) if math.isinf(n) else say.number(n) for n in sizes["needed"]],
        share=[
            say.percent(share) if share else say("report.strategy.cannot_be_measured")
            for share in sizes["share"]
        ],
    )
    formats = {"n_customers": "number", "needed": "text", "lists": "number", "share": "text"}
    labels = {"share": say("report.strategy.control_share"), "lists": say("report.strategy.lists")}
    return writer.table(shown, formats, "actions", labels, id="control-groups")


def by_owner(writer: Writer, actions: pd.DataFrame) -> Block:
    """Show the contacts, cost and expected gain of each owner's planned actions."""
    planned = select_planned(actions)
    counted = planned["expected_gain"].where(planned["counts_gain"].astype(bool), 0.0)
    groups = planned.assign(gain=counted).groupby("owner")
    shown = groups.agg(
        n_contacts=("cost", "size"),
        cost=("cost", "sum"),
        gain=("gain", "sum"),
        due_on=("due_on", "min"),
    )
    formats = {"n_contacts": "number", "cost": "money", "gain": "money", "due_on": "date"}
    return writer.table(shown, formats, "owners", id="owners")


def progress(writer: Writer, progress: pd.DataFrame) -> Block:
    """Show how far each line of the plan is, and the sums; progress : table `plan_progress`."""
    say = writer.say
    if progress.empty:
        return writer.note("report.strategy.no_plan")
    rows = progress.reset_index()
    shown = rows.assign(
        owner=[say(f"owners.{code}") for code in rows["owner"]],
        status=[say(f"plan_status.{code}") for code in rows["status"]],
    ).set_axis([say(f"actions.{code}") for code in rows["action"]])
    lines = writer.table(shown, PROGRESS, id="plan-progress")
    totals = action_plan.add_up(progress)
    names = [say("report.experience.all") if o == ALL else say(f"owners.{o}") for o in totals.index]
    added = writer.table(totals.set_axis(names), TOTALS, id="plan-totals")
    return blocks.join([lines, added])


def why(writer: Writer, row: Mapping[str, Any]) -> str:
    """Write the reason of an action: "complaint open for 258 days".

    row : of table `actions`: reason, reason_value, reason_text; because_of, if known: what the
        customer has that speaks for the next product
    """
    say, column = writer.say, str(row["reason"])
    value = _value(writer, column, row.get("reason_value"), row.get("reason_text"))
    if column == "next_product" and isinstance(reason := row.get("because_of"), str):
        bought = say.level(column, reason)
        return say("report.strategy.goes_with", value=value, bought=bought)
    key = f"action_reasons.{column}"
    if f"{key}_past" in say and row["reason_value"] < 0:
        return say(f"{key}_past", value=value)
    if key in say:
        return say(key, value=value)
    name = column.removeprefix(IMPORTED)
    label = say.measure(column) if f"columns.{column}" not in say else say(f"columns.{column}")
    return say("report.strategy.because", column=label or name, value=value)


def add_first_action(listed: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """Add each customer's first action, its owner and date to rows indexed by customer_id.

    actions : table `actions`; whoever is in a control group, or in no plan, has no action
    """
    planned = select_planned(actions).reset_index().sort_values("rank")
    first = planned.drop_duplicates("customer_id").set_index("customer_id")
    return listed.join(first[["action", "owner", "due_on"]])


def select_first(actions: pd.DataFrame, urgent: Sequence[str] = ()) -> pd.DataFrame:
    """Select the actions of the first page: urgent, the largest recovery, the highest net gain.

    What costs more than it gains is urgent only if it is a recovery.

    actions, urgent : as for `plan`; at most MOST rows
    """
    if actions.empty:
        return actions
    is_recovery = actions["kind"] == "recovery"
    worth_it = actions.index[is_recovery | (actions["net_gain"] > 0)]
    asked = [code for code in urgent if code in worth_it][:2]
    recovery = actions[is_recovery].nlargest(1, "n_contacts").index
    order = dict.fromkeys([*asked, *recovery, *actions.index])
    return actions.loc[list(order)[:MOST]]


def _step(writer: Writer, code: str, row: pd.Series) -> Step:
    """Show an action: what it should bring and costs, owner and day."""
    say = writer.say
    worth = say(
        "report.strategy.worth",
        gain=writer.money(row["net_gain"]),
        range=writer.range(row["net_gain_low"], row["net_gain_high"], writer.money),
        cost=writer.money(row["cost"]),
        evidence=say(f"evidence.{row['evidence']}"),
    )
    title = say(
        "report.strategy.step",
        action=say(f"actions.{code}"),
        customers=say.count("customers", row["n_contacts"]),
    )
    due = say("report.strategy.due", day=say.day_and_month(row["due_on"]))
    return Step(title, worth, say(f"owners.{row['owner']}"), due)


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
    if column == "nps":
        return say.number(value)
    return say.value(column, value, writer.currency)


def _text(say: Words, column: str, text: str) -> str:
    """Name a code that is the reason: an indicator of the scorecard, a class, or a value."""
    if column in ("weakest_indicator", "largest_drop"):
        return say(f"indicators.{text}")
    if column in ("best_channel", "last_contact_channel") and f"channels.{text}" in say:
        return say(f"channels.{text}")
    sections = () if column == "next_product" else ("classes", "segments", "grades")
    for section in sections:
        if f"{section}.{text}" in say:
            return say(f"{section}.{text}")
    return say.level(column, text)
