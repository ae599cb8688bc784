"""What an export writes: rows that are new or changed, rows that are gone, conflicts.

Without the CRM's export of its customers, the last export says what the CRM has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from cvm_analysis.crm import accounts
from cvm_analysis.crm.state import State
from cvm_analysis.crm.systems import System
from cvm_analysis.errors import InputError

Cells = Mapping[str, pd.DataFrame]
LEAST = 5  # customers of an export: if all differ in the CRM, it was not imported


class Changes(NamedTuple):
    """Rows by kind, the conflicts, and what the system has after the export.

    sent : customers of this export or, if it has none, of the last one that had some
    found : of the CRM's own export of its customers, if it was given
    """

    changed: Cells
    removed: Cells
    conflicts: pd.DataFrame
    cells: Cells
    edits: pd.DataFrame
    sent: pd.DataFrame
    found: accounts.Found | None


def find(
    system: System,
    before: State,
    ours: Cells,
    full: bool = False,
    overwrite: bool = False,
    given: Path | None = None,
    hide: Callable[[list[str]], list[str]] = list,
) -> Changes:
    """Find what to export.

    before : after the last export; ours : cells of all records; full : all rows, not only changed
    ones; overwrite : what the desk changed; given, hide : as for `accounts.compare`
    """
    found, has, edits = None, dict(before.cells), before.edits
    if given:
        found = _compare(given, system, before, hide)
        has["customers"] = _without_lost(found, overwrite)
        edits = pd.concat([edits, found.edits])
    now, conflicts = dict(ours), pd.DataFrame(columns=accounts.CONFLICTS)
    if "customers" in now:
        table = now["customers"].set_index("customer_id")
        kept, edits, conflicts = accounts.keep(table, edits, system)
        if overwrite:
            kept, edits = table, edits.iloc[:0]
        now["customers"] = kept.reset_index()[list(now["customers"])]
    if "members" in now and "members" in before.cells:
        now["members"] = _with_first_day(now["members"], before.cells["members"])
    known = replace(before, cells=has)
    changed = {kind: each if full else known.changed(kind, each) for kind, each in now.items()}
    sent = changed["customers"][["customer_id"]] if "customers" in changed else before.sent
    return Changes(
        changed,
        {kind: known.removed(kind, each) for kind, each in now.items()},
        pd.concat([conflicts, _lost(found, system)], ignore_index=True),
        now,
        edits,
        sent if len(sent) else before.sent,
        found,
    )


def _compare(
    given: Path, system: System, before: State, hide: Callable[[list[str]], list[str]]
) -> accounts.Found:
    if "customers" not in before.cells:
        raise InputError(f"{given}: nothing was exported yet that it could be compared with")
    exported = before.cells["customers"].set_index("customer_id")
    found = accounts.compare(given, system, exported, hide)
    arrived = before.sent[before.sent["customer_id"].isin(found.has.index.difference(found.lost))]
    if len(arrived) >= LEAST and arrived["customer_id"].isin(found.edits["customer_id"]).all():
        raise InputError(
            f"{given}: has none of the changes that were exported last; import those files first, "
            "then take the CRM's export of its customers"
        )
    return found


def _without_lost(found: accounts.Found, overwrite: bool) -> pd.DataFrame:
    """What the CRM has; on request those that it lost are exported again."""
    has = found.has.drop(index=found.lost) if overwrite else found.has
    return has.reset_index()


def _lost(found: accounts.Found | None, system: System) -> pd.DataFrame:
    """Customers whom the CRM has no more, as conflicts of the id, both cells empty."""
    lost = pd.DataFrame({"customer": found.lost if found else []}, dtype=object)
    header = system.modules["customers"].fields["customer_id"] if len(lost) else ""
    return lost.assign(field=header, ours="", theirs="")


def _with_first_day(members: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Let members who stay on a marketing list keep the day from which they are on it."""
    if not {"listed_on"} <= {*members} & {*before}:
        return members
    key = ["list_id", "customer_id"]
    first = before.set_index(key)["listed_on"]
    kept = first.reindex(pd.MultiIndex.from_frame(members[key])).to_numpy()
    return members.assign(listed_on=members["listed_on"].where(pd.isna(kept), kept))
