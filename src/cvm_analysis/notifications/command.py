"""Tell a command: all as JSON on its standard input, short facts as environment variables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from cvm_analysis.notifications.message import Message

KEY = "CVM_KEY"  # of the pseudonyms: no other program needs it
LAST_WORDS = 200  # characters of what a failed command said


class CommandError(Exception):
    """The command failed; the message says how."""


def send(command: Sequence[str], message: Message, seconds: float, stop: threading.Event) -> None:
    """Run a command without a shell, for some seconds or until asked to stop.

    It and all that it started are ended then. OSError: it cannot be started; CommandError: its
    exit code is not 0, or it is not done in time.
    """
    inherited = {name: value for name, value in os.environ.items() if name != KEY}
    # Files, not pipes: a command that reads nothing, or leaves a child behind, must not block.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(json.dumps(message.to_json(), ensure_ascii=False).encode())
        given.seek(0)
        child = subprocess.Popen(
            command,
            stdin=given,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=inherited | message.to_environment(),
            start_new_session=True,
        )
        if not _wait(child, seconds, stop):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise CommandError(f"not done within {seconds:,.0f} seconds")
        if child.returncode != 0:
            said.seek(0)
            raise CommandError(f"exit code {child.returncode}{_last_line(said.read())}")


def _wait(child: subprocess.Popen[bytes], seconds: float, stop: threading.Event) -> bool:
    """Wait for a command; False if it is not done in time, or is to be ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not stop.is_set():
        with suppress(subprocess.TimeoutExpired):
            child.wait(0.1)
            return True
    return False


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1][:LAST_WORDS]}" if lines else ""
