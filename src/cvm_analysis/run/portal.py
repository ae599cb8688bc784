"""The portal: what each region has published, its latest report and its state, on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cvm_analysis import atomic_folder
from cvm_analysis.run import marker, pages, published, region
from cvm_analysis.run.plan import Part
from cvm_analysis.tables import ALL

EARLIER = 3  # reports of earlier dates that the portal links


def write(out: Path, business: str, first: Sequence[str] = ()) -> Path:
    """Write the portal to all reports that a business has published in out/.

    It is out/index.<language>.html in each language, and in the first one also out/index.html.

    first : languages of a run, before those of published reports, which link to the portal; none:
        the first language stays
    """
    from cvm_analysis.report import portal
    from cvm_analysis.texts import words

    with atomic_folder.lock(out):
        languages = _order(out, business, first)
        names = {language: pages.portal_page(language) for language in languages}
        for language, name in names.items():
            title = words(language)("portal.title", business=business)
            others = {each: path for each, path in names.items() if each != language}
            found = entries(out, language, business)
            page = portal.render(found, title, language, others)
            atomic_folder.write(out / name, page)
            if language == languages[0]:
                atomic_folder.write(out / "index.html", page)
        for name in set(marker.pages()) - {"index.html", *names.values()}:
            (out / name).unlink(missing_ok=True)
    return out / "index.html"


def _order(out: Path, business: str, first: Sequence[str]) -> list[str]:
    """List the first languages, then the others of published reports, that of index.html first."""
    from cvm_analysis.texts import languages

    folders = [path for path in out.iterdir() if path.is_dir() and path.name[0] != "."]
    made = [each for folder in folders for _, each in published.reports(folder, business)]
    others = {language for each in made for language in each["languages"]} & {*languages()}
    before = [each for each in _find_first(out) if each in others]
    return list(dict.fromkeys([*(first or before), *sorted(others)]))


def _find_first(out: Path) -> list[str]:
    """Find the language of index.html, which is a copy of that language's page."""
    from cvm_analysis.texts import languages

    paths = {each: out / pages.portal_page(each) for each in languages()}
    index = out / "index.html"
    found = [each for each, path in paths.items() if path.is_file() and index.is_file()]
    return [each for each in found if paths[each].read_bytes() == index.read_bytes()][:1]


def entries(out: Path, language: str, business: str | None = None) -> list[dict[str, Any]]:
    """One row per region in `out`, `all` first: its latest report and status.

    business : limits the regions to one business; None: all

    region, name, as_of (None without a report), started: when the run of it began, status: `good`,
    `stale` (the last run failed and an earlier report stands, or `all` is older than a region) or
    `failed` (there is none), since: when it began to fail, or None, message: the notebook and cell
    that failed, damaged: the run.json that cannot be read where there is no report, else empty;
    timezone: of the business; of `all`, regions: keys of those that make up the company, n_regions:
    how many, missing: names of those not in it, newer: names of those with another report now;
    reports (language -> link relative to `out`), earlier: as_of and reports of the newest earlier
    dates, alerts: see `portal.render`, figures: what its notebooks left for the portal, by name;
    currency: of those that are money; horizon_weeks: of those that are forecasts, or None.
    """
    keys = sorted(path.name for path in out.iterdir() if path.is_dir() and path.name[0] != ".")
    ordered = sorted(keys, key=lambda key: key != ALL)
    found = [_entry(out, key, language, business) for key in ordered]
    return [entry for entry in found if entry]


def _entry(out: Path, key: str, language: str, business: str | None) -> dict[str, Any] | None:
    failure = region.failure_of(out / key)
    if failure and business not in (None, failure["business"]):
        failure = None
    found = list(published.reports(out / key, business))
    damaged = "" if found else published.find_damaged(out / key)
    link, made = found[0] if found else (out / key, {})
    if not made and failure is None and not damaged:
        return None
    names = (made or failure or {}).get("names", {})
    left, parts = made.get("figures", {}), made.get("regions", {})
    newer = [each for each, part in parts.items() if _has_changed(out / each, part, business)]
    missing = [each for each, part in parts.items() if not part["is_included"]]
    say = {each: part["names"].get(language, each) for each, part in parts.items()}
    is_old = failure is not None or newer
    return {
        "region": key,
        "name": names.get(language, key),
        "as_of": made.get("as_of"),
        "started": made.get("timing", {}).get("started", ""),
        "status": "failed" if not made else "stale" if is_old else "good",
        "since": (failure or {}).get("since"),
        "message": _place(failure) if failure else damaged,
        "damaged": damaged,
        "timezone": made.get("timezone", "UTC"),
        "regions": list(parts),
        "n_regions": len(parts),
        "missing": [say[each] for each in missing],
        "newer": [say[each] for each in newer],
        "reports": _pages(key, link, made),
        "earlier": [
            {"as_of": before["as_of"], "reports": _pages(key, folder, before)}
            for folder, before in found[1 : EARLIER + 1]
        ],
        "alerts": made.get("alerts", []),
        "figures": left.get("values", {}),
        "currency": left.get("currency", ""),
        "horizon_weeks": left.get("horizon_weeks"),
    }


def _pages(key: str, link: Path, made: Mapping[str, Any]) -> dict[str, str]:
    """Find the pages of a report: language -> path relative to the portal."""
    return {each: f"{key}/{link.name}/{path}" for each, path in published.pages(made).items()}


def _has_changed(folder: Path, part: Part, business: str | None) -> bool:
    """Whether a region has another report than when `all` was made."""
    latest = next(published.reports(folder, business), None)
    return latest is not None and latest[1]["fingerprint"] != part["fingerprint"]


def _place(failure: Mapping[str, Any]) -> str:
    """Place of a failure; its message stays in failed.json, as it may contain data."""
    cell = "" if failure["cell"] is None else f" [{failure['cell']}]"
    return f"{failure['notebook']}.ipynb{cell}" if failure["notebook"] else ""
