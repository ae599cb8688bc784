"""The third part of a customer's page: what happened, what is bought, and what is agreed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from cvm_analysis import charts
from cvm_analysis.report import blocks, page
from cvm_analysis.report.blocks import Block, Cell
from cvm_analysis.report.customer import BUSY, LISTED, Customer
from cvm_analysis.report.writer import Writer

KEY = "report.customer"
_EVENTS = ["kind", "start", "end", "amount"]
_BOUGHT = {"share": "bar", "last_day": "date"}
_ORDERS = {"day": "date", "bought": "text", "amount": "money", "late": "text"}
_COMPLAINTS = {"day": "date", "topic": "text", "state": "text"}
_CONTACTS = {"at": "date", "action": "text", "by": "text", "result": "text"}
_CONTRACTS = {"started_on": "date", "state": "text"}


def events(customer: Customer) -> pd.DataFrame:
    """List what the timeline shows: kind, start, end (empty: still open), amount."""
    cases, contracts, days = customer.complaints, customer.contracts, customer.days
    closed = cases["at"] + pd.to_timedelta(cases["duration"], unit="D")
    nothing = pd.Series(None, contracts.index, dtype=object)
    rows = [
        *(("order", day, None, amount) for day, amount, _ in days.to_numpy() if amount),
        *(("return", day, None, amount) for day, _, amount in days.to_numpy() if amount),
        *_pairs("complaint", cases["at"], closed.where(cases["event"] == 1)),
        *_pairs("contact", customer.contacts["at"], customer.contacts["at"]),
        *_pairs("contract", contracts["started_on"], contracts.get("ended_on", nothing)),
    ]
    table = pd.DataFrame(rows, columns=_EVENTS)
    return table.assign(start=pd.to_datetime(table["start"]), end=pd.to_datetime(table["end"]))


def _pairs(kind: str, starts: pd.Series, ends: pd.Series) -> Iterator[tuple[str, Any, Any, float]]:
    """Yield events of a kind that have no amount."""
    for start, end in zip(starts, ends, strict=True):
        yield kind, start, None if pd.isna(end) else end, 0.0


def timeline(writer: Writer, customer: Customer) -> Block:
    """Show the history as a picture under a heading that counts; nothing without any event."""
    table = events(customer)
    if table.empty:
        return Block("")
    due = None if customer.get("lapsed") else customer.get("next_order_on")
    picture = charts.timeline(table, customer.as_of, writer.say, writer.currency, due)
    shown = Block(page.picture(picture.svg(), picture.alt))
    return writer.part(_heading(writer, customer), shown)


def _heading(writer: Writer, customer: Customer) -> str:
    say, get = writer.say, customer.get
    parts = [say.count("orders", get("n_orders"))] if customer.has_bought else []
    if n := len(customer.complaints):
        said, n_open = say.count("complaints", n), int((customer.complaints["event"] == 0).sum())
        key = f"{KEY}.history.complaints"
        parts.append(say(key, complaints=said, open=say.number(n_open)) if n_open else said)
    if not parts:
        return say(f"{KEY}.history.title")
    return say(f"{KEY}.history.heading", events=say.listed(parts))


def purchases(writer: Writer, customer: Customer) -> Block:
    """Show which categories are bought, through which channel, and when."""
    say, rows = writer.say, customer.categories
    said = [*_habits(writer, customer)]
    if not said:
        return Block("")
    if rows.empty:
        return writer.part(say(f"{KEY}.bought.title"), blocks.bullets(said))
    names = [say.level("category", code) for code in rows.index]
    share = say.percent(rows["share"].iloc[0])
    heading = say(f"{KEY}.bought.heading", category=names[0], share=share)
    labels = say.section(f"{KEY}.bought.columns")
    table = writer.table(rows.set_axis(names), _BOUGHT, labels=labels, id="customer-bought")
    return writer.part(heading, table, blocks.bullets(said))


def _habits(writer: Writer, customer: Customer) -> Iterator[str]:
    """Name the last order, the channel, and the weekday and month that stand out."""
    say, rows = writer.say, customer.channels
    if customer.orders.empty:
        return
    last = customer.orders.iloc[0]
    what = say.listed(last["bought"])
    amount = writer.in_full(last["amount"])
    key = f"{KEY}.bought.{'last' if what else 'last_alone'}"
    yield say(key, day=say.date(last["day"]), what=what, amount=amount)
    if len(rows):
        name = say.level("channel", rows.index[0])
        yield say(f"{KEY}.bought.channel", channel=name, share=say.percent(rows["share"].iloc[0]))
    names = {"weekday": say.weekday, "month": say.month_of_year}
    for unit, found in (("weekday", customer.weekday), ("month", customer.month)):
        if found:
            level, n, of = found
            days = say.count("purchase_days", of)
            yield say(f"{KEY}.bought.{unit}", name=names[unit](level), n=say.number(n), of=days)
    if not customer.weekday and not customer.month:
        yield say(f"{KEY}.bought.any_time")


def orders(writer: Writer, customer: Customer) -> Block:
    """List the last orders: day, what was bought, amount, and how late the delivery was."""
    say, rows = writer.say, customer.orders.head(BUSY)
    if rows.empty:
        return Block("")
    shown = rows.assign(
        bought=[say.listed(map(str, names)) or say.number(None) for names in rows["bought"]],
        late=[_late(writer, days) for days in rows["days_late"]],
    )
    formats = {c: f for c, f in _ORDERS.items() if c != "late" or rows["days_late"].notna().any()}
    formats = {c: f for c, f in formats.items() if c != "bought" or any(rows["bought"])}
    labels = say.section(f"{KEY}.orders.columns")
    heading = say.plural(f"{KEY}.orders.heading", len(rows))
    return blocks.join(
        [blocks.section(heading, width="folded"), writer.table(shown, formats, labels=labels)]
    )


def _late(writer: Writer, days: float) -> str:
    if pd.isna(days):
        return writer.say.number(None)
    key = "late" if days > 0 else "in_time"
    return writer.say(f"{KEY}.orders.{key}", days=writer.say.count("days", days))


def complaints(writer: Writer, customer: Customer) -> Block:
    """List the complaints, the newest first: topic, words, and whether and how fast closed."""
    say, rows = writer.say, customer.complaints
    if rows.empty:
        return Block("")
    rows = rows.sort_values("at", ascending=False).head(LISTED)
    shown = pd.DataFrame(
        {
            "day": rows["at"],
            "topic": [_topic(writer, row) for row in rows.to_dict("records")],
            "state": [_state(writer, row) for row in rows.to_dict("records")],
        }
    ).reset_index(drop=True)
    labels = say.section(f"{KEY}.complaints.columns")
    heading = say.plural(f"{KEY}.complaints.heading", len(customer.complaints))
    return writer.part(
        heading, writer.table(shown, _COMPLAINTS, labels=labels, id="customer-complaints")
    )


def _topic(writer: Writer, row: Mapping[Any, Any]) -> Cell:
    words = row.get("text")
    name = writer.say.level("dimension", row["dimension"])
    return Cell(name, words if isinstance(words, str) else "")


def _state(writer: Writer, row: Mapping[Any, Any]) -> str:
    key = "closed" if row["event"] else "open"
    return writer.say(f"{KEY}.complaints.{key}", days=writer.say.count("days", row["duration"]))


def contacts(writer: Writer, customer: Customer) -> Block:
    """List the last contacts: action, channel and owner, and what came of it."""
    say, rows = writer.say, customer.contacts
    if rows.empty:
        return Block("")
    rows = rows.sort_values("at", ascending=False, kind="stable").head(LISTED)
    shown = rows.assign(
        action=[say(f"actions.{code}") for code in rows["action"]],
        by=[_by(writer, row) for row in rows.to_dict("records")],
        result=[_result(writer, row.get("result")) for row in rows.to_dict("records")],
    ).reset_index(drop=True)
    labels = say.section(f"{KEY}.contacts.columns")
    heading = say(f"{KEY}.contacts.heading", day=say.date(rows["at"].iloc[0]))
    return writer.part(
        heading, writer.table(shown, _CONTACTS, labels=labels, id="customer-contacts")
    )


def _by(writer: Writer, row: Mapping[Any, Any]) -> str:
    channel, owner = row.get("channel"), row.get("owner")
    names = [writer.say(f"channels.{channel}")] if isinstance(channel, str) else []
    if isinstance(owner, str):  # as recorded: an owner of actions, or whoever wrote the name
        is_ours = f"owners.{owner}" in writer.say
        names.append(writer.say(f"owners.{owner}") if is_ours else writer.say.level("owner", owner))
    return " · ".join(names) or writer.say.number(None)


def _result(writer: Writer, result: Any) -> str:
    if not isinstance(result, str):
        return writer.say.number(None)
    key = f"values.result.{result.strip().casefold()}"
    return writer.say(key) if key in writer.say else result


def contracts(writer: Writer, customer: Customer) -> Block:
    """List the contracts: start and end, the next renewal, and how likely the running one ends."""
    say, rows = writer.say, customer.contracts
    if rows.empty:
        return Block("")
    rows = rows.sort_values("started_on", ascending=False).head(LISTED)
    shown = pd.DataFrame(
        {
            "started_on": rows["started_on"],
            "state": [_contract(writer, row, customer) for row in rows.to_dict("records")],
        }
    ).reset_index(drop=True)
    labels = say.section(f"{KEY}.contracts.columns")
    said = [blocks.text(each) for each in _renewal(writer, customer)]
    table = writer.table(shown, _CONTRACTS, labels=labels, id="customer-contracts")
    return writer.part(
        say.plural(f"{KEY}.contracts.heading", len(customer.contracts)), *said, table
    )


def _contract(writer: Writer, row: Mapping[Any, Any], customer: Customer) -> str:
    end = row.get("ended_on")
    if end is None or pd.isna(end):
        return writer.say(f"{KEY}.contracts.running")
    key = "ended" if pd.Timestamp(end) <= pd.Timestamp(customer.as_of) else "ends"
    return writer.say(f"{KEY}.contracts.{key}", day=writer.say.date(end))


def _renewal(writer: Writer, customer: Customer) -> Iterator[str]:
    say, get = writer.say, customer.get
    if get("due_on") is not None:
        share, money = say.percent(get("p_renewal")), writer.money(get("renewal_value"))
        yield say(f"{KEY}.contracts.due", day=say.date(get("due_on")), share=share, money=money)
    known = [days for days in (365, 180, 90) if get(f"p_end_{days}d") is not None]
    if known:
        share = say.percent(get(f"p_end_{known[0]}d"))
        yield say(f"{KEY}.contracts.risk", days=say.duration(known[0]), share=share)
