"""What the CRM has got so far: the cells of all exports to a system, one state of a business.

<exports>/<system>/state/<kind>.parquet   cells as exported last, ids as pseudonyms
<exports>/<system>/state/edits.parquet    cells that the desk changed in the CRM
<exports>/<system>/state/sent.parquet     customers of the last export that had some
<exports>/<system>/state/state.json       number of the export, date of each region's report

An export writes its files first and its state last, each in one step: after a kill in between the
next export finds the earlier state, and its files have the same rows again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from typing_extensions import TypedDict

from cvm_analysis import atomic_folder
from cvm_analysis.crm.fields import KEYS
from cvm_analysis.errors import InputError

NAME = "state"
EDITS = ["customer_id", "field", "theirs"]
OTHERS = ("edits", "sent")  # tables that are no cells


class About(TypedDict):
    """Content of state.json.

    key_check : of the key of the pseudonyms, empty if they are off; has_raw_ids : whether the files
        of the last export had the ids of the raw files
    """

    number: int
    regions: dict[str, str]
    key_check: str
    has_raw_ids: bool


NOTHING = About(number=0, regions={}, key_check="", has_raw_ids=False)


@dataclass(frozen=True)
class State:
    """The cells that a system has; before the first export none."""

    about: About = field(default_factory=lambda: NOTHING)
    cells: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    edits: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=EDITS, dtype=object))
    sent: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["customer_id"], dtype=object)
    )

    def changed(self, kind: str, cells: pd.DataFrame) -> pd.DataFrame:
        """The rows that are new or have another cell."""
        if kind not in self.cells or self.cells[kind].empty:
            return cells
        before = self.cells[kind].reindex(columns=list(cells), fill_value="")
        place = _keys(kind, before).get_indexer(_keys(kind, cells))
        differs = place < 0
        for name in cells:
            differs |= before[name].to_numpy()[place] != cells[name].to_numpy()
        return cells[differs]

    def removed(self, kind: str, cells: pd.DataFrame) -> pd.DataFrame:
        """The rows that are no longer among the cells."""
        if kind not in self.cells:
            return cells.iloc[:0]
        return self.cells[kind][~_keys(kind, self.cells[kind]).isin(_keys(kind, cells))]


def _keys(kind: str, cells: pd.DataFrame) -> pd.Index:
    first, *others = (cells[name] for name in KEYS[kind])
    return pd.Index(first.str.cat(others, sep="\t") if others else first)


def read(folder: Path) -> State:
    """Read the state of a system's folder; InputError if it is damaged."""
    link = folder / NAME
    if not link.exists():
        return State()
    about = atomic_folder.read_json(link / "state.json", About)
    try:
        tables = {path.stem: pd.read_parquet(path) for path in link.glob("*.parquet")}
        edits, sent = (tables.pop(name) for name in OTHERS)
    except (OSError, ValueError, KeyError):
        about = None
    if about is None:
        raise InputError(
            f"{link}: damaged; take it from a backup, or remove it: the next export is then of all "
            "rows, and has no removals"
        )
    return State(about, tables, edits, sent)


def publish(folder: Path, state: State) -> None:
    """Replace the state of a system's folder in one step."""
    with atomic_folder.atomic_folder(folder, NAME) as building:
        others = zip(OTHERS, (state.edits, state.sent), strict=True)
        for kind, cells in {**state.cells, **dict(others)}.items():
            cells.to_parquet(building / f"{kind}.parquet", index=False)
        (building / "state.json").write_text(json.dumps(state.about, indent=1), "utf-8")
        atomic_folder.publish(building, folder / NAME)
