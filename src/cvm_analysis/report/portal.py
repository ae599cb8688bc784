"""The page that lists every region: how it stands, since when, and where its reports are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from cvm_analysis.errors import InputError
from cvm_analysis.report.blocks import templates
from cvm_analysis.texts import MissingTextError, Words, words

STATUSES = ("good", "stale", "failed")


def render(entries: Sequence[Mapping[str, Any]], title: str, language: str) -> str:
    """Return the portal as the text of one HTML file, regions in the order given.

    Parameters
    ----------
    entries : one per region
        region : key
        name : what people call it
        as_of : ISO date of the report that is linked; empty if there is none
        status : `good`; `stale`, an older report is linked; `failed`
        reports : language -> path of the report, relative to the portal
        figures : name under `columns` in the texts -> number, shown in that column's unit; may be
            empty
        currency : of figures that are money; may be absent if none is
        message : why it is not good; may be empty

    Raises
    ------
    InputError : an unknown status, or a report path that leads out of the portal's folder
    """
    say = words(language)
    count = Counter(entry["status"] for entry in entries)
    numbers = {status: say.number(count[status]) for status in STATUSES}
    summary = say("portal.summary", n=say.number(len(entries)), **numbers)
    return templates().get_template("portal.html").render(
        say=say,
        title=title,
        summary=summary if entries else say("portal.empty"),
        regions=[_region(entry, say) for entry in entries],
    )  # fmt: skip


def _region(entry: Mapping[str, Any], say: Words) -> dict[str, Any]:
    """Return what the template shows of an entry, as texts."""
    status = entry["status"]
    if status not in STATUSES:
        raise InputError(f"portal: region {entry['region']} has no status '{status}'")
    dated = "portal.as_of" if status == "good" else "portal.stale_since"
    figures = entry.get("figures", {})
    return {
        "name": entry["name"],
        "status": status,
        "state": say(f"portal.status.{status}"),
        "dated": say(dated, date=say.date(entry["as_of"])) if entry["as_of"] else "",
        "message": entry.get("message", ""),
        "figures": [
            (say(f"columns.{name}"), say.value(name, value, entry.get("currency", "")))
            for name, value in figures.items()
        ],
        "reports": [_link(tag, path) for tag, path in entry.get("reports", {}).items()],
    }


def _link(language: str, path: str) -> dict[str, str]:
    """Return the address and the name of a report in a language."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith(("/", "\\")) or ".." in parts:
        raise InputError(f"portal: '{path}' is no path inside the folder of the portal")
    try:
        say = words(language)
        name, tag = say("language.name"), say("language.tag")
    except MissingTextError:
        name, tag = language, ""
    return {"href": quote(path, safe="/"), "name": name, "tag": tag}
