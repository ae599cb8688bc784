"""Whose reports an --out folder holds: a hidden file names the business, and another is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cvm_analysis import atomic_folder, owner
from cvm_analysis.errors import InputError
from cvm_analysis.run.plan import Plan
from cvm_analysis.texts import languages

MARKER = ".owner.json"


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
    own = owner.describe(plan.business, plan.config, plan.out)
    path = plan.out / MARKER
    with atomic_folder.lock(plan.out):
        if path.is_file():
            cure = f"choose another --out, or, if the config was moved, remove {path}"
            owner.refuse_another(plan.out, json.loads(path.read_text("utf-8")), own, cure)
        else:
            _refuse_foreign(plan)
        atomic_folder.write(path, json.dumps(own, ensure_ascii=False, indent=1))


def _refuse_foreign(plan: Plan) -> None:
    found = set(_businesses(plan.out))
    if others := sorted(found - {plan.business}):
        raise InputError(
            f"{plan.out}: has reports of {', '.join(others)}, not of {plan.business}; "
            "choose another --out"
        )
    foreign = [name for name in pages() if (plan.out / name).exists()]
    if foreign and not found:
        raise InputError(
            f"{plan.out / foreign[0]}: not written by cvm; move it away or choose another --out"
        )


def _businesses(out: Path) -> Iterator[str]:
    """Names of the businesses in the manifests and failures of a folder."""
    for path in (*out.glob("*/*/run.json"), *out.glob("*/failed.json")):
        try:
            content = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict) and "business" in content:
            yield str(content["business"])
