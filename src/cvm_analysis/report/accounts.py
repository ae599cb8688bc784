"""Project customers and dealers in one table: who cut back, whom to help, whom to reward."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cvm_analysis.report import blocks, strategy
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.strategy import accounts as core
from cvm_analysis.strategy.accounts import CUT_BACK, HELP, TYPES

MOST = 6  # accounts shown
_COLUMNS = ("sales", "days", "to_do")


def heading(writer: Writer, accounts: pd.DataFrame) -> str:
    """Say how many accounts cut back and by how much money; empty without accounts.

    accounts : as strategy.accounts.find returns them
    """
    if accounts.empty:
        return ""
    say, total = writer.say, core.add_up(accounts)
    types = [each for each in TYPES if (accounts["customer_type"] == each).any()]
    who = say(f"report.accounts.who.{types[0] if len(types) == 1 else 'both'}")
    figures = {"n": say.number(total.n_accounts), "who": who}
    if not total.n_cut_back:
        return say("report.accounts.heading_none", **figures)
    return say(
        "report.accounts.heading",
        cut_back=say.number(total.n_cut_back),
        lost=writer.money(total.lost),
        gained=writer.money(total.gained),
        **figures,
    )


def show(
    writer: Writer, accounts: pd.DataFrame, actions: pd.DataFrame, win_back_days: int
) -> Block:
    """Say how many are overdue, and show the accounts to look at; empty without accounts.

    accounts : as strategy.accounts.find returns them; actions : table `actions`
    win_back_days : as for `find`
    """
    if accounts.empty:
        return Block("")
    say, total = writer.say, core.add_up(accounts)
    near = {"recent": say.number(total.n_recent), "days": say.count("days", win_back_days)}
    overdue = say.plural("report.accounts.overdue", total.n_overdue, **near)
    rows = strategy.add_first_action(core.choose(accounts, MOST), actions).to_dict("index")
    cells = [
        (_sales(writer, row), _days(writer, row), _to_do(writer, row)) for row in rows.values()
    ]
    names = [_name(writer, str(customer), row) for customer, row in rows.items()]
    shown = pd.DataFrame(cells, index=names, columns=list(_COLUMNS))
    labels = say.section("report.accounts.columns")
    table = writer.table(shown, dict.fromkeys(_COLUMNS, "text"), labels=labels, id="accounts")
    return blocks.join([blocks.text(overdue), table] if rows else [blocks.paragraph(overdue)])


def first_action(writer: Writer, row: dict[str, Any]) -> str:
    """Write a customer's first action, who does it and by when, or that none is planned.

    row : with the columns that report.strategy.add_first_action adds
    """
    if pd.isna(row["action"]):
        return writer.say("report.accounts.no_action")
    return writer.say(
        "report.accounts.action",
        action=writer.say(f"actions.{row['action']}"),
        owner=writer.say(f"owners.{row['owner']}"),
        day=writer.say.date(row["due_on"]),
    )


def _name(writer: Writer, customer: str, row: dict[str, Any]) -> str:
    city = row.get("city")
    column, place = ("region", row["region"]) if pd.isna(city) else ("city", city)
    name = writer.say.level(column, place)
    return writer.say("report.accounts.name", customer=customer, place=name)


def _sales(writer: Writer, row: dict[str, Any]) -> str:
    change = row["net_sales_change_365d"]
    sign = "+" if change > 0 else ""
    return writer.say(
        "report.accounts.sales",
        sales=writer.money(row["net_sales_365d"]),
        change=f"{sign}{writer.money(change)}",
    )


def _days(writer: Writer, row: dict[str, Any]) -> str:
    figures = {"days": row["days_since_last"], "usual": row["usual_gap_days"]}
    written = {name: writer.say.number(value) for name, value in figures.items()}
    return writer.say("report.accounts.days", **written)


def _to_do(writer: Writer, row: dict[str, Any]) -> str:
    """Write the first action; of an account to help or to reward the reason before it."""
    say, action = writer.say, first_action(writer, row)
    if row["why"] == CUT_BACK:
        return action
    if row["why"] == HELP:
        indicator = say(f"indicators.{row['weakest_indicator']}")
        points = say.number(row["weakest_points"])
        why = say("report.accounts.help", indicator=indicator, points=points)
    else:
        grade = say(f"grades.{row['grade']}")
        why = say("report.accounts.reward", score=say.number(row["score"]), grade=grade)
    if pd.isna(row["action"]):
        return why
    return say("report.accounts.both", why=why, action=action)
