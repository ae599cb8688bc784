"""What is told of a run: in words for a mail, as JSON for programs, as facts for a command.

It has no customer ids and no values of the data: see `redaction`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

Outcome = Literal["published", "unchanged", "failed", "error", "stopped_by_gate", "ended", "test"]
SAID: dict[Outcome, str] = {
    "published": "reports are published",
    "unchanged": "nothing has changed since the last run",
    "failed": "{n_failed} of {n} reports failed",
    "error": "the run ended with an error",
    "stopped_by_gate": "the run was stopped by a limit of the data",
    "ended": "the run was ended before it was done",
    "test": "this is a test, nothing was run",
}


@dataclass(frozen=True)
class Failed:
    """A region that failed: where, and why as far as that may be told.

    kind : see `run.plan.Failure`; cell : the n of In [n], or None
    """

    region: str
    name: str
    kind: str
    notebook: str
    cell: int | None
    message: str

    def __str__(self) -> str:
        cell = "" if self.cell is None else f", cell [{self.cell}]"
        place = f"{self.notebook}.ipynb{cell}: " if self.notebook else ""
        return f"{self.name}: {place}{self.message}"


@dataclass(frozen=True)
class Alert:
    """The first alert of a region's report, and how many more it has."""

    region: str
    name: str
    text: str
    more: int

    def __str__(self) -> str:
        return f"{self.name}: {self.text}" + (f" ({self.more} more)" if self.more else "")


@dataclass(frozen=True)
class Message:
    """How a run ended.

    message : why, where that is no matter of a region; published, unchanged : keys of regions
    portal : its path, empty if there is none; portal_url : where readers open it, empty if the
        config does not say
    """

    business: str
    config: str
    exit_code: int
    outcome: Outcome
    as_of: str = ""
    message: str = ""
    published: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    failed: tuple[Failed, ...] = ()
    alerts: tuple[Alert, ...] = ()
    portal: str = ""
    portal_url: str = ""

    @property
    def subject(self) -> str:
        """One line: the business, and how the run ended."""
        n_failed = len(self.failed)
        n = n_failed + len(self.published) + len(self.unchanged)
        said = SAID[self.outcome].format(n_failed=n_failed, n=n)
        if self.outcome == "failed" and not n_failed:
            said = "the portal could not be written"
        return " ".join(f"{self.business}: {said}".split())

    @property
    def text(self) -> str:
        """All of it in words."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield self.subject
        if self.message:
            yield self.message
        yield from map(str, self.failed)
        if self.alerts:
            yield "Alerts:"
            yield from (f"- {alert}" for alert in self.alerts)
        if portal := self.portal_url or self.portal:
            yield f"Portal: {portal}"
        date = f", reports to {self.as_of}" if self.as_of else ""
        yield f"Config {self.config}, exit code {self.exit_code}{date}"

    def to_json(self) -> dict[str, Any]:
        """All of it, and `text`, which chat programs show."""
        return {"text": self.text, "subject": self.subject, **asdict(self)}

    def to_environment(self) -> dict[str, str]:
        """Short facts, as environment variables."""
        return {
            "CVM_BUSINESS": self.business,
            "CVM_OUTCOME": self.outcome,
            "CVM_EXIT_CODE": str(self.exit_code),
            "CVM_AS_OF": self.as_of,
            "CVM_FAILED": ",".join(each.region for each in self.failed),
            "CVM_PORTAL": self.portal_url or self.portal,
            "CVM_SUBJECT": self.subject,
        }


def test(business: str, config: str, portal_url: str) -> Message:
    """Make a message that says that it is a test."""
    return Message(business, config, exit_code=0, outcome="test", portal_url=portal_url)
