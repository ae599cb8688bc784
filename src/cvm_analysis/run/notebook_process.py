"""The child process that executes one notebook; `notebook.execute` starts it and waits for it.

It runs as `python -m cvm_analysis.run.notebook_process`, or forked by `fork_server`. The first line
of standard input is the request: notebook, parameters, output, limit_seconds, work. The process
always writes the executed notebook and `<work>/outcome.json`: null, or kind, error, message and
cell of the failure. It ends, with its kernel, when standard input closes.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from cvm_analysis.atomic_folder import write
from cvm_analysis.report.page import import_nbformat
from cvm_analysis.run.notebook import end_kernel
from cvm_analysis.run.plan import PRIVATE


class Kernel(Protocol):
    """A kernel that waits to be started, otherwise used as a `subprocess.Popen`."""

    pid: int

    def start(self, arguments: Sequence[str]) -> None:
        """Let it begin, with the arguments of a kernel's command line."""


def run(request: dict[str, Any], kernel: Kernel | None = None) -> None:
    """Execute the notebook and write the outcome; without a kernel, start one."""
    work = Path(request["work"])
    threading.Thread(target=_end_with_parent, args=(work,), daemon=True).start()
    write(work / "outcome.json", json.dumps(_execute(request, work, kernel)))


def import_client() -> None:
    """Import what executes notebooks and checks their form."""
    import_nbformat().validator.get_validator()  # makes the one that notebooks are checked with
    # Without pyarrow, papermill imports faster and loses nothing that notebooks need.
    pyarrow = sys.modules.pop("pyarrow", None)
    sys.modules["pyarrow"] = None  # type: ignore[assignment]
    import papermill.execute  # noqa: F401

    del sys.modules["pyarrow"]
    if pyarrow is not None:
        sys.modules["pyarrow"] = pyarrow


def _end_with_parent(work: Path) -> None:
    sys.stdin.read()
    end_kernel(work)
    shutil.rmtree(work, ignore_errors=True)
    os._exit(1)


def _execute(request: dict[str, Any], work: Path, kernel: Kernel | None) -> dict[str, Any] | None:
    deadline = time.monotonic() + request["limit_seconds"]
    import_client()
    import nbformat
    from papermill import engines
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    from cvm_analysis.run.bounded_client import bounded_client

    engines.PapermillNotebookClient = bounded_client(work)
    names = {"kernel_name": "python3", "language": "python"}
    nb = load_notebook_node(request["notebook"])
    nb = parameterize_notebook(nb, request["parameters"], **names)
    started: list[int] = []  # indexes of the cells that have begun
    error: Exception | None = None
    try:
        engines.papermill_engines.execute_notebook_with_engine(
            None,
            nb,
            kernel_name="python3",
            output_path=None,
            progress_bar=False,
            start_timeout=60,
            iopub_timeout=60,
            timeout_func=lambda cell: max(0.1, deadline - time.monotonic()),
            on_cell_start=lambda cell, cell_index: started.append(cell_index),
            kernel_manager_class=_kernel_manager(work, kernel),
            shutdown_kernel="immediate",  # its results are on disk
        )
    except Exception as caught:
        error = caught
    finally:
        end_kernel(work)
    write(Path(request["output"]), nbformat.writes(nb), PRIVATE)
    return _failure(nb, error, started[-1] if started else None)


def _kernel_manager(work: Path, kernel: Kernel | None) -> type:
    """Make a kernel manager whose sockets and process id are files in `work`."""
    from jupyter_client.manager import AsyncKernelManager
    from traitlets import default

    from cvm_analysis.run.kernel_client import Client

    class Manager(AsyncKernelManager):
        """Starts a kernel without network ports."""

        client_factory = Client

        @default("transport")
        def _ipc(self) -> str:
            return "ipc"

        @default("connection_file")
        def _beside(self) -> str:
            return str(work / "kernel.json")

        async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
            provisioner: Any = self.provisioner
            if kernel is None:
                await super()._async_launch_kernel(kernel_cmd, **kw)
                (work / "kernel.pid").write_text(str(provisioner.pid))
                return
            kernel.start(kernel_cmd[kernel_cmd.index("-f") :])
            provisioner.process = kernel
            provisioner.pid = provisioner.pgid = kernel.pid

    return Manager


def _failure(nb: Any, error: Exception | None, index: int | None) -> dict[str, Any] | None:
    """Describe a failure: the client's exception, or an output with an error."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    cell = None if index is None else _number(nb, index)
    for at, each in enumerate(nb.cells):
        for output in each.get("outputs", ()):
            if output.output_type == "error":
                return _describe("cell_error", output.ename, output.evalue, _number(nb, at))
    if isinstance(error, CellTimeoutError):
        return _describe("timeout", "", "still running at the time limit", cell)
    if isinstance(error, DeadKernelError):
        return _describe("dead_kernel", "", "the kernel ended: killed, or out of memory", cell)
    if error is None:
        return None
    kind = "start_failed" if cell is None else "cell_error"
    return _describe(kind, type(error).__name__, str(error), cell)


def _describe(kind: str, error: str, message: str, cell: int | None) -> dict[str, Any]:
    return {"kind": kind, "error": error, "message": message, "cell": cell}


def _number(nb: Any, index: int) -> int:
    """The n of In [n] of the cell at this index."""
    return sum(c.cell_type == "code" and bool(c.source.strip()) for c in nb.cells[: index + 1])


if __name__ == "__main__":
    run(json.loads(sys.stdin.readline()))
