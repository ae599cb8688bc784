"""Whose an --out folder or a ledger is: a hidden file names the business, another is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from typing_extensions import TypedDict

from cvm_analysis import atomic_folder, owner
from cvm_analysis.errors import InputError
from cvm_analysis.run.plan import Plan
from cvm_analysis.texts import languages

MARKER = ".owner.json"
OTHER_OUT = "choose another --out"


class _OfBusiness(TypedDict):
    business: str


def pages() -> list[str]:
    """Names of the pages in an --out folder itself: the portal in each language."""
    return ["index.html", *(f"index.{language}.html" for language in languages())]


def claim(plan: Plan) -> None:
    """Mark the --out folder as this business's; nothing in it is touched before.

    A folder without a marker is taken if it has no reports, or only this business's.

    Raises
    ------
    InputError : it belongs to another business, or has pages that cvm did not write
    """
    with atomic_folder.lock(plan.out):
        check(plan)
        atomic_folder.remove_unfinished(plan.out)
        mark(plan.out, plan, OTHER_OUT)


def check(plan: Plan) -> None:
    """Raise InputError where `claim` would; nothing is written, and there may be no folder."""
    if not (plan.out / MARKER).exists():
        _refuse_foreign(plan)
    refuse_another(plan.out, plan, OTHER_OUT)


def mark(folder: Path, plan: Plan, cure: str) -> None:
    """Mark a folder, whose lock is held, as this business's.

    cure : what to do if it belongs to another business

    Raises
    ------
    InputError : it does
    """
    refuse_another(folder, plan, cure)
    own = owner.describe(plan.business, plan.config, folder)
    atomic_folder.write(folder / MARKER, json.dumps(own, ensure_ascii=False, indent=1))


def refuse_another(folder: Path, plan: Plan, cure: str) -> None:
    """Raise InputError if a folder is marked as another business's, or its marker is damaged."""
    path = folder / MARKER
    if found := owner.read(path, owner.Owner, f"{folder} belongs to {plan.config}"):
        own = owner.describe(plan.business, plan.config, folder)
        moved = f"or, if the config was moved, remove {path}"
        owner.refuse_another(folder, found, own, f"{cure}, {moved}")


def _refuse_foreign(plan: Plan) -> None:
    found = set(_businesses(plan.out))
    if others := sorted(found - {plan.business}):
        raise InputError(
            f"{plan.out}: has reports of {', '.join(others)}, not of {plan.business}; {OTHER_OUT}"
        )
    foreign = [name for name in pages() if (plan.out / name).exists()]
    if foreign and not found:
        raise InputError(
            f"{plan.out / foreign[0]}: not written by cvm; move it away or {OTHER_OUT}"
        )


def _businesses(out: Path) -> Iterator[str]:
    """Names of the businesses in the manifests and failures of a folder."""
    for path in (*out.glob("*/*/run.json"), *out.glob("*/failed.json")):
        if found := atomic_folder.read_json(path, _OfBusiness):
            yield found["business"]
