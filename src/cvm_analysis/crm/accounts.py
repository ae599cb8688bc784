"""The CRM's own export of its customers, beside what it got last: what did the desk change?

A cell that is not as exported was changed by hand. It is reported and kept, in all later exports,
until both say the same again or it is overwritten on request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from cvm_analysis.crm import cells, systems
from cvm_analysis.crm.fields import FIELDS
from cvm_analysis.crm.state import EDITS
from cvm_analysis.crm.systems import System
from cvm_analysis.errors import InputError
from cvm_analysis.sources import formats
from cvm_analysis.spreadsheets import no_formula

CONFLICTS = ["customer", "field", "ours", "theirs"]
LISTED = 5  # headers in a message


class Found(NamedTuple):
    """What the CRM has of the customers it got.

    has : their cells, indexed by customer_id; lost : ids of those it has no more, deleted or merged
    edits : cells changed by hand, EDITS; n_unknown : of its customers that never came from here
    not_compared : headers that the file lacks
    """

    has: pd.DataFrame
    lost: list[str]
    edits: pd.DataFrame
    n_unknown: int
    not_compared: list[str]


def compare(
    path: Path, system: System, exported: pd.DataFrame, hide: Callable[[list[str]], list[str]]
) -> Found:
    """Compare the file with the cells of the last export.

    exported : indexed by customer_id; hide : ids of the file -> customer_id

    Raises
    ------
    InputError : the file cannot be read, has no column of ids or no other one of ours, an id in
        several rows, or no customer who was exported
    """
    theirs, n_rows, lacking = _read(path, system, hide)
    known = theirs[theirs.index.isin(exported.index)]
    if known.empty:
        raise InputError(
            f"{path}: none of its customers ({n_rows:,}) was in the last export; is it an export "
            "of this business, and is CVM_KEY its key?"
        )
    before = exported.loc[known.index]
    kinds, edits, has = FIELDS["customers"], list[pd.DataFrame](), exported.copy()
    for field in known:
        differs = cells.find_differences(before[field], known[field], kinds[field], system)
        changed = known.loc[differs, field].rename("theirs")
        has.loc[changed.index, field] = changed
        edits.append(changed.reset_index().assign(field=field))
    lost = sorted(exported.index.difference(known.index))
    changed_by_hand = pd.concat(edits)[EDITS].astype(object)
    return Found(has, lost, changed_by_hand, n_rows - len(known), lacking)


def keep(
    ours: pd.DataFrame, edits: pd.DataFrame, system: System
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Put the cells changed by hand into those that are about to be exported.

    ours : cells, indexed by customer_id; edits : the last one of a cell counts

    Returns
    -------
    The cells; the edits that still differ; and these as conflicts: CONFLICTS, headers as fields.
    """
    fields = system.modules["customers"].fields
    last = edits.drop_duplicates(["customer_id", "field"], keep="last")
    last = last[last["customer_id"].isin(ours.index) & last["field"].isin(list(fields))]
    kept, differing = ours.copy(), list[pd.DataFrame]()
    for field, each in last.groupby("field"):
        theirs = each.set_index("customer_id")["theirs"]
        own, kind = ours.loc[theirs.index, field], FIELDS["customers"][str(field)]
        differs = cells.find_differences(own, theirs, kind, system)
        kept.loc[theirs.index[differs], field] = theirs[differs]
        differing.append(each[differs.to_numpy()].assign(ours=own[differs].to_numpy()))
    left = pd.concat(differing) if differing else last.assign(ours="")
    conflicts = left.rename(columns={"customer_id": "customer"})
    conflicts = conflicts.assign(field=conflicts["field"].map(dict(fields)))
    return kept, left[EDITS], conflicts[CONFLICTS].sort_values(CONFLICTS[:2])


def _read(
    path: Path, system: System, hide: Callable[[list[str]], list[str]]
) -> tuple[pd.DataFrame, int, list[str]]:
    """Cells of our fields by customer_id, the number of customers, and the headers it lacks."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the CRM's export of its customers")
    fields = system.modules["customers"].fields
    with formats.open_tables(path) as file:
        header = file.header
        there = {field: header.index(name) for field, name in fields.items() if name in header}
        _refuse_foreign(path, system, header, there)
        named = ["line", *map(str, there.values())]
        parts = [each.select(named).to_pandas() for _, tables in file.parts for each in tables]
    table = pd.concat(parts or [pd.DataFrame(columns=named)], ignore_index=True)
    table = table.set_axis(["line", *there], axis=1).fillna("")
    cells_of = {field: table[field].astype(str).str.strip() for field in there}
    table = table.assign(**cells_of)[cells_of["customer_id"] != ""]
    _refuse_repeated(path, table)
    table.index = pd.Index(hide(table["customer_id"].tolist()), name="customer_id")
    safe = table.drop(columns=["customer_id", "line"]).map(no_formula)
    return safe, len(safe), [name for field, name in fields.items() if field not in there]


def _refuse_foreign(
    path: Path, system: System, header: Sequence[str], there: Collection[str]
) -> None:
    """Refuse a file without ids, or with nothing else of ours; name the system it may be of."""
    fields = system.modules["customers"].fields
    if "customer_id" in there and len(there) > 1:
        return
    others = [systems.load(name) for name in systems.names() if name != system.key]
    known = [each.modules.get("customers") for each in others]
    like = [o.key for o, m in zip(others, known, strict=True)
            if m and m.fields["customer_id"] in header]  # fmt: skip
    hint = f"; it looks like an export of {like[0]}" if like else ""
    listed = ", ".join(header[:LISTED]) + (", ..." if len(header) > LISTED else "")
    raise InputError(
        f"{path}: no column '{fields['customer_id']}' with others that were exported to "
        f"{system.content.name}{hint}; it has {listed}"
    )


def _refuse_repeated(path: Path, table: pd.DataFrame) -> None:
    repeated = table[table["customer_id"].duplicated()]
    if len(repeated):
        raise InputError(
            f"{path}: {len(repeated):,} rows repeat the id of an earlier one, the first on line "
            f"{repeated['line'].iloc[0]:,}; a customer has one row, merge them in the CRM"
        )
