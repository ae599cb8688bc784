"""How `cvm` ends where it cannot go on: with one message, or on a signal, after tidying up."""

from __future__ import annotations

import errno
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from cvm_analysis.errors import CvmError

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
CURES = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room within the quota",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f)",
    errno.EACCES: "give this user the permission",
    errno.EPERM: "give this user the permission",
    errno.EROFS: "choose a folder that can be written",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENOMEM: "free memory",
}


@contextmanager
def orderly() -> Iterator[None]:
    """Let signals raise SystemExit (128 + number) in the main thread, so that all is tidied up.

    Further signals are ignored then. One that is ignored from the start (nohup) stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    before = {each: signal.getsignal(each) for each in numbers}
    ours = [each for each in numbers if before[each] is not signal.SIG_IGN]

    def leave(number: int, frame: FrameType | None) -> None:
        for each in ours:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for each in ours:
        signal.signal(each, leave)
    try:
        yield
    finally:
        for each in ours:
            signal.signal(each, before[each])


def exit_code(error: BaseException) -> int:
    """The exit code of `cvm` after an error, an exit of a command or a signal."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return getattr(error, "exit_code", CvmError.exit_code)


def describe(error: Exception) -> str:
    """Describe an error that a user or the machine caused; empty for a fault of the program."""
    if isinstance(error, CvmError):
        return str(error)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        cure = CURES.get(error.errno or 0, "see to it")
        return f"{place}{error.strerror or error}; {cure}, then run again"
    if isinstance(error, MemoryError):
        return f"out of memory; {CURES[errno.ENOMEM]}, then run again"
    engine = sys.modules.get("duckdb")
    if engine and isinstance(error, (engine.IOException, engine.OutOfMemoryException)):
        return f"{str(error).splitlines()[0]}; see to disk and memory, then run again"
    return ""
