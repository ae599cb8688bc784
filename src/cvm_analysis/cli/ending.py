"""How `cvm run` ends, whatever happens: the log says so, and whom the config names are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cvm_analysis import endings
from cvm_analysis.cli import console
from cvm_analysis.cli.logs import Log
from cvm_analysis.errors import CvmError, GateError

if TYPE_CHECKING:
    from cvm_analysis.notifications import message
    from cvm_analysis.run.fan_out import Outcome
    from cvm_analysis.run.plan import Event, Plan, Progress
    from cvm_analysis.settings import Contacts

SIGNALLED = 128  # exit codes above it: ended by a signal


@dataclass
class Course:
    """What is known of a run so far: its plan, and the last event of each region."""

    out: Path
    plan: Plan | None = None
    events: dict[str, Event] = field(default_factory=dict)
    portal_failure: str = ""

    def begin(self, plan: Plan) -> None:
        """Note the plan, once it is known."""
        self.plan = plan

    def end(self, outcome: Outcome) -> None:
        """Note what no event says."""
        self.portal_failure = outcome.portal_failure

    @property
    def names(self) -> dict[str, str]:
        """Names of the regions, by key."""
        if self.plan is None:
            return {}
        return {key: each[self.plan.languages[0]] for key, each in self.plan.regions.items()}

    def follow(self, progress: Progress) -> Progress:
        """Give a callback that notes events before it passes them on."""

        def note(event: Event) -> None:
            self.events[event.region] = event
            progress(event)

        return note

    def in_state(self, state: str) -> tuple[str, ...]:
        """Keys of the regions in a state."""
        return tuple(key for key, event in self.events.items() if event.state == state)


@contextmanager
def announced(config: Path, out: Path, log: Log) -> Iterator[Course]:
    """Follow a run, and tell in the end how it ended, be it by an error or a signal.

    What cannot be sent is said in the log, and changes no exit code.
    """
    contacts, course = _load_contacts(config), Course(out)
    try:
        yield course
    except typer.Exit as error:  # the log has said why
        _tell(contacts, course, error, log)
        raise
    except BaseException as error:
        with suppress(OSError):
            log.stop(error)
        _tell(contacts, course, error, log)
        if console.debug or not isinstance(error, Exception):
            raise
        raise typer.Exit(endings.exit_code(error)) from None
    else:
        _tell(contacts, course, None, log)


def say_unsent(contacts: Contacts, failures: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Say of each channel, by its keys, why it failed and what to do."""
    for keys, reason in failures.items():
        channel = contacts.notify.all_channels[keys]
        test = f"`cvm notify {contacts.path}`"
        yield f"{contacts.where(*keys)}: {channel}: {reason}; correct it, then test it by {test}"


def _load_contacts(config: Path) -> Contacts | None:
    from cvm_analysis.settings import load_contacts

    with suppress(CvmError, OSError):  # the run says so itself
        return load_contacts(config)
    return None


def _tell(contacts: Contacts | None, course: Course, error: BaseException | None, log: Log) -> None:
    from cvm_analysis.notifications import delivery

    code = 0 if error is None else endings.exit_code(error)
    channels = contacts.notify.channels(code) if contacts else {}
    if contacts is None or not channels:
        return
    seconds = delivery.SECONDS_AFTER_SIGNAL if code > SIGNALLED else delivery.SECONDS
    try:
        failures = delivery.deliver(channels, _describe(contacts, course, code, error), seconds)
        unsent = [*say_unsent(contacts, failures)]
    except Exception as fault:  # the run ends as it would have without
        unsent = [f"{contacts.where()}: nobody was told, {type(fault).__name__}: {fault}"]
    for said in unsent:
        with suppress(OSError):
            log.warn(said)


def _describe(
    contacts: Contacts, course: Course, code: int, error: BaseException | None
) -> message.Message:
    from cvm_analysis.notifications.message import Message

    portal = course.out / "index.html"
    return Message(
        business=contacts.business,
        config=contacts.path.name,
        exit_code=code,
        outcome=_outcome(course, code, error),
        as_of=course.plan.as_of if course.plan else "",
        message=_reason(course, error),
        published=course.in_state("published"),
        unchanged=course.in_state("unchanged"),
        failed=tuple(_failed(course)),
        alerts=tuple(_alerts(course)),
        portal=str(portal.resolve()) if portal.is_file() else "",
        portal_url=contacts.notify.portal or "",
    )


def _outcome(course: Course, code: int, error: BaseException | None) -> message.Outcome:
    if code == 0:
        return "published" if course.in_state("published") else "unchanged"
    if code > SIGNALLED:
        return "ended"
    if isinstance(error, GateError):
        return "stopped_by_gate"
    return "failed" if code == 1 else "error"


def _reason(course: Course, error: BaseException | None) -> str:
    """Say why a run ended, where that is no matter of a region, as far as that may be told."""
    if course.portal_failure:
        return f"portal: {_redact(course, course.portal_failure)}"
    if not isinstance(error, Exception) or isinstance(error, typer.Exit):
        return ""
    return _redact(course, endings.describe(error) or f"{type(error).__name__}: {error}")


def _redact(course: Course, text: str) -> str:
    """Shorten a message to what may be told; nothing of it where it shows a personal value."""
    from cvm_analysis.notifications.redaction import HIDDEN, redact
    from cvm_analysis.personal import tokens

    told, known = redact(text), course.plan.personal if course.plan else None
    return HIDDEN if known and known.count(tokens.find(told)) else told


def _failed(course: Course) -> Iterator[message.Failed]:
    from cvm_analysis.notifications.message import Failed

    for key in course.in_state("failed"):
        if failure := course.events[key].failure:
            about = (failure.kind, failure.notebook, failure.cell)
            yield Failed(key, course.names[key], *about, _redact(course, failure.message))


def _alerts(course: Course) -> Iterator[message.Alert]:
    """The first alert of each region, in words that name no customer."""
    from cvm_analysis.notifications.message import Alert
    from cvm_analysis.run import fan_out

    if course.plan is None:
        return
    current = {*course.in_state("published"), *course.in_state("unchanged")}
    for key, found in fan_out.find_alerts(course.plan, course.plan.languages[0], "clause").items():
        if found and key in current:
            yield Alert(key, course.names[key], found[0], len(found) - 1)
