"""Start notebooks quickly: one process of a run has the imports done and forks a child for each.

It runs as `python -m cvm_analysis.run.fork_server`, imports, and reads the program's texts. Forks
of it open the tables of one region each, and fork the region's notebooks. None of them computes
anything, so every notebook starts from the same state, alone or after others. Each message on
standard input brings a child's standard input, its log, and a pipe where the child writes its
process id and the server its exit code. When the run ends, however it does, all these pipes close
and all processes end.
Only for Linux: elsewhere libraries may have started threads that a fork would break.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import random
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

import cvm_analysis

LIBRARIES = (  # what notebooks import, some of it late
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "matplotlib_inline.config"),
    *("IPython.core.oinspect", "sqlite3"),
    *("duckdb", "ibis.backends.duckdb", "ibis.backends.duckdb.converter", "ibis.formats.pandas"),
    *("pyarrow.dataset", "pyarrow.pandas_compat", "pyarrow.parquet"),
    *("babel.dates", "jinja2", "narwhals._pandas_like.dataframe", "seaborn"),
    *("lifelines", "sklearn.ensemble", "sklearn.inspection", "sklearn.model_selection"),
    *("sklearn.mixture", "sklearn.cluster", "xlsxwriter", "formulaic", "autograd"),
)
NOTEBOOK = b"notebook"  # a message; any other one names tables to open
MESSAGE = 65_536  # bytes of the longest one
IS_SAFE = sys.platform == "linux"
ALLOCATORS = {  # of pyarrow: no thread, and 64 MB at a time, as what is reserved counts as used
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "MIMALLOC_ARENA_RESERVE": "65536",
}
NOT_IN_NOTEBOOKS = {
    "cli",
    "crm",
    "customer_file",
    "draft",
    "intake",
    "project",
    "run",
    "sample",
    "sources",
    "validate",
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
        """End it. No notebook runs any more."""
        self.control.close()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.report.readline()  # its exit code, once it has ended
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


def main() -> None:
    """Import, then serve the run."""
    _import()
    _serve()


def _serve() -> None:
    """Fork a child for each message until the run and all children have ended."""
    if len([*Path("/proc/self/task").iterdir()]) > 1:
        sys.exit(1)  # a fork would not have the other threads: notebooks are started as usual
    gc.collect()
    gc.freeze()
    control = socket.socket(fileno=os.dup(0))
    children: dict[int, tuple[int, int]] = {}  # pidfd -> pid, report
    events = selectors.DefaultSelector()
    events.register(control, selectors.EVENT_READ)
    while events.get_map():
        for key, _ in events.select():
            if key.fileobj is not control:
                _report(*children.pop(key.fd))
                events.unregister(key.fd)
                os.close(key.fd)
                continue
            message, pipes, _, _ = socket.recv_fds(control, MESSAGE, 3)
            if not message:
                events.unregister(control)
                continue
            pid = os.fork()
            if not pid:
                _begin(message, *pipes)
            os.close(pipes[0])
            os.close(pipes[1])
            watched = os.pidfd_open(pid)
            children[watched] = pid, pipes[2]
            events.register(watched, selectors.EVENT_READ)


def _import() -> None:
    import pandas as pd

    from cvm_analysis import texts
    from cvm_analysis.run import notebook_process

    pd.set_option("display.max_columns", 20)  # as pandas sets it when a kernel imports it

    notebook_process.import_client()
    for name in LIBRARIES:
        importlib.import_module(name)
    importlib.import_module("duckdb").close()  # a connection of its own, with threads
    for room in pkgutil.iter_modules(cvm_analysis.__path__, "cvm_analysis."):
        if room.name.partition(".")[2] not in NOT_IN_NOTEBOOKS:
            module = importlib.import_module(room.name)
            for each in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{room.name}."):
                importlib.import_module(each.name)
    for language in texts.languages():
        texts.words(language)  # which keeps what it read


def _report(pid: int, report: int) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with suppress(BrokenPipeError):
        os.write(report, b"%d\n" % code)
    os.close(report)


def _begin(message: bytes, stdin: int, log: int, report: int) -> None:
    """Become the child: what `subprocess.Popen` does for a new process, then its work."""
    try:
        os.setsid()
        os.write(report, b"%d\n" % os.getpid())
        for given, standard in ((stdin, 0), (log, 1), (log, 2)):
            os.dup2(given, standard)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        if message == NOTEBOOK:
            _execute()
        else:
            _open_tables(**json.loads(message))
            _serve()
        os._exit(0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(1)


def _open_tables(region: str, **asked: str) -> None:
    from cvm_analysis import prepared, results

    prepared.open_before_fork(results.open(region=region, **asked).settings, region)


def _execute() -> None:
    """Execute the notebook of the request on standard input."""
    from cvm_analysis.run import notebook_process

    request = json.loads(sys.stdin.readline())
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(Path(request["work"]) / "cwd")
    _reseed()
    notebook_process.run(request, _Kernel(Path(request["work"])))


def _reseed() -> None:
    """Seed what every child would otherwise have alike; a notebook's own seeds follow later."""
    import numpy as np

    random.seed()
    np.random.seed()  # noqa: NPY002


class _Kernel:
    """The kernel of a child, used as a `subprocess.Popen`: forked first, before there are threads.

    It waits until `start`; if the child ends before, so does it.
    """

    stdin = stdout = stderr = None

    def __init__(self, work: Path) -> None:
        waits, self._go = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if not self.pid:
            os.close(self._go)
            _be_kernel(work / "kernel.pid", waits)
        os.close(waits)

    def start(self, arguments: Sequence[str]) -> None:
        """Let it begin, with the arguments of a kernel's command line."""
        os.write(self._go, json.dumps(arguments).encode())
        os.close(self._go)

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self) -> int:
        """Wait for its end."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to it and the processes it started."""
        if self.poll() is None:
            os.killpg(self.pid, number)


def _be_kernel(pid_file: Path, waits: int) -> None:
    from cvm_analysis.run import kernel

    try:
        os.setsid()
        pid_file.write_text(str(os.getpid()))
        with os.fdopen(waits) as pipe:
            arguments = pipe.read()
        if arguments:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.environ["JPY_PARENT_PID"] = str(os.getppid())
            kernel.main(json.loads(arguments))
        os._exit(0)
    except SystemExit as ended:
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
