"""What `cvm run` says while it runs and in the end: as texts, or as JSON lines for a log."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cvm_analysis import endings
from cvm_analysis.cli import console

if TYPE_CHECKING:
    from cvm_analysis.run.fan_out import Outcome
    from cvm_analysis.run.plan import Progress

Format = Literal["text", "json"]


class Log(Protocol):
    """What a run says."""

    def note(self, text: str) -> None:
        """Say what was found."""

    def warn(self, text: str) -> None:
        """Say what needs attention."""

    def alert(self, region: str, name: str, text: str) -> None:
        """Say an alert of a region."""

    def open_progress(self, names: Mapping[str, str]) -> AbstractContextManager[Progress]:
        """Give the callback for the events of regions; `names` maps their keys to names."""

    def end(self, outcome: Outcome) -> None:
        """Say what failed, and where the portal is."""

    def stop(self, error: BaseException) -> None:
        """Say what ended the run before its time: an error or a signal."""


def open_log(kind: Format) -> Log:
    """Give the log of a run."""
    return JsonLog() if kind == "json" else TextLog()


class TextLog:
    """Results on standard output; progress, warnings and failures on standard error."""

    def note(self, text: str) -> None:
        """Say it as it is."""
        console.say(text)

    def warn(self, text: str) -> None:
        """Say it as it is."""
        console.warn(text)

    def alert(self, region: str, name: str, text: str) -> None:
        """Say it after the name of the region."""
        console.say(f"{name}: {text}")

    def open_progress(self, names: Mapping[str, str]) -> AbstractContextManager[Progress]:
        """Show a line per region on a terminal, else a line per event."""
        from cvm_analysis.run import progress

        return progress.open_progress(names, console.err)

    def end(self, outcome: Outcome) -> None:
        """Repeat the failures, which may be far above."""
        failures = [f"{each.region}: failed: {each.failure}" for each in outcome.failed]
        if outcome.portal_failure:
            failures.append(f"{outcome.portal}: not written: {outcome.portal_failure}")
        else:
            console.say(str(outcome.portal))
        for failure in failures:
            console.err.print(failure, markup=False, highlight=False)

    def stop(self, error: BaseException) -> None:
        """Say an error; whoever sends a signal knows."""
        if isinstance(error, Exception):
            console.say_error(error)


class JsonLog:
    """One JSON object a line on standard error, and nothing else there or on standard output."""

    def note(self, text: str) -> None:
        """Write it as an event `note`."""
        self._write("info", "note", text)

    def warn(self, text: str) -> None:
        """Write it as an event `warning`."""
        self._write("warning", "warning", text)

    def alert(self, region: str, name: str, text: str) -> None:
        """Write it as an event `alert` of the region."""
        self._write("warning", "alert", text, region=region)

    @contextmanager
    def open_progress(self, names: Mapping[str, str]) -> Iterator[Progress]:
        """Write a line per event."""
        from cvm_analysis.run import progress

        yield lambda event: progress.write_event(sys.stderr, event)

    def end(self, outcome: Outcome) -> None:
        """Write where the portal is; failures were events."""
        if outcome.portal_failure:
            self._write("error", "portal", f"{outcome.portal}: {outcome.portal_failure}")
        else:
            self._write("info", "portal", str(outcome.portal))

    def stop(self, error: BaseException) -> None:
        """Write it as an event `stopped`."""
        if isinstance(error, Exception):
            said = endings.describe(error) or "".join(traceback.format_exception(error))
        else:
            said = f"ended by a signal, with exit code {endings.exit_code(error)}"
        self._write("error", "stopped", said)

    def _write(self, *about: Any, **more: Any) -> None:
        from cvm_analysis.run import progress

        progress.write_json(sys.stderr, *about, **more)
