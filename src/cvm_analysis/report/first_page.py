"""The first page of the manager's report: headline, figures of the year, and the ten to call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from cvm_analysis.report import blocks, performance, risk_drivers
from cvm_analysis.report.blocks import Block, Cell, Figure, Step
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import ALL

FIGURES = ("net_sales", "margin", "n_active", "kept_share", "n_new")
CALLS = {"since": "text", "net_sales_365d": "money", "churn_risk": "bar"}
CALLS |= {"margin_at_stake": "money", "reasons": "text", "step": "text"}


def headline(
    writer: Writer, year_on_year: pd.DataFrame, worry: str, request: str, period: str
) -> Block:
    """Say the result, the one worry and the one request; what is empty is left out.

    year_on_year : the table; worry : a clause that follows; period : what the figures cover
    """
    say = writer.say
    result = performance.in_short(writer, year_on_year)
    fell = performance.has_fallen(year_on_year)
    if worry:
        key = "report.first_page.and" if fell else "report.first_page.but"
        result = say(key, result=result, worry=worry)
    key = "report.first_page.headline" if request else "report.first_page.headline_alone"
    return blocks.headline(say(key, text=result, request=request), period)


def period(writer: Writer, customers: pd.DataFrame, as_of: dt.date) -> str:
    """Say from when to when there are orders."""
    since = writer.say.date(customers["first_order"].min())
    return writer.say("report.first_page.period", since=since, until=writer.say.date(as_of))


def figures(writer: Writer, year_on_year: pd.DataFrame, totals: pd.DataFrame) -> Block:
    """Show the figures of the last 12 months beside the year before, and the expected margin.

    year_on_year, totals : tables `year_on_year` and `value_totals`
    """
    is_all = year_on_year.index.get_level_values("customer_type") == ALL
    of_all = year_on_year[is_all].droplevel("customer_type")
    shown = [_figure(writer, code, of_all.loc[code]) for code in FIGURES if code in of_all.index]
    return blocks.key_figures([*shown, _expected(writer, totals.loc[ALL])])


def _figure(writer: Writer, code: str, row: pd.Series) -> Figure:
    """Show a figure and its change; a change within chance has no colour and says so."""
    say = writer.say
    value = writer.money(row["value"]) if code in ("net_sales", "margin") else ""
    is_share = code == "kept_share"
    value = value or (say.percent(row["value"]) if is_share else say.number(row["value"]))
    label = say(f"report.first_page.figures.{code}.label")
    note = say(f"report.first_page.figures.{code}.note")
    change = row["value"] - row["before"]
    if pd.isna(change) or (not is_share and not row["before"] > 0):
        return Figure(label, value, note)
    sign = "up" if change > 0 else "down" if change < 0 else "same"
    written = say.percent(abs(change if is_share else change / row["before"]), int(is_share))
    if is_share:
        written = say("report.first_page.points", points=say.number(100 * abs(change), 1))
    is_clear = bool(row["beyond_chance"])
    key = f"report.first_page.{sign}" if is_clear else f"report.first_page.{sign}_by_chance"
    tone = {"up": "good", "down": "bad"}.get(sign, "") if is_clear else ""
    return Figure(label, value, note, say(key, change=written), tone)


def _expected(writer: Writer, total: pd.Series) -> Figure:
    """Show the expected margin with its range and the customers it is of."""
    say, (low, high) = writer.say, total[["expected_margin_low", "expected_margin_high"]]
    key = "report.first_page.figures.expected_margin"
    customers = say.count("customers", total["n_customers"])
    note = say(f"{key}.note", customers=customers)
    if pd.notna(low):
        ends = writer.range(low, high, writer.money)
        note = say(f"{key}.note_with_range", customers=customers, range=ends)
    return Figure(say(f"{key}.label"), writer.money(total["expected_margin"]), note)


def sales(
    writer: Writer,
    sales_trend: pd.DataFrame,
    year_on_year: pd.DataFrame,
    sales_change: pd.DataFrame,
) -> Block:
    """Open the part on sales: the last period, why the year changed, and the customer types."""
    said = [
        performance.why_changed(writer, sales_change),
        performance.by_type(writer, year_on_year),
    ]
    return writer.part(performance.last_period(writer, sales_trend), *map(blocks.text, said))


def call_step(writer: Writer, listed: pd.DataFrame) -> Step | None:
    """The step that asks to call the customers listed, for the list of actions; None without any.

    listed : as for `calls`
    """
    if listed.empty:
        return None
    say, owners = writer.say, listed["owner"].dropna().value_counts()
    money, n = writer.money(listed["margin_at_stake"].sum()), len(listed)
    due = listed["due_on"].dropna()
    key = "report.first_page.call_step"
    return Step(
        say(f"{key}.title", customers=say.count("customers", n)),
        say(f"{key}.text", money=money),
        say.listed(say(f"owners.{owner}") for owner in owners.index[:2]),
        say("report.strategy.due", day=say.day_and_month(due.min())) if len(due) else "",
    )


def calls(writer: Writer, listed: pd.DataFrame, churn: pd.DataFrame, horizon_days: int) -> Block:
    """Show whom to call first: place, days without an order, what stands out, first step.

    The day below the days without an order is that by which the next one was expected.

    listed : the first rows of the watch list, indexed by customer_id: columns of table `churn`;
        days_since_last, last_order, net_sales_365d, and city and channel where recorded, of table
        `customers`; action, owner and due_on, empty where the customer has none
    churn : the whole table; horizon_days : of the risk
    """
    say = writer.say
    if listed.empty:
        return blocks.text(say("report.churn.empty_list"))
    rows = listed.reset_index().to_dict("records")
    shown = listed.assign(
        since=[_since(writer, row) for row in rows],
        reasons=[_reasons(writer, row) for row in rows],
        step=[_step(writer, row) for row in rows],
    )
    names = [Cell(str(row["customer_id"]), _place(writer, row)) for row in rows]
    labels = {
        name: say(f"report.first_page.calls.{name}")
        for name in ("since", "net_sales_365d", "churn_risk", "margin_at_stake", "reasons", "step")
    }
    shown = shown.set_axis(pd.Index(names, tupleize_cols=False))
    n_due = int((churn["list_priority"] > 0).sum())
    at_stake = listed["margin_at_stake"].sum()  # 0: forecasts that know no dropout
    form = "title" if at_stake > 0 else "title_without_money"
    title = say(
        f"report.first_page.calls.{form}",
        n=say.number(len(listed)),
        money=writer.money(at_stake),
    )
    days, due = say.duration(horizon_days), say.count("customers", n_due)
    lead = say("report.first_page.calls.lead", days=days, all=due)
    table = writer.table(shown, CALLS, labels=labels, id="calls")
    return blocks.join([blocks.section(title, lead), table])


def _since(writer: Writer, row: Mapping[str, Any]) -> Cell:
    """The days without an order beside the usual gap, one of which the next order was due after."""
    say = writer.say
    days = say.count("days", row["days_since_last"])
    gap = pd.Timestamp(row["next_order_on"]) - pd.Timestamp(row["last_order"])
    if pd.isna(gap):
        return Cell(days)
    usual = say("report.first_page.calls.usual", days=say.number(gap.days))
    due = say.day_and_month(row["next_order_on"])
    return Cell(days, say("report.first_page.calls.due", usual=usual, day=due))


def _reasons(writer: Writer, row: Mapping[str, Any]) -> str:
    """What raises the risk, but the time without an order, which has its own column."""
    kept = {key: value for key, value in row.items() if row.get(key) != "silence_gaps"}
    return risk_drivers.describe(kept, writer.say, writer.currency) or writer.say.number(None)


def _step(writer: Writer, row: Mapping[str, Any]) -> Cell:
    say = writer.say
    if not isinstance(row.get("action"), str):
        return Cell(say("report.first_page.calls.call"))
    who = say("report.first_page.calls.who", owner=say(f"owners.{row['owner']}"))
    return Cell(say(f"actions.{row['action']}"), who)


def _place(writer: Writer, row: Mapping[str, Any]) -> str:
    """The city and the channel of a customer, those that are recorded."""
    known = [(name, row.get(name)) for name in ("city", "channel")]
    return " · ".join(
        writer.say.level(name, str(value)) for name, value in known if isinstance(value, str)
    )
