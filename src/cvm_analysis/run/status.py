"""Whether what is published is as it should be: the newest report of each region, and its age."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from cvm_analysis.run import manifest, portal, published
from cvm_analysis.tables import ALL

State = Literal["good", "stale", "failed", "damaged", "old", "former"]


@dataclass(frozen=True)
class Status:
    """A region's newest report.

    as_of : its date, the last day that counts; empty without a report
    age_days : from that day to today in the time zone of the business; None without a report
    state : `stale`: the last run failed or, of `all`, a region has another report now or is not in
        it; `failed`: there is no report; `damaged`: a file is not as it was published; `old`:
        beyond the limit of age; `former`: no region of the company any more, and not judged
    problems : what is wrong, in words
    """

    region: str
    as_of: str
    age_days: int | None
    state: State
    problems: tuple[str, ...]


def judge(out: Path, now: dt.datetime, max_age_days: int | None = None) -> list[Status]:
    """Judge the newest report of each region in an --out folder, `all` first.

    now : with its time zone
    """
    entries = portal.entries(out, "en")
    company = next((each for each in entries if each["region"] == ALL), None)
    return [_judge(out, entry, company, now, max_age_days) for entry in entries]


def _judge(
    out: Path,
    entry: Mapping[str, Any],
    company: Mapping[str, Any] | None,
    now: dt.datetime,
    max_age_days: int | None,
) -> Status:
    key, as_of = entry["region"], entry["as_of"] or ""
    age = _age_days(as_of, entry["timezone"], now) if as_of else None
    if company and _is_former(entry, company):
        return Status(key, as_of, age, "former", ())
    found = dict(_find_problems(out, entry, age, max_age_days))
    state: State = next(iter(found), "good")
    return Status(key, as_of, age, state, tuple(found.values()))


def _find_problems(
    out: Path, entry: Mapping[str, Any], age: int | None, max_age_days: int | None
) -> Iterator[tuple[State, str]]:
    """What is wrong with a report, the worst first."""
    if damaged := find_damaged(out / entry["region"]):
        yield "damaged", f"{damaged} is damaged"
    if entry["since"]:
        place = f": {entry['message']}" if entry["message"] else ""
        state: State = "stale" if entry["as_of"] else "failed"
        yield state, f"failed since {entry['since']}{place}"
    elif entry["newer"] or entry["missing"]:
        newer = [f"newer report of {', '.join(entry['newer'])}"] if entry["newer"] else []
        missing = [f"without {', '.join(entry['missing'])}"] if entry["missing"] else []
        yield "stale", ", ".join([*newer, *missing])
    if age is not None and max_age_days is not None and age > max_age_days:
        yield "old", f"{age:,} {'day' if age == 1 else 'days'} old, more than {max_age_days:,}"


def find_damaged(folder: Path) -> str:
    """Find what is damaged of a region's newest report, as <date>/<file>; empty if it is whole.

    folder : out/<region>
    """
    unread, newest = published.find_damaged(folder), next(published.reports(folder), None)
    if newest is None or unread > newest[0].name:
        return unread
    link, made = newest
    changed = (name for name in made["outputs"] if not manifest.is_as_published(link, made, name))
    return next((f"{link.name}/{name}" for name in changed), "")


def _age_days(as_of: str, timezone: str, now: dt.datetime) -> int:
    return (now.astimezone(ZoneInfo(timezone)).date() - dt.date.fromisoformat(as_of)).days


def _is_former(entry: Mapping[str, Any], company: Mapping[str, Any]) -> bool:
    """Whether a report of the company, made since, does not know the region any more."""
    known, last = company["regions"], max(entry["started"], entry["since"] or "")
    return bool(known) and entry["region"] not in (ALL, *known) and last < company["started"]
