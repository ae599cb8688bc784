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

import gc
import importlib
import json
import os
import pkgutil
import random
import selectors
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import cvm_analysis
from cvm_analysis.run.forks import NOTEBOOK

LIBRARIES = (  # what notebooks import, some of it late
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "matplotlib_inline.config"),
    *("IPython.core.oinspect", "sqlite3"),
    *("duckdb", "ibis.backends.duckdb", "ibis.backends.duckdb.converter", "ibis.formats.pandas"),
    *("pyarrow.dataset", "pyarrow.pandas_compat", "pyarrow.parquet"),
    *("babel.dates", "jinja2", "narwhals._pandas_like.dataframe", "seaborn"),
    *("lifelines", "sklearn.ensemble", "sklearn.inspection", "sklearn.model_selection"),
    *("sklearn.mixture", "sklearn.cluster", "xlsxwriter", "formulaic", "autograd"),
)
LONGEST = 65_536  # bytes of a message
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
            message, pipes, _, _ = socket.recv_fds(control, LONGEST, 3)
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
    from cvm_analysis.report import blocks
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
    for name in ("blocks.html", "blocks.css"):  # of every table and note
        blocks.templates().get_template(name)  # which keeps what it compiled


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
