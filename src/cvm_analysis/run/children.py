"""Child processes of a run: what they inherit, how long they are waited for, and their end."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress

from cvm_analysis.run.forks import Forked
from cvm_analysis.run.plan import Stopped

Child = subprocess.Popen[bytes] | Forked


def inherited() -> dict[str, str]:
    """The environment of this process without the key of the pseudonyms, which no child needs."""
    return {name: value for name, value in os.environ.items() if name != "CVM_KEY"}


def wait(child: Child, seconds: float, stop: threading.Event) -> bool:
    """Wait for a child to end; False if it is not in time.

    Raises
    ------
    Stopped : `stop` was set meanwhile
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if stop.is_set():
            raise Stopped
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=0.1)
            return True
    return False


def end(child: Child) -> None:
    """End a child that leads a process group, and its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
