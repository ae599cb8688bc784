"""Temporary folders of child processes, and the end of all that was started in them.

They are in <temp>/cvm-<user id>, each with a lock that shows that its process is alive; the next
run removes those of killed processes, and ends what these had started.
"""

from __future__ import annotations

import os
import signal
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cvm_analysis import atomic_folder
from cvm_analysis.errors import InputError

VARIABLE = "CVM_WORK"  # names the work folder: all that is started in it inherits that
PASSES = 5  # to end processes that start others meanwhile


@contextmanager
def work_folder(name: str) -> Iterator[Path]:
    """Give an empty work folder; at the end it is removed, and whatever runs in it is ended."""
    with atomic_folder.atomic_folder(_parent(), name) as work:
        try:
            yield work
        finally:
            end_processes(work)


def clean() -> None:
    """Remove the work folders of killed runs, and end what was started in them."""
    parent = _parent()
    atomic_folder.clean(parent)
    for pid, work in _processes():
        seen = Path(f"/proc/{pid}/root") / work.relative_to("/")  # its /tmp may be another one
        with suppress(PermissionError):
            if work.parent == parent and not seen.exists():
                _end(pid)


def end_processes(work: Path) -> None:
    """End all processes that were started in a work folder, whoever their parent is by now."""
    for _ in range(PASSES):
        found = [pid for pid, folder in _processes() if folder == work and pid != os.getpid()]
        if not found:
            return
        for pid in found:
            _end(pid)


def _end(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _processes() -> Iterator[tuple[int, Path]]:
    """Yield this user's processes that have a work folder; none where there is no /proc."""
    start = f"{VARIABLE}=".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            for each in path.read_bytes().split(b"\0"):
                if each.startswith(start):
                    yield int(path.parent.name), Path(os.fsdecode(each[len(start) :]))


def _parent() -> Path:
    """The folder of this user's work folders; InputError if it is somebody else's."""
    temp = tempfile.gettempdir()
    # Socket names must stay below about 100 characters.
    parent = Path(temp if len(temp) <= 40 else "/tmp") / f"cvm-{os.getuid()}"
    parent.mkdir(mode=0o700, exist_ok=True)
    found = parent.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise InputError(
            f"{parent}: not a folder of yours; remove it, or set TMPDIR to another one"
        )
    parent.chmod(0o700)
    return parent
