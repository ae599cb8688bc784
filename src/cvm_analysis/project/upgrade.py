"""What a new version of the package would change in a company's folder, file by file.

A file that the company changed stays the company's; one that it left as it was is replaced.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cvm_analysis import __version__
from cvm_analysis.errors import InputError
from cvm_analysis.project import shipped, start

Kind = Literal["replaced", "added", "changed_by_both", "removed_by_you", "dropped"]
SAID: dict[Kind, str] = {
    "replaced": "changed in {version}; you left it as it was, `cvm new --upgrade` replaces it",
    "added": "new in {version}; `cvm new --upgrade` adds it",
    "changed_by_both": "changed in {version} and by you; yours stays",
    "removed_by_you": "changed in {version}; you removed it, and it stays removed",
    "dropped": "no part of {version}; yours stays",
}


@dataclass(frozen=True)
class Change:
    """One file that this version ships otherwise than the one before."""

    name: str  # path in the folder
    kind: Kind
    own: str  # its text now; empty if there is none
    new: str  # as shipped; empty if dropped

    def __str__(self) -> str:
        said = f"{self.name}: {SAID[self.kind].format(version=__version__)}"
        if self.kind not in ("replaced", "changed_by_both"):
            return said
        old, new = (shipped.lines(self.name, text) for text in (self.own, self.new))
        rows = difflib.unified_diff(old, new, "yours", __version__, n=1)
        return "\n".join([said, *(row.rstrip("\n") for row in rows)])


def compare(folder: Path) -> list[Change]:
    """List what this version would change; InputError if `cvm new` did not start the folder."""
    return [*_compare(folder, _read(folder))]


def upgrade(folder: Path) -> list[Change]:
    """Replace the files that the company left as they were, and add new ones; list all changes."""
    known = _read(folder)
    changes = [*_compare(folder, known)]
    for change in changes:
        if change.kind in ("replaced", "added"):
            start.write(folder, change.name, change.new)
    start.record(
        folder, {name: shipped.digest(name, text) for name, text in shipped.read().items()}
    )
    return changes


def _read(folder: Path) -> dict[str, str]:
    """Read the digests of the files as they were shipped."""
    path = folder / start.MANIFEST
    try:
        return dict(json.loads(path.read_text("utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"{folder}: no folder that `cvm new` started ({path.name} says so)"
        ) from None


def _compare(folder: Path, known: dict[str, str]) -> Iterator[Change]:
    new = shipped.read()
    for name in sorted({*known, *new}):
        path = folder / name
        own = path.read_text("utf-8") if path.is_file() else None
        if kind := _kind(name, known.get(name), own, new.get(name)):
            yield Change(name, kind, own or "", new.get(name, ""))


def _kind(name: str, known: str | None, own: str | None, new: str | None) -> Kind | None:
    """Say how a file changes; None: it does not. `known` is its digest as shipped before."""
    if new is None:
        return "dropped" if own is not None else None
    digest = shipped.digest(name, new)
    if digest == known or (own is not None and shipped.digest(name, own) == digest):
        return None
    if own is None:
        return "added" if known is None else "removed_by_you"
    return "replaced" if shipped.digest(name, own) == known else "changed_by_both"
