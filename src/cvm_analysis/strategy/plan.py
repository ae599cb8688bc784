"""The plan that managers write down: who does what by when, with which money, for what target.

Lines are checked against the catalogue, budgets are added up, and every later run shows how far
each line has come: contacts made since the plan began, what they cost at the catalogue's cost of a
contact, and, for a target in money, what the plan's lists have gained as far as measured.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from cvm_analysis.errors import nearest
from cvm_analysis.strategy import ledger
from cvm_analysis.tables import ALL, TABLES, empty
from cvm_analysis.typed import settings

Problem = tuple[tuple[str, ...], str]  # the setting within plan.yaml, and what is wrong
Positive = Annotated[float, Field(gt=0)]
_CENT = 0.005  # budgets that differ by less are equal


@settings
class Target:
    """What a line is to reach: contacts, or money gained in the config's currency."""

    contacts: Annotated[int, Field(gt=0)] | None = None
    money: Positive | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Target:
        if (self.contacts is None) == (self.money is None):
            raise ValueError("write contacts or money, one of the two")
        return self


@settings
class Line:
    """One line of the plan; region : empty: of the company, for regions without a line of their own

    budget : in the config's currency; due_on : the last day that counts
    """

    action: str
    owner: str
    budget: Annotated[float, Field(ge=0)]
    due_on: dt.date
    target: Target
    region: str = ALL


@settings
class ActionPlan:
    """The content of plan.yaml; budget : of all lines together, if given."""

    starts_on: dt.date
    lines: Annotated[tuple[Line, ...], Field(min_length=1)]
    budget: Annotated[float, Field(ge=0)] | None = None


def find_problems(
    plan: ActionPlan, actions: Collection[str], owners: Collection[str], regions: Collection[str]
) -> Iterator[Problem]:
    """Find lines with an unknown action, owner or region, a day before the plan, or a twin.

    regions : none: they are only known from the data
    """
    known = {"action": actions, "owner": owners, "region": {ALL, *regions} if regions else ()}
    first: dict[tuple[str, str], int] = {}
    for i, line in enumerate(plan.lines):
        for name, codes in known.items():
            code = getattr(line, name)
            if codes and code not in codes:
                yield ("lines", str(i), name), f"no {name} '{code}'{nearest(code, codes)}"
        if line.due_on < plan.starts_on:
            text = f"{line.due_on} is before the plan starts ({plan.starts_on})"
            yield ("lines", str(i), "due_on"), text
        earlier = first.setdefault((line.region, line.action), i)
        if earlier != i:
            place = "the company" if line.region == ALL else line.region
            text = f"line {earlier + 1} of the plan is also {line.action} for {place}; keep one"
            yield ("lines", str(i)), text


def find_difference(plan: ActionPlan) -> str:
    """Say that the plan's budget is not the sum of its lines; empty if it is, or has none."""
    total = sum(line.budget for line in plan.lines)
    if plan.budget is None or abs(plan.budget - total) < _CENT:
        return ""
    way = "more" if total > plan.budget else "less"
    difference = abs(plan.budget - total)
    return (
        f"the {len(plan.lines)} lines add up to {total:,.2f}, {difference:,.2f} {way} than the "
        f"plan's budget of {plan.budget:,.2f}"
    )


def progress(
    plan: ActionPlan | None,
    region: str,
    contacts: pd.DataFrame,
    costs: Mapping[str, float],
    lists: pd.DataFrame,
    outcomes: pd.DataFrame,
    as_of: dt.date,
) -> pd.DataFrame:
    """Show how far each line has come: table `plan_progress`.

    Parameters
    ----------
    plan : None: there is none, and no row
    region : its lines; `all`: every line
    contacts : one row per contact: customer_id, action, at, and region of the customer. A contact
        counts once: for the line of its region, else for that of the company
    costs : of one contact, by action
    lists, outcomes : table `ledger` and daily margins, as for `ledger.evaluate`
    as_of : the last day that counts

    Returns
    -------
    One row per line, indexed by region and action. target_share is 1 or more where the target is
    reached; an empty one: a gain that has not been measured yet.
    """
    key = list(TABLES["plan_progress"].key)
    chosen = [line for line in plan.lines if region in (ALL, line.region)] if plan else []
    if not plan or not chosen:
        return empty("plan_progress").set_index(key)
    rows = []
    for line in chosen:
        own = {each.region for each in plan.lines if each.action == line.action} - {ALL}
        ours, listed = (_of_line(each.reset_index(), line, own) for each in (contacts, lists))
        rows.append(_advance(plan, line, ours, listed, costs, outcomes, as_of))
    return pd.DataFrame(rows).set_index(key)[list(TABLES["plan_progress"].columns)[len(key) :]]


def add_up(progress: pd.DataFrame) -> pd.DataFrame:
    """Add up budgets, contacts and money: one row per owner, and `all` last, its index.

    Returns
    -------
    budget, spent, contacts, gained (empty: nothing measured), n_lines, n_reached.
    """
    rows = progress.assign(n_lines=1, n_reached=(progress["status"] == "reached").astype(int))
    columns = ["budget", "spent", "contacts", "gained", "n_lines", "n_reached"]
    by_owner = rows.groupby("owner")[columns].sum(min_count=1)
    whole = rows[columns].sum(min_count=1).to_frame(ALL).T
    sums = pd.concat([by_owner, whole]).astype(float).rename_axis("owner")
    counts = ["contacts", "n_lines", "n_reached"]
    return sums.fillna(dict.fromkeys(counts, 0)).astype(dict.fromkeys(counts, int))


def _of_line(table: pd.DataFrame, line: Line, own: Collection[str]) -> pd.DataFrame:
    """Rows of a line's action and regions; own : regions that have a line of their own for it."""
    others = ~table["region"].isin(own) if line.region == ALL else table["region"] == line.region
    return table[(table["action"] == line.action) & others]


def _advance(
    plan: ActionPlan,
    line: Line,
    contacts: pd.DataFrame,
    lists: pd.DataFrame,
    costs: Mapping[str, float],
    outcomes: pd.DataFrame,
    as_of: dt.date,
) -> dict[str, object]:
    until = min(line.due_on, as_of)
    at = pd.to_datetime(contacts["at"])
    n = int(((at >= pd.Timestamp(plan.starts_on)) & (at <= pd.Timestamp(until))).sum())
    found = ledger.evaluate(lists.set_index(ledger.KEY), contacts, outcomes, as_of)
    gained = _gained(found, plan.starts_on, until)
    reached, target = (
        (gained, line.target.money) if line.target.money else (n, line.target.contacts)
    )
    share = reached / (target or np.nan)
    return {
        "region": line.region,
        "action": line.action,
        "owner": line.owner,
        "due_on": pd.Timestamp(line.due_on),
        "budget": line.budget,
        "spent": n * costs.get(line.action, np.nan),
        "contacts": n,
        "target_contacts": line.target.contacts or np.nan,
        "gained": gained,
        "target_gain": line.target.money or np.nan,
        "target_share": share,
        "status": _status(share, line.due_on < as_of),
    }


def _gained(results: pd.DataFrame, first: dt.date, last: dt.date) -> float:
    """Money that the lists of these days gained, as far as measured; not a number: none was."""
    day = results.index.get_level_values("as_of")
    ours = results[(day >= pd.Timestamp(first)) & (day <= pd.Timestamp(last))]
    money = ours["effect_of_base"] * ours["base"] * ours["n_treated"]
    return float(money.sum(min_count=1))


def _status(share: float, is_over: bool) -> str:
    if share >= 1:
        return "reached"
    if not is_over:
        return "open"
    return "not_measured" if np.isnan(share) else "missed"
