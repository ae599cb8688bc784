"""The page that sets all regions side by side: the alarm first, key figures, and their reports."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from cvm_analysis.errors import InputError
from cvm_analysis.report import coverage, head, portal_figures
from cvm_analysis.report.blocks import templates
from cvm_analysis.tables import ALL
from cvm_analysis.texts import MissingTextError, Words, words

STATUSES = ("good", "stale", "failed")
MOST_ALERTS = 2  # of a region; its report has all of them
Entry = Mapping[str, Any]


def render(
    entries: Sequence[Entry], title: str, language: str, editions: Mapping[str, str] | None = None
) -> str:
    """Return the portal as the text of one HTML file: `all`, then the regions, best sales first.

    Parameters
    ----------
    entries : one per region; without sales they keep their order
        region : key
        name : what people call it
        as_of : ISO date of the report that is linked; empty if there is none
        status : `good`; `stale`, an older report is linked; `failed`
        since : ISO date or time of the first failure since the last success; may be absent
        reports : language -> path of the report, relative to the portal
        earlier : as_of and reports of earlier dates, the newest first; may be absent
        figures : name -> number, see `portal_figures`; a region that lacks what another has shows a
            dash
        currency : of figures that are money, one for all; may be absent if none is
        horizon_weeks : of figures that are forecasts; may be absent if none is
        alerts : what went wrong, the worst first: code, text (language -> text); may be absent
        message : where it failed; may be empty
        n_regions, missing, newer : of `all`: how many regions make up the company, names of those
            not in its report, names of those with a newer report; may be absent
    editions : language -> path of this page in another language

    Raises
    ------
    InputError : an unknown status, or a path that leads out of the portal's folder
    """
    say = words(language, horizon_weeks=_horizon(entries))
    ordered = _order(entries)
    newest = max((entry.get("as_of") or "" for entry in entries), default="")
    columns = portal_figures.columns(ordered, say)
    links = [(words(tag)("language.name"), path) for tag, path in (editions or {}).items()]
    return templates().get_template("portal.html").render(
        say=say,
        **head.describe(title, say, links=links),
        **_alarm(ordered, say),
        as_of=say("portal.as_of", date=say.date(newest)) if newest else "",
        columns=columns,
        regions=[_region(i, entry, columns, newest, say) for i, entry in enumerate(ordered)],
    )  # fmt: skip


def _order(entries: Sequence[Entry]) -> list[Entry]:
    """Put `all` first, then the region with the highest sales; those without figures come last."""
    return sorted(entries, key=lambda each: (each["region"] != ALL, -portal_figures.sales(each)))


def _alarm(entries: Sequence[Entry], say: Words) -> dict[str, str]:
    """Say what is worst: an alert, else sales; then sales, and which reports are not current."""
    if not entries:
        return {"alarm": say("portal.empty"), "sales": "", "old": ""}
    old = [entry["name"] for entry in entries if entry["status"] != "good"]
    alert, sales = _alert(entries, say), portal_figures.compare(entries, say)
    return {
        "alarm": alert or sales or _count(entries, say),
        "sales": sales if alert else "",
        "old": say("portal.alarm.not_current", regions=say.listed(old)) if old else "",
    }


def _count(entries: Sequence[Entry], say: Words) -> str:
    """Count the regions by status."""
    count = Counter(entry["status"] for entry in entries)
    numbers = {status: say.number(count[status]) for status in STATUSES}
    return say("portal.summary", n=say.number(len(entries)), **numbers)


def _alert(entries: Sequence[Entry], say: Words) -> str:
    """Take the first alert of the region whose sales fell most; empty without alerts."""
    warned = [entry for entry in entries if entry.get("alerts")]
    if not warned:
        return ""
    worst = min(warned, key=portal_figures.change_or_none_last)
    text = _texts(worst, say)[0]
    return say("portal.alarm.alert", region=worst["name"], text=text)


def _texts(entry: Entry, say: Words) -> list[str]:
    """Return the alerts of a region in this language, or whichever they have."""
    texts = [alert["text"] for alert in entry.get("alerts", ())]
    return [text.get(say.language) or next(iter(text.values()), "") for text in texts]


def _region(
    number: int, entry: Entry, columns: Sequence[portal_figures.Column], newest: str, say: Words
) -> dict[str, Any]:
    """Return what the template shows of an entry, as texts."""
    status, since, as_of = entry["status"], entry.get("since"), entry.get("as_of") or ""
    if status not in STATUSES:
        raise InputError(f"portal: region {entry['region']} has no status '{status}'")
    reports = _reports(entry, say)
    alerts, is_older = _texts(entry, say), as_of and as_of != newest
    more = len(alerts) - MOST_ALERTS
    return {
        "name": entry["name"],
        "href": reports[0]["href"] if as_of and reports else "",
        "kinds": [status, "whole"] if entry["region"] == ALL else [status],
        "state": "" if status == "good" else say(f"portal.status.{status}"),
        "since": say("portal.failing_since", date=say.date(since)) if since else "",
        "message": entry.get("message", ""),
        "remarks": _remarks(entry, say),
        "alerts": alerts[:MOST_ALERTS],
        "more": say.plural("portal.more_alerts", more) if more > 0 else "",
        "figures": [column.cells[number] for column in columns],
        "as_of": say("portal.as_of", date=say.date(as_of)) if is_older else "",
        "details": say("portal.details", region=entry["name"]),
        "reports": reports,
    }


def _reports(entry: Entry, say: Words) -> list[dict[str, str]]:
    """Return the links to the report and to earlier ones, in this language where there is one."""
    found = []
    for each in (entry, *entry.get("earlier", ())):
        reports = each.get("reports", {})
        language = say.language if say.language in reports else next(iter(reports), None)
        if language is not None:
            found.append(_link(each["as_of"], language, reports[language], say))
    return found


def _link(as_of: str, language: str, path: str, say: Words) -> dict[str, str]:
    """Return address and label of a report: its day, and its language if it is another one."""
    label = say.date(as_of or None)
    if language == say.language:
        return {"href": head.address(path), "label": label, "tag": ""}
    try:
        name, tag = words(language)("language.name"), words(language)("language.tag")
    except MissingTextError:
        name, tag = language, ""
    label = say("portal.in_language", date=label, language=name)
    return {"href": head.address(path), "label": label, "tag": tag}


def _remarks(entry: Entry, say: Words) -> list[str]:
    """Say which regions the report of `all` lacks, and which have a newer report."""
    remarks, newer = [], entry.get("newer", ())
    if entry.get("missing"):
        remarks.append(coverage.describe(say, entry["n_regions"], entry["missing"]))
    if newer:
        remarks.append(say("portal.newer", regions=say.listed(newer)))
    return remarks


def _horizon(entries: Sequence[Entry]) -> int | None:
    """Return the horizon of the newest report; older ones may have had another."""
    known = [entry for entry in entries if entry.get("horizon_weeks")]
    newest = max(known, key=lambda entry: entry.get("as_of") or "", default={})
    return newest.get("horizon_weeks")
