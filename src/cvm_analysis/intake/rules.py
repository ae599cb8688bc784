"""Parse text cells, and apply the rules that decide which rows are accepted.

A rule of level `error` sends the row to quarantine; `filter` leaves it out as the config asks;
`warn` accepts it (the cell is empty); `info` only counts. A row that breaks several rules is
excluded under the first.
"""

from __future__ import annotations

import datetime as dt
import functools
import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal, NamedTuple

import ibis
import pandas as pd
from ibis import ir

from cvm_analysis.intake import ids, moments, numbers
from cvm_analysis.intake.masking import MARK
from cvm_analysis.intake.numbers import MONEY
from cvm_analysis.tables import ALL, FROM_FILES, TABLES, own
from cvm_analysis.tables.shape import NUMERIC, Kind

# Tables typed by hand or collected elsewhere: however many rows are excluded, a run goes on.
UNLIMITED = ("contact_log", "mentions")
UNLIMITED_CHECKS = ("merged_customer",)  # no faults of the files
ANYWHERE = ("mentions",)  # tables whose rows may have no region; those count for `all` alone
FEEDBACK = ("nps", "csat", "complaint")
ARMS = ("treated", "control")
MOVEMENTS = ("earn", "redeem", "expire", "adjust")
OUTCOMES = ("won", "lost", "open")
YES = ("yes", "true", "1", "y", "是", "同意")
NO = ("no", "false", "0", "n", "否", "不同意")
PLACES = ("sold_in", "region")  # columns that say where a row belongs
Level = Literal["error", "filter", "warn", "info"]
EXCLUDED = ("error", "filter")  # levels of rows that are not accepted
CARRIED = ("key", "left_out", "refund_share", "currency", "unmatched")  # columns that stay


class Reading(NamedTuple):
    """How the cells of a source are written.

    in_sheet : dates may be those of a workbook, whatever the pattern
    """

    decimal: str | None = None
    timezone: str = "UTC"
    in_sheet: bool = False


class Rule(NamedTuple):
    """A rule: its name, its column, its level, and when a row breaks it."""

    name: str
    column: str
    level: Level
    broken: Callable[[ir.Table], ir.BooleanValue]


def parse_columns(
    raw: ir.Table,
    table: str,
    n_columns: int,
    formats: Mapping[str, str],
    added: Sequence[str] = (),
    reading: Reading = Reading(),  # noqa: B008
) -> ir.Table:
    """Parse a staged file into the columns of `table`, each with its text in `<column>_text`.

    Columns that the file lacks are empty; `added` are the business's own. A missing column amount
    is quantity x unit_price.
    """
    spec = TABLES[table]
    kinds = {name: column.kind for name, column in spec.columns.items()}
    if spec.others:
        kinds |= dict.fromkeys(added, spec.others)
    cells = {
        name: parse_cell(raw, name, kind, formats.get(name), reading)
        for name, kind in kinds.items()
    }
    texts = {f"{name}_text": _unread_text(raw, name, kind, cells[name])
             for name, kind in kinds.items()}  # fmt: skip
    if table == "transactions" and "amount" not in raw.columns:
        cells["amount"] = (cells["quantity"] * cells["unit_price"]).cast(MONEY)
        factors = [_text(raw, name, "money") for name in ("quantity", "unit_price")]
        texts["amount_text"] = factors[0] + " x " + factors[1]
    ragged = raw.n_fields != n_columns
    carried = [name for name in CARRIED if name in raw.columns]
    return raw.select("file", "line", *carried, ragged=ragged, **cells, **texts)


def _text(raw: ir.Table, name: str, kind: Kind = "text") -> ir.StringValue:
    """The text of a column; empty too where a word stands for no value of its kind."""
    if name not in raw.columns:
        return ibis.null("string")
    if not raw[name].type().is_string():
        return raw[name].cast("string")
    trimmed = raw[name] if name in ids.IDS else numbers.trim(raw[name])  # ids are plain already
    text = trimmed.nullif("")
    if kind in ("text", "yes_no"):
        return text
    nothing = {*ids.NOTHING, *(moments.NOTHING if kind in ("date", "time") else ())}
    words = "|".join(re.escape(word) for word in sorted(nothing))
    return ibis.ifelse(raw[name].re_search(rf"(?i)^\s*({words})\s*$"), ibis.null("string"), text)


def _unread_text(raw: ir.Table, name: str, kind: Kind, value: ir.Value) -> ir.StringValue:
    """The text of a column; of typed cells only where they cannot be read, as it takes long."""
    text = _text(raw, name, kind)
    is_text = name not in raw.columns or raw[name].type().is_string()
    return text if is_text else ibis.ifelse(value.isnull(), text, ibis.null("string"))


def parse_cell(
    raw: ir.Table,
    name: str,
    kind: Kind,
    pattern: str | None = None,
    reading: Reading = Reading(),  # noqa: B008
) -> ir.Value:
    """Read a column, of text or typed, as a kind of value; empty where that fails."""
    if name not in raw.columns:
        return ibis.null(_type(kind))
    whole = raw[name]
    if not whole.type().is_string():
        return _typed(whole, name, kind, reading)
    text = _text(raw, name)
    if kind in NUMERIC:
        return numbers.number(whole, reading.decimal, shares=kind == "number")
    if kind in ("date", "time"):
        how = {"in_sheet": reading.in_sheet, "of_birth": name == "birth_date"}
        moment = moments.moment(whole, pattern, reading.timezone, **how)
        return moment if kind == "time" else moment.date()
    if kind == "yes_no":
        word, empty = text.lower(), ibis.null("boolean")
        return ibis.cases((word.isin(YES), True), (word.isin(NO), False), else_=empty)
    return text


def _type(kind: Kind) -> str:
    types = {"date": "date", "time": "timestamp", "yes_no": "boolean", "text": "string"}
    return MONEY if kind in NUMERIC else types[kind]


def _typed(value: ir.Value, name: str, kind: Kind, reading: Reading) -> ir.Value:
    if kind in NUMERIC:
        return value.try_cast(MONEY)
    moment = moments.typed(value, reading.timezone, of_birth=name == "birth_date")
    return moment if kind == "time" else moment.date()


def _missing(column: str) -> Callable[[ir.Table], ir.BooleanValue]:
    return lambda t: t[column].isnull()


def _unreadable(column: str) -> Callable[[ir.Table], ir.BooleanValue]:
    return lambda t: t[column].isnull() & t[f"{column}_text"].notnull()


def _before(column: str, other: str) -> Callable[[ir.Table], ir.BooleanValue]:
    return lambda t: t[column] < t[other]


def _unreadable_added(t: ir.Table) -> ir.BooleanValue:
    """Whether a number that the business added cannot be read."""
    broken = [_unreadable(column)(t) for column in own.to_outside(t.columns).values()]
    return functools.reduce(operator.or_, broken, ibis.literal(False))


def _counting(t: ir.Table) -> list[str]:
    """What parts rows that count from rows that are left out: these repeat none that counts."""
    return ["left_out"] if "left_out" in t.columns else []


def _repeats(*columns: str) -> Callable[[ir.Table], ir.BooleanValue]:
    def broken(t: ir.Table) -> ir.BooleanValue:
        order = ibis.window(group_by=[*columns, *_counting(t)], order_by=["file", "line"])
        return ibis.row_number().over(order) > 0

    return broken


def _repeated_referral(t: ir.Table) -> ir.BooleanValue:
    """Whether another customer referred the same one on an earlier day, or before in the file."""
    by = [t.referred_id, t.customer_id == t.referred_id, t.customer_id.isnull(), *_counting(t)]
    order = ibis.window(group_by=by, order_by=["at", "file", "line"])
    return ibis.row_number().over(order) > 0


RAGGED = Rule("wrong_number_of_cells", "line", "error", lambda t: t.ragged)
CONTACT = ("customer_id", "at", "action", "channel", "owner", "result")  # equal in all: repeated
PERSONAL = Rule("personal_details_masked", "text", "info", lambda t: t.text.contains(MARK))
NO_CUSTOMER = Rule("missing_customer_id", "customer_id", "error", _missing("customer_id"))


def _not_in(column: str, known: Collection[str]) -> Callable[[ir.Table], ir.BooleanValue]:
    return lambda t: ~t[column].isin(sorted(known)).fill_null(False)


def _no_start(t: ir.Table) -> ir.BooleanValue:
    return t.started_on.isnull() & (t.tenure_text.isnull() | t.started_on_text.notnull())


def _no_tenure(t: ir.Table) -> ir.BooleanValue:
    return _unreadable("tenure")(t) | (t.tenure < 0)


def _unknown_outcome(t: ir.Table) -> ir.BooleanValue:
    return t.outcome.notnull() & _not_in("outcome", OUTCOMES)(t)


def _closed_without_outcome(t: ir.Table) -> ir.BooleanValue:
    return t.closed_on.notnull() & (t.outcome.isnull() | (t.outcome == "open"))


def _outcome_without_day(t: ir.Table) -> ir.BooleanValue:
    return t.closed_on.isnull() & t.outcome.isin(["won", "lost"])


def rules_for(
    table: str,
    extracted_on: dt.date,
    duplicates: Literal["keep", "quarantine"] = "keep",
    actions: Collection[str] = (),
) -> list[Rule]:
    """Rules of a raw table, in the order of application; `actions` are the catalogue's codes."""

    def future(column: str) -> Callable[[ir.Table], ir.BooleanValue]:
        return lambda t: t[column].cast("date") > extracted_on

    def dated(column: str) -> tuple[Rule, Rule]:
        return (
            Rule("no_date", column, "error", _missing(column)),
            Rule("in_the_future", column, "error", future(column)),
        )

    repeated: Level = "error" if duplicates == "quarantine" else "info"
    own = {
        "transactions": [
            *dated("ordered_at"),
            Rule("no_amount", "amount", "error", _missing("amount")),
            Rule("repeated_line", "line", repeated, lambda t: t.repeated),
            Rule("unreadable_cost", "cost", "warn", _unreadable("cost")),
            Rule("unreadable_quantity", "quantity", "warn", _unreadable("quantity")),
            Rule("return", "amount", "info", lambda t: t.amount < 0),
            Rule("zero_amount", "amount", "info", lambda t: t.amount == 0),
        ],
        "customers_raw": [
            Rule("repeated_customer", "line", "error", _repeats("customer_id")),
            Rule("joins_in_the_future", "joined_on", "error", future("joined_on")),
            Rule("unreadable_join_date", "joined_on", "warn", _unreadable("joined_on")),
            Rule("unreadable_birth_date", "birth_date", "warn", _unreadable("birth_date")),
        ],
        "feedback": [
            *dated("at"),
            Rule("unknown_kind", "kind", "error", _not_in("kind", FEEDBACK)),
            Rule("unreadable_score", "score", "error", _unreadable("score")),
            PERSONAL,
        ],
        "contracts": [
            Rule("no_date", "started_on", "error", _no_start),
            Rule("unreadable_tenure", "tenure", "error", _no_tenure),
            Rule("no_status", "status", "error", lambda t: t.tenure.notnull() & t.status.isnull()),
            Rule("in_the_future", "started_on", "error", future("started_on")),
            Rule("unreadable_end", "ended_on", "error", _unreadable("ended_on")),
            Rule("ends_before_it_starts", "ended_on", "error", _before("ended_on", "started_on")),
            Rule("unreadable_number", "line", "warn", _unreadable_added),
        ],
        "indicators": [
            *dated("at"),
            Rule("no_value", "value", "error", _missing("value")),
        ],
        "campaign_members": [
            Rule("no_campaign", "campaign_id", "error", _missing("campaign_id")),
            *dated("at"),
            Rule("unknown_arm", "arm", "error", _not_in("arm", ARMS)),
            Rule("repeated_member", "line", "error", _repeats("customer_id", "campaign_id")),
            Rule("unreadable_cost", "cost", "warn", _unreadable("cost")),
            Rule("unknown_action", "action", "info", _not_in("action", actions)),
        ],
        "contact_log": [
            Rule("not_done", "at", "error", _missing("at_text")),
            *dated("at"),
            Rule("unknown_action", "action", "error", _not_in("action", actions)),
            Rule("before_its_list", "at", "error", _before("at", "listed_on")),
            Rule("repeated_contact", "line", "error", _repeats(*CONTACT)),
            Rule("unreadable_list_date", "listed_on", "warn", _unreadable("listed_on")),
        ],
        "consents": [
            Rule("no_channel", "channel", "error", _missing("channel")),
            *dated("at"),
            Rule("unreadable_consent", "given", "error", _missing("given")),
        ],
        "points": [
            *dated("at"),
            Rule("unknown_movement", "kind", "error", _not_in("kind", MOVEMENTS)),
            Rule("no_points", "points", "error", _missing("points")),
            Rule("repeated_line", "line", repeated, lambda t: t.repeated),
            Rule("zero_points", "points", "info", lambda t: t.points == 0),
        ],
        "referrals": [
            Rule("no_referred", "referred_id", "error", _missing("referred_id")),
            *dated("at"),
            Rule("self_referral", "line", "error", lambda t: t.customer_id == t.referred_id),
            Rule("repeated_referral", "line", "error", _repeated_referral),
        ],
        "leads": [
            Rule("no_lead", "lead_id", "error", _missing("lead_id")),
            *dated("created_on"),
            Rule("unreadable_end", "closed_on", "error", _unreadable("closed_on")),
            Rule("ends_before_it_starts", "closed_on", "error", _before("closed_on", "created_on")),
            Rule("unknown_outcome", "outcome", "error", _unknown_outcome),
            Rule("closed_without_outcome", "outcome", "error", _closed_without_outcome),
            Rule("outcome_without_day", "closed_on", "error", _outcome_without_day),
            Rule("repeated_lead", "line", "error", _repeats("lead_id", "stage", "stage_at")),
            Rule("unreadable_stage_date", "stage_at", "warn", _unreadable("stage_at")),
            Rule("stage_before_the_lead", "stage_at", "info", _before("stage_at", "created_on")),
            Rule("unreadable_value", "value", "warn", _unreadable("value")),
        ],
        "mentions": [
            *dated("at"),
            Rule("no_channel", "channel", "error", _missing("channel")),
            Rule("no_text", "text", "error", _missing("text")),
            Rule("repeated_mention", "line", "error", _repeats("at", "channel", "text")),
            Rule("unreadable_stars", "score", "warn", _unreadable("score")),
            PERSONAL,
        ],
    }
    customer = [] if TABLES[table].columns["customer_id"].optional else [NO_CUSTOMER]
    return [RAGGED, *customer, *own[table]]


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


def apply(rows: ir.Table, rules: list[Rule]) -> ir.Table:
    """Add `rule`: the name of the first rule that excludes a row, empty if accepted.

    Also `breaks <rule>` for each other rule. Of rows that will be accepted the texts of the cells
    are not kept.
    """
    errors = [rule for rule in rules if rule.level in EXCLUDED]
    others = [rule for rule in rules if rule.level not in EXCLUDED]
    broken = {f"_{i}": rule.broken(rows).fill_null(False) for i, rule in enumerate(errors)}
    found = {_breaks(rule): rule.broken(rows).fill_null(False) for rule in others}
    marked = rows.mutate(**broken, **found)
    cases = [(marked[f"_{i}"], rule.name) for i, rule in enumerate(errors)]
    judged = marked.mutate(rule=ibis.cases(*cases, else_=ibis.null("string"))).drop(*broken)
    is_shown = judged.rule.notnull()
    place = next((name for name in PLACES if name in judged.columns), None)
    is_shown |= judged[place].isnull() if place else True  # may yet be without a region
    texts = {f"{name}_text": _cell_text(judged, name) for name in judged.columns
             if f"{name}_text" in judged.columns}  # fmt: skip
    return judged.mutate(**{c: ibis.ifelse(is_shown, text, None) for c, text in texts.items()})


def _cell_text(rows: ir.Table, name: str) -> ir.StringValue:
    """The text of a cell; of a typed one that could be read, its value."""
    text = rows[f"{name}_text"]
    return text if rows[name].type().is_string() else text.coalesce(rows[name].cast("string"))


def _breaks(rule: Rule) -> str:
    return f"breaks {rule.name}"


def count(checked: ir.Table, rules: list[Rule], table: str) -> pd.DataFrame:
    """Count the rows that break each rule: one row per region and rule, and per rule of `all`.

    Columns as table `quality`, and region. A rule of level error or filter counts the rows that it
    excludes; warn and info count accepted rows. A row is counted in the region `counted_in`;
    without one, only in `all`.
    """
    accepted = checked.rule.isnull()
    broken = {
        rule.name: (checked.rule == rule.name)
        if rule.level in EXCLUDED
        else _is_broken(checked, rule) & accepted
        for rule in rules
    }
    found = {name: each.fill_null(False) for name, each in broken.items()}
    is_read = ~checked.refunded if "refunded" in checked.columns else ibis.literal(True)
    marked = checked.select("counted_in", is_read=is_read, **found)
    sums = (
        marked.group_by(region=marked.counted_in)
        .aggregate(n_read=marked.is_read.sum(), **{name: marked[name].sum() for name in broken})
        .to_pandas()
        .set_index("region")
    )
    regions = sums[sums.index.notna()].sort_index()
    whole = sums.sum().to_frame(ALL).T
    return pd.DataFrame(
        [
            (region, r.name, table, r.column, r.level, n[r.name], n[r.name] / n["n_read"])
            for region, n in pd.concat([whole, regions]).astype(int).iterrows()
            for r in rules
        ],
        columns=["region", "check", "table", "column", "level", "n_rows", "share"],
    )


def _is_broken(checked: ir.Table, rule: Rule) -> ir.BooleanValue:
    """Whether rows break a rule: as `apply` found, or one that was added since."""
    known = _breaks(rule)
    return checked[known] if known in checked.columns else rule.broken(checked)


def quarantine(checked: ir.Table, rules: list[Rule]) -> ir.Table:
    """One row per rejected line: file, line, rule, column, value; ids are not shown."""
    left_out = [rule.name for rule in rules if rule.level == "filter"]
    bad = checked.filter(checked.rule.notnull(), ~checked.rule.isin(left_out))
    columns = ibis.cases(*((bad.rule == rule.name, rule.column) for rule in rules))
    shown = [rule for rule in rules if rule.column not in ("customer_id", "line")]
    shown = [rule for rule in shown if f"{rule.column}_text" in bad.columns]
    values = ibis.cases(
        *((bad.rule == rule.name, bad[f"{rule.column}_text"]) for rule in shown),
        else_=ibis.null("string"),
    )
    return bad.select("file", "line", "rule", column=columns, value=values)
