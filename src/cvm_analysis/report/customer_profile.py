"""The background on a customer's page: who they are, points and referrals, the words used."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block, Definition
from cvm_analysis.report.customer import Customer
from cvm_analysis.report.writer import Writer

KEY = "report.customer"
RECORDED = ("gender", "occupation", "industry", "company_size", "city", "channel")
OWED = ("days_to_service", "days_to_warranty_end")
PROSPECT = "prospect"
CLASSES = ("life_cycle", "frequency", "amount", "loyalty")
TERMS = ("expected_margin", "margin_at_stake", "grade", "control_group")


def profile(writer: Writer, customer: Customer) -> Block:
    """Show what is recorded about the customer, and the classes; nothing where nothing is."""
    rows = [*_recorded(writer, customer), *_classes(writer, customer)]
    if not rows:
        return Block("")
    return writer.part(writer.say(f"{KEY}.profile.title"), blocks.facts(rows))


def _recorded(writer: Writer, customer: Customer) -> Iterator[Definition]:
    say, get = writer.say, customer.get
    for column in RECORDED:
        if get(column) is not None:
            key = f"{KEY}.profile.values.{get(column)}"  # groups are called otherwise: women, men
            value = say(key) if key in say else say.level(column, get(column))
            yield Definition(_name(writer, column), value)
    if get("joined_on") is not None:
        yield Definition(say(f"{KEY}.profile.joined_on"), say.date(get("joined_on")))
    if get("birth_date") is not None:  # without the year: the desk greets, it does not count
        yield Definition(say(f"{KEY}.profile.birthday"), say.day_and_month(get("birth_date")))
    for column in OWED:
        if (days := get(column)) is not None:
            day = customer.as_of + dt.timedelta(days=days)
            yield Definition(say(f"{KEY}.profile.{column}"), say.date(day))
    for column in customer.own:
        if (value := get(column)) is not None:
            written = value if isinstance(value, str) else say.short(value)
            yield Definition(_name(writer, column), say.level(column, written))


def _name(writer: Writer, column: str) -> str:
    name = writer.say.measure(column)
    return name[:1].upper() + name[1:].replace("_", " ")


def _classes(writer: Writer, customer: Customer) -> Iterator[Definition]:
    """The classes of the schemes, each by its name."""
    say, get = writer.say, customer.get
    for scheme in CLASSES:
        code = get(scheme)
        if code not in (None, PROSPECT, get("customer_type")) and f"classes.{code}" in say:
            yield Definition(say(f"{KEY}.profile.{scheme}"), say(f"classes.{code}"))


def points(writer: Writer, customer: Customer) -> Block:
    """Say the level, the points and what is missing, and whom the customer brought."""
    said = [*_points(writer, customer), *_referrals(writer, customer)]
    if not said:
        return Block("")
    return writer.part(writer.say(f"{KEY}.points.title"), blocks.bullets(said))


def _points(writer: Writer, customer: Customer) -> Iterator[str]:
    say, get = writer.say, customer.get
    if get("level"):
        yield say(f"{KEY}.points.level", level=say.level("level", get("level")))
    if get("points_balance"):
        yield say(f"{KEY}.points.balance", points=say.number(get("points_balance")))
    if get("points_expiring") and get("expires_on") is not None:
        day, n = say.date(get("expires_on")), say.number(get("points_expiring"))
        yield say(f"{KEY}.points.expiring", points=n, day=day)
    if get("next_level") and get("points_balance"):
        level, n = say.level("level", get("next_level")), say.number(get("points_to_level"))
        yield say(f"{KEY}.points.missing", points=n, level=level)


def _referrals(writer: Writer, customer: Customer) -> Iterator[str]:
    say, get = writer.say, customer.get
    if get("n_referred"):
        brought = writer.money(get("brought_value"))
        n = say.count("customers", get("n_referred"))
        yield say(f"{KEY}.points.referred", customers=n, money=brought)


def definitions(writer: Writer, customer: Customer, discount_rate: float) -> Block:
    """Define the words that a reader may ask about; nobody asks where there is no figure."""
    if not customer.has_bought:
        return Block("")
    say, key = writer.say, "report.definitions"
    rate = say.percent(discount_rate)
    terms = [
        Definition(say(f"{key}.{t}.term"), say(f"{key}.{t}.meaning", rate=rate)) for t in TERMS
    ]
    terms.append(Definition(say(f"{KEY}.range.term"), say(f"{KEY}.range.meaning")))
    return blocks.join(
        [blocks.section(say(f"{KEY}.words"), width="folded"), blocks.definitions(terms)]
    )
