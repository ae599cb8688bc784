"""The rules of each raw table, in the order of application."""

from __future__ import annotations

import datetime as dt
import functools
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Literal, NamedTuple

import ibis
from ibis import ir

from cvm_analysis.intake.masking import MARK
from cvm_analysis.intake.rules import Broken, Level, Rule, counting, repeats
from cvm_analysis.tables import FROM_FILES, TABLES, own

# Tables typed by hand or collected elsewhere: however many rows are excluded, a run goes on.
UNLIMITED = ("contact_log", "mentions")
UNLIMITED_CHECKS = ("merged_customer",)  # no faults of the files
FEEDBACK = ("nps", "csat", "complaint")
ARMS = ("treated", "control")
MOVEMENTS = ("earn", "redeem", "expire", "adjust")
OUTCOMES = ("won", "lost", "open")
CONTACT = ("customer_id", "at", "action", "channel", "owner", "result")  # equal in all: repeated


class Given(NamedTuple):
    """What rules depend on beside the rows.

    extracted_on : the day the files were taken; repeated : the level of equal lines; actions : the
    catalogue's codes
    """

    extracted_on: dt.date
    repeated: Level = "info"
    actions: Collection[str] = ()


def _missing(column: str) -> Broken:
    return lambda t: t[column].isnull()


def _unreadable(column: str) -> Broken:
    return lambda t: t[column].isnull() & t[f"{column}_text"].notnull()


def _before(column: str, other: str) -> Broken:
    return lambda t: t[column] < t[other]


def _unreadable_added(t: ir.Table) -> ir.BooleanValue:
    """Whether a number that the business added cannot be read."""
    broken = [_unreadable(column)(t) for column in own.to_outside(t.columns).values()]
    return functools.reduce(operator.or_, broken, ibis.literal(False))


def _repeated_referral(t: ir.Table) -> ir.BooleanValue:
    """Whether another customer referred the same one on an earlier day, or before in the file."""
    by = [t.referred_id, t.customer_id == t.referred_id, t.customer_id.isnull(), *counting(t)]
    order = ibis.window(group_by=by, order_by=["at", "file", "line"])
    return ibis.row_number().over(order) > 0


def _not_in(column: str, known: Collection[str]) -> Broken:
    return lambda t: ~t[column].isin(sorted(known)).fill_null(False)


def _no_start(t: ir.Table) -> ir.BooleanValue:
    return t.started_on.isnull() & (t.tenure_text.isnull() | t.started_on_text.notnull())


def _no_tenure(t: ir.Table) -> ir.BooleanValue:
    return _unreadable("tenure")(t) | (t.tenure < 0)


def _unknown_outcome(t: ir.Table) -> ir.BooleanValue:
    return t.outcome.notnull() & _not_in("outcome", OUTCOMES)(t)


def _closed_without_outcome(t: ir.Table) -> ir.BooleanValue:
    return t.closed_on.notnull() & t.outcome.isnull()


def _outcome_without_day(t: ir.Table) -> ir.BooleanValue:
    return t.closed_on.isnull() & t.outcome.isin(["won", "lost"])


def _future(column: str, given: Given) -> Broken:
    return lambda t: t[column].cast("date") > given.extracted_on


def _dated(column: str, given: Given) -> tuple[Rule, Rule]:
    return (
        Rule("no_date", column, "error", _missing(column)),
        Rule("in_the_future", column, "error", _future(column, given)),
    )


RAGGED = Rule("wrong_number_of_cells", "line", "error", lambda t: t.ragged)
NO_CUSTOMER = Rule("missing_customer_id", "customer_id", "error", _missing("customer_id"))
PERSONAL = Rule("personal_details_masked", "text", "info", lambda t: t.text.contains(MARK))
RULES: Mapping[str, Callable[[Given], list[Rule]]] = {
    "transactions": lambda given: [
        *_dated("ordered_at", given),
        Rule("no_amount", "amount", "error", _missing("amount")),
        Rule("repeated_line", "line", given.repeated, lambda t: t.repeated),
        Rule("unreadable_cost", "cost", "warn", _unreadable("cost")),
        Rule("unreadable_quantity", "quantity", "warn", _unreadable("quantity")),
        Rule("return", "amount", "info", lambda t: t.amount < 0),
        Rule("zero_amount", "amount", "info", lambda t: t.amount == 0),
    ],
    "customers_raw": lambda given: [
        Rule("repeated_customer", "line", "error", repeats("customer_id")),
        Rule("joins_in_the_future", "joined_on", "error", _future("joined_on", given)),
        Rule("unreadable_join_date", "joined_on", "warn", _unreadable("joined_on")),
        Rule("unreadable_birth_date", "birth_date", "warn", _unreadable("birth_date")),
    ],
    "feedback": lambda given: [
        *_dated("at", given),
        Rule("unknown_kind", "kind", "error", _not_in("kind", FEEDBACK)),
        Rule("unreadable_score", "score", "error", _unreadable("score")),
        PERSONAL,
    ],
    "contracts": lambda given: [
        Rule("no_date", "started_on", "error", _no_start),
        Rule("unreadable_tenure", "tenure", "error", _no_tenure),
        Rule("no_status", "status", "error", lambda t: t.tenure.notnull() & t.status.isnull()),
        Rule("in_the_future", "started_on", "error", _future("started_on", given)),
        Rule("unreadable_end", "ended_on", "error", _unreadable("ended_on")),
        Rule("ends_before_it_starts", "ended_on", "error", _before("ended_on", "started_on")),
        Rule("unreadable_number", "line", "warn", _unreadable_added),
    ],
    "indicators": lambda given: [
        *_dated("at", given),
        Rule("no_value", "value", "error", _missing("value")),
    ],
    "campaign_members": lambda given: [
        Rule("no_campaign", "campaign_id", "error", _missing("campaign_id")),
        *_dated("at", given),
        Rule("unknown_arm", "arm", "error", _not_in("arm", ARMS)),
        Rule("repeated_member", "line", "error", repeats("customer_id", "campaign_id")),
        Rule("unreadable_cost", "cost", "warn", _unreadable("cost")),
        Rule("unknown_action", "action", "info", _not_in("action", given.actions)),
    ],
    "contact_log": lambda given: [
        Rule("not_done", "at", "error", _missing("at_text")),
        *_dated("at", given),
        Rule("unknown_action", "action", "error", _not_in("action", given.actions)),
        Rule("before_its_list", "at", "error", _before("at", "listed_on")),
        Rule("repeated_contact", "line", "error", repeats(*CONTACT)),
        Rule("unreadable_list_date", "listed_on", "warn", _unreadable("listed_on")),
    ],
    "consents": lambda given: [
        Rule("no_channel", "channel", "error", _missing("channel")),
        *_dated("at", given),
        Rule("unreadable_consent", "given", "error", _missing("given")),
    ],
    "points": lambda given: [
        *_dated("at", given),
        Rule("unknown_movement", "kind", "error", _not_in("kind", MOVEMENTS)),
        Rule("no_points", "points", "error", _missing("points")),
        Rule("repeated_line", "line", given.repeated, lambda t: t.repeated),
        Rule("zero_points", "points", "info", lambda t: t.points == 0),
    ],
    "referrals": lambda given: [
        Rule("no_referred", "referred_id", "error", _missing("referred_id")),
        *_dated("at", given),
        Rule("self_referral", "line", "error", lambda t: t.customer_id == t.referred_id),
        Rule("repeated_referral", "line", "error", _repeated_referral),
    ],
    "leads": lambda given: [
        Rule("no_lead", "lead_id", "error", _missing("lead_id")),
        *_dated("created_on", given),
        Rule("unreadable_end", "closed_on", "error", _unreadable("closed_on")),
        Rule("ends_before_it_starts", "closed_on", "error", _before("closed_on", "created_on")),
        Rule("unknown_outcome", "outcome", "error", _unknown_outcome),
        Rule("closed_without_outcome", "outcome", "error", _closed_without_outcome),
        Rule("outcome_without_day", "closed_on", "error", _outcome_without_day),
        Rule("repeated_lead", "line", "error", repeats("lead_id", "stage", "stage_at")),
        Rule("unreadable_stage_date", "stage_at", "warn", _unreadable("stage_at")),
        Rule("stage_before_the_lead", "stage_at", "info", _before("stage_at", "created_on")),
        Rule("unreadable_value", "value", "warn", _unreadable("value")),
    ],
    "mentions": lambda given: [
        *_dated("at", given),
        Rule("no_channel", "channel", "error", _missing("channel")),
        Rule("no_text", "text", "error", _missing("text")),
        Rule("repeated_mention", "line", "error", repeats("at", "channel", "text")),
        Rule("unreadable_stars", "score", "warn", _unreadable("score")),
        PERSONAL,
    ],
}


def rules_for(
    table: str,
    extracted_on: dt.date,
    duplicates: Literal["keep", "quarantine"] = "keep",
    actions: Collection[str] = (),
) -> list[Rule]:
    """Rules of a raw table, in the order of application; `actions` are the catalogue's codes."""
    repeated: Level = "error" if duplicates == "quarantine" else "info"
    customer = [] if TABLES[table].columns["customer_id"].optional else [NO_CUSTOMER]
    return [RAGGED, *customer, *RULES[table](Given(extracted_on, repeated, actions))]


def gates() -> set[str]:
    """Names of the rules that exclude rows, whose share can be limited."""
    day = dt.date.min
    limited = [table for table in FROM_FILES if table not in UNLIMITED]
    all_rules = [
        rule
        for table in limited
        for rule in (*rules_for(table, day, "quarantine"), no_region(table))
    ]
    return {rule.name for rule in all_rules if rule.level == "error"}


def no_region(table: str) -> Rule:
    """The rule for customers without a region in their record or sales."""
    column = {"transactions": "sold_in", "customers_raw": "region", "leads": "region"}.get(
        table, "customer_id"
    )
    return Rule("no_region", column, "error", _missing("region"))


def incomplete_day(day: dt.date) -> Rule:
    """The finding that the last day is incomplete; rows are kept, but not counted by default."""
    return Rule("incomplete_day", "ordered_at", "info", lambda t: t.ordered_at.date() == day)
