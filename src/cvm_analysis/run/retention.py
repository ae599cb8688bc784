"""Old reports go, if asked: never one that somebody may still be led to.

Of a region stay its newest reports, those that they lead to, and those made later than the newest
one: a run that was killed may still owe them to the ledger, which the next run settles. So stay
damaged ones among these. A report that stays only because another leads to it leads nowhere itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cvm_analysis import atomic_folder, owner
from cvm_analysis.errors import InputError
from cvm_analysis.run import marker, pages, portal, published, region_lock

LEAST = portal.EARLIER + 1  # reports of a region: the portal links them


@dataclass(frozen=True)
class Rule:
    """Which reports of a region stay: its newest ones, and all that are not older than that.

    older_than_days : counted from the date of the newest report; None: age saves none
    """

    keep: int = LEAST
    older_than_days: int | None = None

    def __post_init__(self) -> None:
        if self.keep < LEAST:
            raise InputError(
                f"keep {LEAST} reports or more, not {self.keep}: the portal links them"
            )


@dataclass(frozen=True)
class Removed:
    """A report that was removed, or would be."""

    region: str
    as_of: str
    n_bytes: int


def prune(out: Path, rule: Rule, wait: Callable[[str], None]) -> Iterator[Removed]:
    """Remove old reports one by one, and write the portal anew; see `list_removable`.

    wait : called with the key of a region while another process changes its reports

    Raises
    ------
    InputError : no folder of reports of a business
    OSError : a report cannot be removed; its link is gone
    """
    business, has_removed = find_business(out), False
    try:
        for folder in _regions(out):
            with region_lock.hold(out, folder.name, partial(wait, folder.name)):
                for link in list_removable(folder, rule):
                    found = _describe(link)
                    has_removed = True
                    atomic_folder.withdraw(link)
                    yield found
    finally:
        if has_removed:
            portal.write(out, business)


def rehearse(out: Path, rule: Rule) -> Iterator[Removed]:
    """Yield what `prune` would remove now; nothing is written."""
    find_business(out)
    for folder in _regions(out):
        yield from map(_describe, list_removable(folder, rule))


def list_removable(folder: Path, rule: Rule) -> list[Path]:
    """List the links to the reports of a region that may go, the newest first.

    folder : out/<region>
    """
    good = list(published.reports(folder))
    if len(good) <= rule.keep:
        return []
    first = good[0][0].name
    if rule.older_than_days is not None:
        days = dt.timedelta(rule.older_than_days)
        first = (dt.date.fromisoformat(first) - days).isoformat()
    staying = [link for i, (link, _) in enumerate(good) if i < rule.keep or link.name >= first]
    oldest, newest_made = staying[-1].name, _started(good[0][1])
    saved = {date for link in staying for date in pages.find_linked(link)}
    saved |= {link.name for link, made in good if _started(made) > newest_made}
    older = [link for link in published.links(folder) if link.name < oldest]
    return [link for link in older if link.name not in saved]


def find_business(out: Path) -> str:
    """Find whose reports are in an --out folder; InputError if nothing says so."""
    path = out / marker.MARKER
    found: owner.Owner | None = owner.read(path, owner.Owner, f"{out} is of one business")
    if found is None:
        raise InputError(f"{out}: no folder of reports ({path.name} says whose); name an --out")
    return found["business"]


def _regions(out: Path) -> list[Path]:
    folders = [path for path in out.iterdir() if path.is_dir() and path.name[0] != "."]
    return sorted(path for path in folders if published.links(path))


def _started(made: published.Manifest) -> str:
    started: str = made.get("timing", {}).get("started", "")
    return started


def _describe(link: Path) -> Removed:
    files = [path for path in link.resolve().rglob("*") if path.is_file()]
    return Removed(link.parent.name, link.name, sum(path.lstat().st_size for path in files))
