"""Show progress: one line per region on a terminal, plain lines elsewhere (cron, a log)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress as Display
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from cvm_analysis.run.plan import Event, Progress


@contextmanager
def open_progress(names: Mapping[str, str], console: Console) -> Iterator[Progress]:
    """Give the callback for `fan_out.run`; `names` maps region keys to names."""
    if not console.is_terminal:
        yield lambda event: console.print(_plain(event), markup=False, highlight=False)
        return
    columns = (
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[doing]}", markup=False),
        TimeElapsedColumn(),
    )
    with Display(*columns, console=console) as display:
        yield _Lines(display, names).show


def _describe(event: Event) -> str:
    if event.state == "running":
        return event.notebook
    return f"{event.state}: {event.message}" if event.message else event.state


def _plain(event: Event) -> str:
    seconds = "" if event.state == "running" else f" ({event.seconds:,.0f} s)"
    return f"{event.region}: {_describe(event)}{seconds}"


class _Lines:
    """One line per region, from its first event on."""

    def __init__(self, display: Display, names: Mapping[str, str]) -> None:
        self.display, self.names = display, names
        self.lines: dict[str, TaskID] = {}

    def show(self, event: Event) -> None:
        """Update the line of the event's region."""
        if event.region not in self.lines:
            name = self.names.get(event.region, event.region)
            self.lines[event.region] = self.display.add_task(name, total=1, doing="")
        done = 0 if event.state == "running" else 1
        self.display.update(self.lines[event.region], completed=done, doing=_describe(event))
