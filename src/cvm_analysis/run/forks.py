"""How a run asks its fork server for processes: of a notebook, and of a region's open tables."""

from __future__ import annotations

import atexit
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NamedTuple

NOTEBOOK = b"notebook"  # a message; any other one names the tables to open, as JSON
IS_SAFE = sys.platform == "linux"
ALLOCATORS = {  # of pyarrow: no thread, and 64 MB at a time, as what is reserved counts as used
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "MIMALLOC_ARENA_RESERVE": "65536",
}


class Forked:
    """A child of the server, used as a `subprocess.Popen`."""

    def __init__(self, pid: int, stdin: IO[bytes], report: IO[bytes]) -> None:
        self.pid, self.stdin, self._report = pid, stdin, report
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the child to end; of a child that outlived the server the code is -9."""
        if self.returncode is None:
            with selectors.PollSelector() as waiting:
                waiting.register(self._report, selectors.EVENT_READ)
                if not waiting.select(timeout):
                    raise subprocess.TimeoutExpired("fork", timeout or 0.0)
            self.returncode = int(self._report.readline() or -signal.SIGKILL)
            self._report.close()
        return self.returncode


class _Server:
    """The server as its run sees it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.key, self.is_used = _key(environment), False
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "cvm_analysis.run.fork_server"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**environment, **ALLOCATORS},
                start_new_session=True,
            )

    def open_tables(self, asked: Mapping[str, str]) -> _Opener | None:
        """Ask for a fork that opens a region's tables; None if the server ended."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.is_used = True
        with theirs, Path(os.devnull).open("wb") as log:
            forked = _fork(self.control, json.dumps(asked).encode(), theirs.fileno(), log)
        if forked is None:
            ours.close()
            return None
        return _Opener(ours, *forked)

    def fork(self, log: IO[bytes]) -> Forked | None:
        """Ask for a child that executes a notebook; None if the server ended."""
        self.is_used = True
        return _fork_notebook(self.control, log)

    def close(self) -> None:
        """Let it end, once its children did; without any, in the middle of its imports."""
        self.control.close()
        if not self.is_used:
            self.process.kill()
        self.process.wait()


class _Opener(NamedTuple):
    """A fork of the server that opens a region's tables, as its run sees it."""

    control: socket.socket
    pid: int
    report: IO[bytes]

    def close(self) -> None:
        """Let it end, as no notebook runs any more, and wait for that."""
        self.control.close()
        self.report.readline()  # its exit code
        self.report.close()


class Tables:
    """A region's tables, opened once for all its notebooks when the first of them begins.

    They are opened in a fork of the server, and the notebooks are forked from that. Where that
    cannot be, each notebook opens them.
    """

    def __init__(self, asked: Mapping[str, str], environment: Mapping[str, str]) -> None:
        """asked : the parameters of `results.open`."""
        self._asked, self._environment = asked, environment
        self._one_at_a_time, self._is_asked = threading.Lock(), False
        self.opener: _Opener | None = None

    def start(self, log: IO[bytes]) -> Forked | None:
        """Fork a child, as `start`, that finds the tables opened."""
        server = warm_up(self._environment)
        if server is None:
            return None
        with self._one_at_a_time:
            if not self._is_asked:
                self._is_asked, self.opener = True, server.open_tables(self._asked)
        child = _fork_notebook(self.opener.control, log) if self.opener else None
        return child or server.fork(log)

    def __enter__(self) -> Tables:
        return self

    def __exit__(self, *_: object) -> None:
        if self.opener:
            self.opener.close()


def _fork_notebook(control: socket.socket, log: IO[bytes]) -> Forked | None:
    theirs, ours = os.pipe()
    forked = _fork(control, NOTEBOOK, theirs, log)
    os.close(theirs)
    stdin = os.fdopen(ours, "wb")
    if forked is None:
        stdin.close()
        return None
    pid, report = forked
    return Forked(pid, stdin, report)


def _fork(
    control: socket.socket, message: bytes, stdin: int, log: IO[bytes]
) -> tuple[int, IO[bytes]] | None:
    """Ask for a fork: its process id, and where its exit code follows; None if the server ended."""
    report, written = os.pipe()
    answers = os.fdopen(report, "rb", buffering=0)
    try:
        socket.send_fds(control, [message], [stdin, log.fileno(), written])
    except OSError:
        answers.close()
        return None
    finally:
        os.close(written)
    if pid := answers.readline():
        return int(pid), answers
    answers.close()
    return None


servers: list[_Server] = []  # the one that runs, if any
_one_at_a_time = threading.Lock()


def start(log: IO[bytes], environment: Mapping[str, str]) -> Forked | None:
    """Fork a child that executes `notebook_process`; None if it must be started as usual.

    environment : of the server; that of the child is in its request
    """
    server = warm_up(environment)
    return server.fork(log) if server else None


def warm_up(environment: Mapping[str, str]) -> _Server | None:
    """Let the server import, if there is none yet; None where notebooks are started as usual."""
    if not IS_SAFE:
        return None
    with _one_at_a_time:
        if servers and servers[0].key != _key(environment):
            close()
        if not servers:
            servers.append(_Server(environment))
        return servers[0]


@atexit.register
def close() -> None:
    """End the server, if there is one."""
    while servers:
        servers.pop().close()


def _key(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What a running server cannot take over: its interpreter and how that was started."""
    python = sorted(f"{k}={v}" for k, v in environment.items() if k.startswith("PYTHON"))
    return (sys.executable, *python)
