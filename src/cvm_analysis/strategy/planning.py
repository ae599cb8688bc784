"""From recommended actions to a plan: budget and capacities of a region, and who is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from cvm_analysis.minimum_data import Note
from cvm_analysis.strategy import recommend
from cvm_analysis.strategy.budget import Reduction
from cvm_analysis.strategy.catalogue import MARKETING, Action, Limit, Owner, limit_in
from cvm_analysis.tables import ALL


class Limits(NamedTuple):
    """Money and contacts until the next list.

    budget : in the config's currency; None: no limit
    capacities : contacts by owner; an owner who is not there has no limit
    """

    budget: float | None
    capacities: Mapping[str, int]


def find_limits(
    budget: Limit | None, owners: Mapping[str, Owner], region: str, regions: Sequence[str]
) -> Limits:
    """Find the limits of a region; those of `all` are the sums over its regions.

    regions : keys of all regions, without `all`
    """
    keys = list(regions) if region == ALL else [region]
    money = _add_up(budget, keys)
    contacts = {code: _add_up(owner.capacity, keys) for code, owner in owners.items()}
    known = {code: int(each) for code, each in contacts.items() if each is not None}
    return Limits(money, known)


def _add_up(limit: Limit | None, regions: Sequence[str]) -> float | None:
    """Sum over regions; None if one of them has no limit."""
    each = [None if limit is None else limit_in(limit, region) for region in regions]
    known = [value for value in each if value is not None]
    return float(sum(known)) if len(known) == len(each) else None


def as_candidates(
    actions: pd.DataFrame, catalogue: Sequence[Action], segments: pd.DataFrame
) -> pd.DataFrame:
    """Describe recommended actions as `budget.choose` takes them, on a plain index.

    Gains of one customer do not add up: of recovery and service the largest counts, of marketing
    what it adds to that.

    actions : table `actions`; segments : the table of this name
    """
    priority = {action.code: action.priority for action in catalogue}
    rows = actions.reset_index()
    rows["priority"] = rows["action"].map(priority)
    rows["gain"] = _find_added_gain(rows)
    return rows.join(segments[["segment", "amount"]], on="customer_id")


def _find_added_gain(rows: pd.DataFrame) -> pd.Series:
    """What each action adds to the gain of those of its customer that come first."""
    gain, owed = rows["expected_gain"], rows["kind"] != MARKETING
    before = gain.where(owed, 0.0).groupby(rows["customer_id"]).transform("max").clip(lower=0.0)
    order = gain[owed].sort_values(ascending=False, kind="stable").index
    largest = rows.loc[order].drop_duplicates("customer_id").index
    added = (gain - before).clip(lower=0.0)
    added[owed] = 0.0
    added[largest] = gain[largest]
    return added


def complete(actions: pd.DataFrame, in_plan: pd.Series, arm: pd.Series) -> pd.DataFrame:
    """Enter plan and control groups into table `actions`, and whose gain counts.

    in_plan, arm : in the order of the rows
    """
    planned = actions.assign(in_plan=in_plan.to_numpy(), arm=arm.to_numpy())
    return recommend.mark_largest_gain(planned)


def notes(reductions: Sequence[Reduction]) -> list[Note]:
    """Say why a plan has fewer contacts than it could have."""
    return [Note(recommend.PART, each.code, each.have, each.need) for each in reductions]
