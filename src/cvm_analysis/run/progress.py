"""Show progress: one line per region on a terminal, plain lines elsewhere, or JSON for a log."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, TextIO

from rich.console import Console
from rich.progress import Progress as Display
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from cvm_analysis.run.plan import Event, Progress

WAITS = "waits for another run"
Level = Literal["info", "warning", "error"]


@contextmanager
def open_progress(names: Mapping[str, str], console: Console) -> Iterator[Progress]:
    """Give the callback for `fan_out.run`; `names` maps region keys to names."""
    is_screen = console.is_terminal and console.file.isatty()  # FORCE_COLOR makes no log one
    if not is_screen or console.is_dumb_terminal:
        yield lambda event: _print(event, console)
        return
    columns = (
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[doing]}", markup=False),
        TimeElapsedColumn(),
    )
    with Display(*columns, console=console) as display:
        yield _Lines(display, names).show


def write_json(
    stream: TextIO,
    level: Level,
    event: str,
    message: str = "",
    region: str = "",
    notebook: str = "",
    seconds: float | None = None,
) -> None:
    """Write one line with a JSON object: these, and the time (UTC)."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    content = {
        "time": now,
        "level": level,
        "event": event,
        "region": region,
        "notebook": notebook,
        "seconds": None if seconds is None else round(seconds, 3),
        "message": message,
    }
    stream.write(json.dumps(content, ensure_ascii=False) + "\n")
    stream.flush()


def write_event(stream: TextIO, event: Event) -> None:
    """Write an event as a line of JSON."""
    level: Level = "error" if event.state == "failed" else "info"
    seconds = None if event.state in ("running", "waiting") else event.seconds
    message = WAITS if event.state == "waiting" else event.message
    write_json(stream, level, event.state, message, event.region, event.notebook, seconds)


def _print(event: Event, console: Console) -> None:
    if event.state != "executed":  # the line of the next notebook says so
        console.print(_plain(event), markup=False, highlight=False)


def _describe(event: Event) -> str:
    if event.state in ("running", "waiting"):
        return event.notebook or WAITS
    return f"{event.state}: {event.message}" if event.message else event.state


def _plain(event: Event) -> str:
    seconds = "" if event.state in ("running", "waiting") else f" ({event.seconds:,.0f} s)"
    return f"{event.region}: {_describe(event)}{seconds}"


class _Lines:
    """One line per region, from its first event on."""

    def __init__(self, display: Display, names: Mapping[str, str]) -> None:
        self.display, self.names = display, names
        self.lines: dict[str, TaskID] = {}

    def show(self, event: Event) -> None:
        """Update the line of the event's region."""
        if event.state == "executed":
            return
        if event.region not in self.lines:
            name = self.names.get(event.region, event.region)
            self.lines[event.region] = self.display.add_task(name, total=1, doing="")
        done = 0 if event.state in ("running", "waiting") else 1
        self.display.update(self.lines[event.region], completed=done, doing=_describe(event))
