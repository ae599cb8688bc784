"""The process that executes one notebook: `python -m cvm_analysis.run.execute_notebook`.

The first line of standard input is the request: notebook, parameters, output, limit_seconds, work.
It writes the executed notebook once, whatever happened, and `<work>/outcome.json`: null, or kind,
error, message and cell of the failure. It ends itself and its kernel when standard input closes.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

from cvm_analysis.atomic_folder import write
from cvm_analysis.run.notebook import end_kernel
from cvm_analysis.run.plan import PRIVATE


def main() -> None:
    """Read the request, execute, write what came of it."""
    request = json.loads(sys.stdin.readline())
    work = Path(request["work"])
    threading.Thread(target=_end_with_parent, args=(work,), daemon=True).start()
    write(work / "outcome.json", json.dumps(_execute(request, work)))


def _end_with_parent(work: Path) -> None:
    sys.stdin.read()
    end_kernel(work)
    shutil.rmtree(work, ignore_errors=True)
    os._exit(1)


def _execute(request: dict[str, Any], work: Path) -> dict[str, Any] | None:
    deadline = time.monotonic() + request["limit_seconds"]
    # jsonschema would build a grammar for a format no notebook has; papermill would read from HDFS.
    for unused in ("rfc3987_syntax", "pyarrow"):
        sys.modules[unused] = None  # type: ignore[assignment]
    import nbformat
    from papermill.engines import papermill_engines
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    names = {"kernel_name": "python3", "language": "python"}
    nb = load_notebook_node(request["notebook"])
    nb = parameterize_notebook(nb, request["parameters"], **names)
    started: list[int] = []  # the cells begun, by index
    error: Exception | None = None
    try:
        papermill_engines.execute_notebook_with_engine(
            None,
            nb,
            kernel_name="python3",
            output_path=None,
            progress_bar=False,
            start_timeout=60,
            iopub_timeout=60,
            timeout_func=lambda cell: max(0.1, deadline - time.monotonic()),
            on_cell_start=lambda cell, cell_index: started.append(cell_index),
            kernel_manager_class=_kernel_manager(work),
            shutdown_kernel="immediate",  # what counts is on disk by now
        )
    except Exception as caught:
        error = caught
    finally:
        end_kernel(work)
    write(Path(request["output"]), nbformat.writes(nb), PRIVATE)
    return _failure(nb, error, started[-1] if started else None)


def _kernel_manager(work: Path) -> type:
    """Make the manager that talks over sockets in `work` and leaves the kernel's id there."""
    from jupyter_client.manager import AsyncKernelManager
    from traitlets import default

    class Manager(AsyncKernelManager):
        """A kernel without network ports, whose process id is known from its start."""

        @default("transport")
        def _ipc(self) -> str:
            return "ipc"

        @default("connection_file")
        def _beside(self) -> str:
            return str(work / "kernel.json")

        async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
            await super()._async_launch_kernel(kernel_cmd, **kw)
            provisioner: Any = self.provisioner
            (work / "kernel.pid").write_text(str(provisioner.pid))

    return Manager


def _failure(nb: Any, error: Exception | None, index: int | None) -> dict[str, Any] | None:
    """Describe what went wrong: what the client raised, or an output that is an error."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    cell = None if index is None else _number(nb, index)
    if isinstance(error, CellTimeoutError):
        return _described("timeout", "", "still running at the time limit", cell)
    if isinstance(error, DeadKernelError):
        return _described("dead_kernel", "", "the kernel ended: killed, or out of memory", cell)
    for at, each in enumerate(nb.cells):
        for output in each.get("outputs", ()):
            if output.output_type == "error":
                return _described("cell_error", output.ename, output.evalue, _number(nb, at))
    if error is None:
        return None
    kind = "start_failed" if cell is None else "cell_error"
    return _described(kind, type(error).__name__, str(error), cell)


def _described(kind: str, error: str, message: str, cell: int | None) -> dict[str, Any]:
    return {"kind": kind, "error": error, "message": message, "cell": cell}


def _number(nb: Any, index: int) -> int:
    """Give the n of In [n] for the cell at this index."""
    return sum(c.cell_type == "code" and bool(c.source.strip()) for c in nb.cells[: index + 1])


if __name__ == "__main__":
    main()
