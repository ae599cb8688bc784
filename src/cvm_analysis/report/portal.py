"""The page that sets all regions side by side: key figures, how each stands, its reports."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from cvm_analysis import tables
from cvm_analysis.errors import InputError
from cvm_analysis.report import coverage
from cvm_analysis.report.blocks import templates
from cvm_analysis.tables import ALL
from cvm_analysis.texts import MissingTextError, Words, words

STATUSES = ("good", "stale", "failed")


def render(
    entries: Sequence[Mapping[str, Any]],
    title: str,
    language: str,
    editions: Mapping[str, str] | None = None,
) -> str:
    """Return the portal as the text of one HTML file, regions in the order given.

    Parameters
    ----------
    entries : one per region; the region `all` is set apart from the others
        region : key
        name : what people call it
        as_of : ISO date of the report that is linked; empty if there is none
        status : `good`; `stale`, an older report is linked; `failed`
        since : ISO date or time of the first failure since the last success; may be absent
        reports : language -> path of the report, relative to the portal
        figures : name under `columns` in the texts -> number, shown in that column's unit; a
            region that lacks what another has shows a dash
        currency : of figures that are money, one for all; may be absent if none is
        horizon_weeks : of figures that are forecasts; may be absent if none is
        message : where it failed; may be empty
        n_regions, missing, newer : of `all`: how many regions make up the company, names of those
            not in its report, names of those with a newer report; may be absent
    editions : language -> path of this page in another language

    Raises
    ------
    InputError : an unknown status, or a path that leads out of the portal's folder
    """
    say = words(language, horizon_weeks=_horizon(entries))
    count = Counter(entry["status"] for entry in entries)
    numbers = {status: say.number(count[status]) for status in STATUSES}
    summary = say("portal.summary", n=say.number(len(entries)), **numbers)
    columns = list(dict.fromkeys(name for each in entries for name in each.get("figures", {})))
    return templates().get_template("portal.html").render(
        say=say,
        title=title,
        summary=summary if entries else say("portal.empty"),
        editions=[_link(tag, path) for tag, path in (editions or {}).items()],
        columns=[say(f"columns.{name}") for name in columns],
        regions=[
            _region(entry, figures, say)
            for entry, *figures in zip(
                entries, *(_column(entries, name, say) for name in columns), strict=True
            )
        ],
    )  # fmt: skip


def _region(entry: Mapping[str, Any], figures: Sequence[str], say: Words) -> dict[str, Any]:
    """Return what the template shows of an entry, as texts."""
    status, since = entry["status"], entry.get("since")
    if status not in STATUSES:
        raise InputError(f"portal: region {entry['region']} has no status '{status}'")
    return {
        "name": entry["name"],
        "kinds": [status, "whole"] if entry["region"] == ALL else [status],
        "state": say(f"portal.status.{status}"),
        "since": say("portal.failing_since", date=say.date(since)) if since else "",
        "message": entry.get("message", ""),
        "remarks": _remarks(entry, say),
        "figures": figures,
        "as_of": say.date(entry["as_of"] or None),
        "reports": [_link(tag, path) for tag, path in entry.get("reports", {}).items()],
    }


def _remarks(entry: Mapping[str, Any], say: Words) -> list[str]:
    """Say which regions the report of `all` lacks, and which have a newer report."""
    remarks, newer = [], entry.get("newer", ())
    if entry.get("missing"):
        remarks.append(coverage.describe(say, entry["n_regions"], entry["missing"]))
    if newer:
        remarks.append(say("portal.newer", regions=say.listed(newer)))
    return remarks


def _horizon(entries: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the horizon of the newest report; older ones may have had another."""
    known = [entry for entry in entries if entry.get("horizon_weeks")]
    newest = max(known, key=lambda entry: entry.get("as_of") or "", default={})
    return newest.get("horizon_weeks")


def _column(entries: Sequence[Mapping[str, Any]], name: str, say: Words) -> list[str]:
    """Return a figure of every region as text; amounts of money have one unit."""
    values = [entry.get("figures", {}).get(name) for entry in entries]
    currency = next((each["currency"] for each in entries if each.get("currency")), "")
    if tables.kind(name) == "money":
        return say.amounts(values, currency)
    return [say.value(name, value, currency) for value in values]


def _link(language: str, path: str) -> dict[str, str]:
    """Return the address and the name of a page in a language."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith(("/", "\\")) or ".." in parts:
        raise InputError(f"portal: '{path}' is no path inside the folder of the portal")
    try:
        say = words(language)
        name, tag = say("language.name"), say("language.tag")
    except MissingTextError:
        name, tag = language, ""
    return {"href": quote(path, safe="/"), "name": name, "tag": tag}
