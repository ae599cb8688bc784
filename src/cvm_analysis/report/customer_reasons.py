"""The second part of a customer's page: the figures, and why they are as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from cvm_analysis.report import blocks, grades, risk_drivers
from cvm_analysis.report.blocks import Block, Cell, Definition, Figure
from cvm_analysis.report.customer import Customer
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import SATISFACTION

KEY = "report.customer"
_POINTS = {"value": "text", "points": "text"}
_NEW = 9.0  # ten times as much: the year before had just begun
PROMOTER, DETRACTOR = 9, 6  # of 10: from this score on, up to that one
_NEXT = {"product": "text", "because_of": "text", "probability": "percent"}


def figures(writer: Writer, customer: Customer, risk_days: int) -> Block:
    """Show the figures of the customer in a row; those that are unknown are left out."""
    parts = (writer, customer)
    made = (_pace(*parts), _risk(*parts, risk_days), _value(*parts), _at_stake(*parts))
    found = [each for each in (*made, _sales(*parts), _grade(*parts)) if each]
    return blocks.key_figures(found) if found else Block("")


def _figure(
    writer: Writer, name: str, value: str, change: str = "", tone: str = "", **said: str
) -> Figure:
    say, key = writer.say, f"{KEY}.figures.{name}"
    note = say(f"{key}.note", **said) if f"{key}.note" in say else ""
    return Figure(say(f"{key}.label"), value, note, change, tone)


def _pace(writer: Writer, customer: Customer) -> Figure | None:
    """Days without an order beside the usual gap, and when the next order is or was due."""
    say, get = writer.say, customer.get
    if not customer.has_bought:
        return None
    days, usual = say.count("days", get("days_since_last")), get("usual_gap_days")
    if usual is None:
        return _figure(writer, "pace_alone", days, last=say.date(get("last_order")))
    late = get("days_overdue")
    key = f"{KEY}.figures.pace.{'overdue' if late > 0 else 'ahead'}"
    return _figure(
        writer,
        "pace",
        days,
        say(key, days=say.count("days", abs(late))),
        "bad" if late > 0 else "",
        usual=say.count("days", usual),
        day=say.date(get("next_order_on")),
    )


def _risk(writer: Writer, customer: Customer, days: int) -> Figure | None:
    risk = customer.get("churn_risk")
    if risk is None:
        return None
    return _figure(writer, "risk", _percent(writer, risk), days=writer.say.duration(days))


def _percent(writer: Writer, risk: float) -> str:
    """Write a risk in percent; one that is not certain is not 100%."""
    most = 0.99
    near = writer.say(f"{KEY}.risk.above", most=writer.say.percent(most))
    return near if risk > most else writer.say.percent(risk)


def _value(writer: Writer, customer: Customer) -> Figure | None:
    """The expected margin, with its range."""
    margin = customer.get("expected_margin")
    if margin is None:
        return None
    low, high = customer.get("expected_margin_low"), customer.get("expected_margin_high")
    name = "value_alone" if low is None else "value" if high > 0 else "value_rare"
    ends = "" if low is None else writer.range(low, high, writer.money)
    return _figure(writer, name, writer.money(margin), range=ends)


def _at_stake(writer: Writer, customer: Customer) -> Figure | None:
    stake = customer.get("margin_at_stake")
    return None if stake is None else _figure(writer, "at_stake", writer.money(stake))


def _sales(writer: Writer, customer: Customer) -> Figure | None:
    """Net sales of the last 365 days, and the change on the year before."""
    say, get = writer.say, customer.get
    if not customer.has_bought:
        return None
    now, change = get("net_sales_365d"), get("sales_change")
    if change is None or not round(change, 2) or change > _NEW:
        return _figure(writer, "sales_alone", writer.money(now))
    sign, tone = ("up", "good") if change > 0 else ("down", "bad")
    written = say(f"report.first_page.{sign}", change=say.percent(abs(change)))
    return _figure(writer, "sales", writer.money(now), written, tone)


def _grade(writer: Writer, customer: Customer) -> Figure | None:
    say, get = writer.say, customer.get
    grade, score = get("grade"), get("score")
    if grade is None or score is None:
        return None
    missing, above = get("points_to_next"), get("next_grade")
    name = "grade_best" if above is None else "grade"
    return _figure(
        writer,
        name,
        say(f"grades.{grade}"),
        score=say.number(score),
        points=say.number(missing, 1),
        next="" if above is None else say(f"grades.{above}"),
    )


def risk(writer: Writer, customer: Customer) -> Block:
    """Show what raises the risk of no order, the strongest first."""
    say, get = writer.say, customer.get
    codes = [f"reason_{i}" for i in (1, 2, 3)]
    known = {c: (get(c), get(f"{c}_value")) for c in codes if get(c) is not None}
    reasons = [
        risk_drivers.reason(code, value, say, writer.currency, get("days_since_last"))
        for code, value in known.values()
    ]
    if get("lapsed"):
        reasons.append(say(f"{KEY}.risk.lapsed"))
    if not reasons:
        return Block("")
    heading = say(f"{KEY}.risk.heading", risk=_percent(writer, get("churn_risk")))
    return writer.part(heading, blocks.bullets([_capital(each) for each in reasons]))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def grade(writer: Writer, customer: Customer) -> Block:
    """Show the points of each indicator of the grade, and the easiest step to the next one."""
    say, get, points = writer.say, customer.get, customer.grade_points
    if points.empty or get("grade") is None:
        return Block("")
    named = say(f"grades.{get('grade')}")
    heading = say(
        f"{KEY}.grade_part.heading",
        grade=named,
        score=say.number(get("score")),
        day=say.date(get("since")),
    )
    rows = points.reset_index().sort_values("points", na_position="last", kind="stable")
    shown = pd.DataFrame(
        {
            "value": [grades.figure(writer, value) for value in rows["value"]],
            "points": [_of_100(writer, each) for each in rows["points"]],
        },
        index=[say(f"indicators.{code}") for code in rows["indicator"]],
    )
    labels = say.section(f"{KEY}.grade_part.columns")
    table = writer.table(shown, _POINTS, labels=labels, id="customer-grade")
    said = [blocks.text(each) for each in _steps(writer, customer)]
    return writer.part(heading, *said, table)


def _of_100(writer: Writer, points: float) -> Cell:
    share = None if pd.isna(points) else points / 100
    return Cell(writer.say.number(points), share=share)


def _steps(writer: Writer, customer: Customer) -> Iterator[str]:
    """Say how far the next grade is, what to improve for it, and why the grade fell."""
    say, get = writer.say, customer.get
    if before := get("fell_from"):
        is_kept, drop = before == get("grade"), get("largest_drop")
        key = ("kept" if is_kept else "fell") + ("" if drop else "_alone")
        indicator = say(f"indicators.{drop}") if drop else ""
        named = say(f"grades.{get('score_grade') if is_kept else before}")
        yield say(f"{KEY}.grade_part.{key}", grade=named, indicator=indicator)
    above, missing = get("next_grade"), get("points_to_next")
    if above is None or missing is None:
        return
    name = say(f"grades.{above}")
    if missing == 0:
        yield say(f"{KEY}.grade_part.rises", next=name)
    elif get("change"):
        change = grades.change(writer, customer.facts)
        yield say(
            f"{KEY}.grade_part.step",
            next=name,
            points=say.number(missing, 1),
            change=change,
        )
    else:
        yield say(f"{KEY}.grade_part.missing", next=name, points=say.number(missing, 1))


def satisfaction(writer: Writer, customer: Customer) -> Block:
    """Show what the customer last said: recommendation, and each dimension of satisfaction."""
    say, get = writer.say, customer.get
    rows = []
    if (nps := get("nps")) is not None:
        kind = "promoter" if nps >= PROMOTER else "detractor" if nps <= DETRACTOR else "passive"
        said = say(f"{KEY}.said.{kind}", n=say.number(nps))
        rows.append(Definition(say(f"{KEY}.said.nps"), said))
    scores = {c: get(c) for c in sorted(customer.facts) if c.startswith(SATISFACTION)}
    known = {c: score for c, score in scores.items() if score is not None}
    for column, score in sorted(known.items(), key=lambda pair: pair[1]):
        name = say.level("dimension", column.removeprefix(SATISFACTION))
        rows.append(Definition(name, say(f"{KEY}.said.of_five", n=say.number(score))))
    if not rows:
        return Block("")
    heading = say(f"{KEY}.said.heading", day=say.date(get("last_answer")))
    return writer.part(heading, blocks.facts(rows))


def next_products(writer: Writer, customer: Customer) -> Block:
    """Show what is recommended next and because of what; nothing without a recommendation."""
    say, rows = writer.say, customer.next_products.reset_index()
    if rows.empty:
        return Block("")
    rows = rows.sort_values("rank")
    listed = rows.to_dict("records")
    reasons = [_product(writer, row, "because_of") for row in listed]
    shown = rows.assign(
        product=[_product(writer, row, "product") for row in listed],
        because_of=[each or say(f"{KEY}.next.popular") for each in reasons],
    ).reset_index(drop=True)
    labels = say.section(f"{KEY}.next.columns")
    formats = {c: f for c, f in _NEXT.items() if c in shown and shown[c].notna().any()}
    heading = say(f"{KEY}.next.heading", product=shown["product"].iloc[0])
    return writer.part(heading, writer.table(shown, formats, labels=labels, id="customer-next"))


def _product(writer: Writer, row: Mapping[Any, Any], column: str) -> str:
    """Name a product, or the category that stands for it, by the business's words."""
    code = row[column]
    return writer.say.level(row.get("level", "category"), code) if isinstance(code, str) else ""
