"""The first part of a customer's page: what to do now, how to reach them, and an open lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from cvm_analysis.report import blocks, strategy
from cvm_analysis.report.blocks import Block, Definition, Step
from cvm_analysis.report.customer import Customer
from cvm_analysis.report.writer import Writer

KEY = "report.customer"
CONTROL = "control"
SOON = 30  # days to a birthday that is named


def headline(writer: Writer, customer: Customer) -> Block:
    """Say what to do first and by when; below it who the customer is."""
    say, steps = writer.say, planned(customer)
    if len(steps):
        first = steps.iloc[0]
        said = say(
            f"{KEY}.headline.action",
            id=customer.customer_id,
            action=say(f"actions.{first['action']}"),
            day=say.day_and_month(first["due_on"]),
        )
    else:
        late = customer.get("days_overdue")
        key = "overdue" if late and late > 0 and not customer.get("lapsed") else "nothing"
        days = say.count("days", late)
        said = say(f"{KEY}.headline.{key}", id=customer.customer_id, days=days)
    return blocks.headline(said, " · ".join(_who(writer, customer)))


def _who(writer: Writer, customer: Customer) -> Iterator[str]:
    """Name type, city, segment, grade, and since when they are known."""
    say, get = writer.say, customer.get
    yield say(f"{KEY}.types.{get('customer_type')}")
    if get("city"):
        yield say.level("city", get("city"))
    segment, grade = get("segment"), get("grade")
    if customer.has_bought and segment and segment == get("rfm"):
        yield say(f"segments.{segment}")
    if grade and f"grades.{grade}" in say and grade != "not_graded":
        yield say(f"{KEY}.grade", grade=say(f"grades.{grade}"))
    if customer.has_bought:
        yield say(f"{KEY}.since", month=say.month(get("first_order")))
    elif get("joined_on"):
        yield say(f"{KEY}.known_since", month=say.month(get("joined_on")))


def planned(customer: Customer) -> pd.DataFrame:
    """List the actions to be done, the first one first; control groups are not among them."""
    rows = customer.actions.reset_index()
    if rows.empty:
        return rows
    is_open = rows["in_plan"].astype(bool) & (rows["arm"] != CONTROL)
    return rows[is_open].sort_values("rank")


def to_do(writer: Writer, customer: Customer) -> Block:
    """Show the open actions: first step, reason and what to say; what not to do; how to reach."""
    say, rows = writer.say, planned(customer)
    steps = [_step(writer, row) for row in rows.to_dict("records")]
    shown = [blocks.steps(steps)] if steps else [blocks.text(_nothing(writer, customer))]
    shown += [blocks.warning(each, say) for each in _not_to_do(writer, customer, "control")]
    shown.append(blocks.text(say("report.performance.between").join(_reach(writer, customer))))
    shown += [blocks.note(each, say) for each in _not_to_do(writer, customer, "room")]
    return blocks.join([blocks.section(say(f"{KEY}.to_do.title")), *shown])


def _step(writer: Writer, row: Mapping[str, Any]) -> Step:
    say, code = writer.say, row["action"]
    lines = [say(f"{KEY}.to_do.why", reason=strategy.why(writer, dict(row)))]
    message = say(f"action_messages.{code}")
    if message != code:
        lines.append(say(f"{KEY}.to_do.message", message=message))
    first = say(f"action_steps.{code}")
    by = say(f"owners.{row['owner']}")
    if isinstance(row["channel"], str):
        by = say(f"{KEY}.to_do.by", owner=by, channel=say(f"channels.{row['channel']}"))
    due = say("report.strategy.due", day=say.day_and_month(row["due_on"]))
    return Step(say(f"actions.{code}"), "" if first == code else first, by, due, lines)


def _nothing(writer: Writer, customer: Customer) -> str:
    """Say that nothing is planned, and what to ask when the customer is on the phone."""
    say, due = writer.say, customer.get("next_order_on")
    said = say(f"{KEY}.to_do.nothing")
    if due is None or customer.get("lapsed"):
        return said
    late = customer.get("days_overdue") > 0
    return say(f"{KEY}.to_do.{'changed' if late else 'ask'}", text=said, day=say.date(due))


def _not_to_do(writer: Writer, customer: Customer, why: str) -> Iterator[str]:
    """Name actions that a `control` group must not get, or that the plan has no `room` for."""
    rows = customer.actions.reset_index()
    if rows.empty:
        return
    is_planned = rows["in_plan"].astype(bool)
    where = is_planned & (rows["arm"] == CONTROL) if why == CONTROL else ~is_planned
    if where.any():
        names = (writer.say(f"actions.{code}") for code in rows.loc[where, "action"])
        yield writer.say(f"{KEY}.to_do.{why}", actions=writer.say.listed(names))


def _reach(writer: Writer, customer: Customer) -> Iterator[str]:
    """Say through which channels the customer may be contacted, and which works best."""
    say, get = writer.say, customer.get
    for key, is_given in (("may", True), ("may_not", False)):
        channels = [each for each, given in customer.consents.items() if given is is_given]
        if channels:
            names = say.listed(say(f"channels.{each}") for each in channels)
            yield say(f"{KEY}.reach.{key}", channels=names)
    if not customer.consents:
        yield say(f"{KEY}.reach.unknown")
    best = get("best_channel")
    if best and customer.consents.get(best, True):
        yield say(f"{KEY}.reach.best", channel=say(f"channels.{best}"))
    ahead = get("days_to_birthday")
    if ahead is not None and ahead <= SOON:
        yield say(f"{KEY}.reach.birthday", day=say.day_and_month(get("birth_date")))


def leads(writer: Writer, customer: Customer) -> Block:
    """Say of each open lead its stage, value, source, owner, and when a contact is due."""
    rows = customer.leads
    rows = rows[rows["outcome"] == "open"] if len(rows) else rows
    if rows.empty:
        return Block("")
    due = customer.follow_ups.to_dict("index")
    said = [_lead(writer, row, due.get(code, {})) for code, row in rows.to_dict("index").items()]
    heading = writer.say.plural(f"{KEY}.leads.heading", len(rows))
    return writer.part(heading, *(blocks.facts(each) for each in said))


def _lead(writer: Writer, row: Mapping[Any, Any], due: Mapping[Any, Any]) -> list[Definition]:
    """Write what is known of a lead, each fact on its line.

    due : its row of table `follow_ups`; empty: no contact has a date
    """
    say, late = writer.say, due.get("days_overdue", 0)
    stage = row["stage"]
    since = say(
        f"{KEY}.leads.since", stage=say.level("stage", stage), day=say.date(row["stage_at"])
    )
    source, owner = row["source"], row["owner"]
    known = {
        "stage": since if isinstance(stage, str) else None,
        "value": None if pd.isna(row["value"]) else writer.money(row["value"]),
        "source": say.level("source", source) if isinstance(source, str) else None,
        "owner": owner if isinstance(owner, str) else None,
        "due_on": say.date(due["due_on"]) if due else None,
    }
    if due and late > 0:
        days = say.count("days", late)
        known["due_on"] = say(f"{KEY}.leads.late", day=say.date(due["due_on"]), days=days)
    return [Definition(say(f"{KEY}.leads.{k}"), text) for k, text in known.items() if text]
