"""What ends soon, with its money: contracts, points, and members close to the next level."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import pandas as pd

from cvm_analysis.churn import endings as core
from cvm_analysis.report import accounts, blocks, strategy
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer

MOST = 5  # contracts shown
_DUE = {"due_on": "text", "renewal_value": "amounts", "p_renewal": "percent", "to_do": "text"}
_LIKELY = {"p_end": "percent", "expected_margin": "amounts", "to_do": "text"}


class Ending(NamedTuple):
    """What may end soon.

    contract_churn, value, membership : tables of these names
    near : members close to the next level, as experience.membership.near_next_level
    point_value : of a point in the config's currency; None: not known
    expiring_days : days ahead that the points about to expire are counted in
    as_of : the last day that counts
    """

    contract_churn: pd.DataFrame
    value: pd.DataFrame
    membership: pd.DataFrame
    near: pd.DataFrame
    point_value: float | None
    expiring_days: int
    as_of: dt.date

    @property
    def due(self) -> pd.DataFrame:
        """The contracts up for renewal, as churn.endings.find_due."""
        return core.find_due(self.contract_churn, self.as_of)

    @property
    def likely(self) -> pd.DataFrame:
        """The contracts without a term that may end; empty where less than one should."""
        found = core.find_likely(self.contract_churn, self.value)
        return found if found["p_end"].sum() >= 1 else found.head(0)

    @property
    def expiring(self) -> pd.DataFrame:
        """The members whose points expire."""
        if "points_expiring" not in self.membership:
            return self.membership.head(0)
        return self.membership[self.membership["points_expiring"].astype(float) > 0]


def heading(writer: Writer, ending: Ending) -> str:
    """Say what ends and the money in it: contracts, else points, else levels; empty without any."""
    if len(ending.due):
        return _due(writer, ending.due)
    if len(ending.likely):
        return _likely(writer, ending.likely)
    if len(ending.expiring):
        return _expiring(writer, ending)
    return _levels(writer, ending.near) if len(ending.near) else ""


def chapter(writer: Writer, ending: Ending, actions: pd.DataFrame) -> Block:
    """Show the part on what ends soon; nothing without any. Parameters as for `show`."""
    return writer.part(heading(writer, ending), show(writer, ending, actions))


def show(writer: Writer, ending: Ending, actions: pd.DataFrame) -> Block:
    """Show the contracts that should lose most, then points and levels; empty without any.

    actions : table `actions`
    """
    say, parts = writer.say, []
    if len(ending.due):
        days = [say.day_and_month(day) for day in ending.due["due_on"]]
        parts.append(_table(writer, ending.due.assign(due_on=days), _DUE, actions))
    elif len(ending.likely):
        parts.append(_table(writer, ending.likely, _LIKELY, actions))
    if len(ending.expiring):
        first = say.date(ending.expiring["expires_on"].min())
        said = say("report.endings.first", text=_expiring(writer, ending), day=first)
        parts.append(blocks.text(said))
    if len(ending.near):
        said = say("report.endings.tell", text=_levels(writer, ending.near))
        parts.append(blocks.text(said))
    return blocks.join(parts)


def _due(writer: Writer, due: pd.DataFrame) -> str:
    """Say what money is up for renewal; without any known, how many contracts."""
    say, days = writer.say, writer.say.count("days", core.WITHIN)
    known = due.dropna(subset="expected_loss")
    if known.empty:
        contracts = say.count("contracts", len(due))
        return say("report.endings.due_unknown", contracts=contracts, days=days)
    return say(
        "report.endings.due",
        money=writer.money(known["renewal_value"].sum()),
        lost=writer.money(known["expected_loss"].sum()),
        days=days,
    )


def _likely(writer: Writer, likely: pd.DataFrame) -> str:
    say, margin = writer.say, likely["expected_loss"].sum()
    return say(
        "report.endings.likely" if margin > 0 else "report.endings.likely_unknown",
        contracts=say.count("contracts", likely["p_end"].sum()),
        days=say.count("days", core.WITHIN),
        money=writer.money(margin),
    )


def _expiring(writer: Writer, ending: Ending) -> str:
    say, points = writer.say, float(ending.expiring["points_expiring"].sum())
    worth = ""
    if ending.point_value:
        worth = say("report.endings.worth", money=writer.money(points * ending.point_value))
    return say(
        "report.endings.points",
        members=say.count("customers", len(ending.expiring)),
        points=say.number(points),
        days=say.count("days", ending.expiring_days),
        worth=worth,
    )


def _levels(writer: Writer, near: pd.DataFrame) -> str:
    say = writer.say
    levels = [
        say("report.endings.level", n=say.count("customers", n), level=say.level("level", code))
        for code, n in near["n_customers"].items()
    ]
    return say("report.endings.levels", levels=say.listed(levels))


def _table(
    writer: Writer, rows: pd.DataFrame, formats: dict[str, str], actions: pd.DataFrame
) -> Block:
    """Show the first rows, each with what to do."""
    say = writer.say
    listed = rows.head(MOST)
    first = strategy.add_first_action(listed[[]], actions).to_dict("records")
    shown = listed.assign(to_do=[accounts.first_action(writer, row) for row in first])
    days = say.count("days", core.WITHIN)
    labels = {column: say(f"report.endings.columns.{column}", days=days) for column in formats}
    return writer.table(shown, formats, labels=labels, id="endings")
