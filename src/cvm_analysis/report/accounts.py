"""Project customers and dealers in one table: who cut back, whom to help, whom to reward."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cvm_analysis.report import blocks, strategy
from cvm_analysis.report.blocks import Block, Cell
from cvm_analysis.report.writer import Writer
from cvm_analysis.strategy import accounts as core
from cvm_analysis.strategy.accounts import HELP, REWARD, TYPES

MOST = 5  # accounts shown
_COLUMNS = {"net_sales_365d": "amounts", "net_sales_change_365d": "amounts", "days": "text"}
_COLUMNS |= {"to_do": "text"}


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


def chapter(
    writer: Writer, accounts: pd.DataFrame, actions: pd.DataFrame, win_back_days: int
) -> Block:
    """Show the part on accounts; nothing without any. Parameters as for `show`."""
    return writer.part(heading(writer, accounts), show(writer, accounts, actions, win_back_days))


def show(
    writer: Writer, accounts: pd.DataFrame, actions: pd.DataFrame, win_back_days: int
) -> Block:
    """Say how many are overdue, and show the accounts to look at; empty without accounts.

    accounts : as strategy.accounts.find returns them; actions : table `actions`
    win_back_days : as for `find`
    """
    if accounts.empty:
        return Block("")
    say, said = writer.say, blocks.text(_overdue(writer, accounts, win_back_days))
    chosen = strategy.add_first_action(core.choose(accounts, MOST), actions)
    if chosen.empty:
        return said
    said = blocks.join([said, blocks.text(say("report.accounts.days_explained"))])
    rows = chosen.to_dict("index").items()
    shown = chosen.assign(
        days=[_days(writer, row) for _, row in rows],
        to_do=[_to_do(writer, row) for _, row in rows],
    )
    names = [_name(writer, str(customer), row) for customer, row in rows]
    shown = shown.set_axis(pd.Index(names, tupleize_cols=False))
    labels = say.names("report.accounts.columns", _COLUMNS)
    return blocks.join([said, writer.table(shown, _COLUMNS, labels=labels, id="accounts")])


def _overdue(writer: Writer, accounts: pd.DataFrame, win_back_days: int) -> str:
    """Say how many of those who ordered lately are overdue, and what they bought."""
    say, total = writer.say, core.add_up(accounts)
    recent, overdue = total.n_recent, total.n_overdue
    days, sales = say.count("days", win_back_days), writer.money(total.overdue_sales)
    if not recent:
        return say("report.accounts.overdue.nobody", days=days)
    if overdue in (0, recent):
        which = "all" if overdue else "none"
        return say.plural(f"report.accounts.overdue.{which}", recent, days=days, sales=sales)
    written = {"recent": say.number(recent), "days": days, "sales": sales}
    return say.plural("report.accounts.overdue.some", overdue, **written)


def first_action(writer: Writer, row: dict[str, Any]) -> Cell:
    """Write a customer's first action, below it who does it by when; or that none is planned.

    row : with the columns that report.strategy.add_first_action adds
    """
    say = writer.say
    if pd.isna(row["action"]):
        return Cell(say("report.accounts.no_action"))
    owner, day = say(f"owners.{row['owner']}"), say.day_and_month(row["due_on"])
    return Cell(
        say(f"actions.{row['action']}"), say("report.accounts.who_when", owner=owner, day=day)
    )


def _name(writer: Writer, customer: str, row: dict[str, Any]) -> Cell:
    city = row.get("city")
    column, place = ("region", row["region"]) if pd.isna(city) else ("city", city)
    return Cell(customer, writer.say.level(column, place))


def _days(writer: Writer, row: dict[str, Any]) -> Cell:
    say = writer.say
    usual = say("report.first_page.calls.usual", days=say.number(row["usual_gap_days"]))
    return Cell(say.number(row["days_since_last"]), usual)


def _to_do(writer: Writer, row: dict[str, Any]) -> Cell:
    """Write the first action; of an account to help or to reward the reason above it."""
    say, action = writer.say, first_action(writer, row)
    if row["why"] == HELP:
        indicator = say(f"indicators.{row['weakest_indicator']}")
        points = say.number(row["weakest_points"])
        why = say("report.accounts.help", indicator=indicator, points=points)
    elif row["why"] == REWARD:
        grade = say(f"grades.{row['grade']}")
        why = say("report.accounts.reward", score=say.number(row["score"]), grade=grade)
    else:
        return action
    return Cell(why, "" if pd.isna(row["action"]) else f"{action.text} · {action.small}")
