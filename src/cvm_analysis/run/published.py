"""What a region has published: its reports of all dates, and the pages that may be shared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cvm_analysis.run import manifest

Manifest = Mapping[str, Any]
DATE = r"\d{4}-\d{2}-\d{2}"  # the name of a report's link


def reports(folder: Path, business: str | None = None) -> Iterator[tuple[Path, Manifest]]:
    """Yield the link and the manifest of each report of a region, the newest date first.

    folder : out/<region>, which may not exist yet; business : whose reports; None: all
    """
    for link in links(folder):
        made = manifest.read(link)
        if made and business in (None, made["business"]):
            yield link, made


def links(folder: Path) -> list[Path]:
    """List the links to the reports of a region, readable or not, the newest date first."""
    found = [
        path for path in folder.glob("*") if re.fullmatch(DATE, path.name) and path.is_symlink()
    ]
    return sorted(found, reverse=True)


def find_damaged(folder: Path) -> str:
    """Find the newest manifest of a region that cannot be read, as <date>/run.json; else empty."""
    damaged = [link.name for link in links(folder) if manifest.read(link) is None]
    return f"{damaged[0]}/run.json" if damaged else ""


def pages(made: Manifest) -> dict[str, str]:
    """Find the page of each language that managers get: language -> path within its folder."""
    shared = [name for name in made.get("outputs", ()) if name.startswith("share/")]
    return {
        language: name
        for language in made.get("languages", ())
        for name in shared
        if name.endswith(f".{language}.html")
    }
