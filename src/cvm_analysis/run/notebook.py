"""Execute one notebook in a child process (`notebook_process`), and verify that it finished.

papermill reports success even for a misspelt parameter or `sys.exit(0)`. So a notebook succeeds
only if there is no error, and its last cell signs off with the parameters it was given.
"""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cvm_analysis import errors, notebooks, processes
from cvm_analysis.errors import InputError
from cvm_analysis.run import children, forks, work_folders
from cvm_analysis.run.children import Child
from cvm_analysis.run.forks import Tables
from cvm_analysis.run.kernel import MEMORY
from cvm_analysis.run.plan import Failure, Limits

HASH_SEED = 0
ATTEMPTS = 2
MESSAGE = 2_000  # characters of an error that are kept
GRACE_SECONDS = 15.0  # beyond the time limit, for the child to stop the notebook itself
CVM_ERRORS = {name for name in vars(errors) if name.endswith("Error")}


@dataclass(frozen=True)
class Finished:
    """The result of one execution; `notes` say which parts are omitted or replaced."""

    notebook: str  # its stem
    seconds: float
    attempts: int
    failure: Failure | None = None
    notes: tuple[dict[str, Any], ...] = ()


def warm_up() -> None:
    """Import what notebooks import, in a process beside this one, while there is other work."""
    forks.warm_up(_every_environment())


def tables(parameters: Mapping[str, str]) -> Tables:
    """A region's tables, for all notebooks that are executed with these parameters."""
    asked = {name: parameters[name] for name in ("config", "region", "as_of", "run_dir")}
    return Tables(asked, _every_environment())


def check(notebook: Path, parameters: Mapping[str, str]) -> None:
    """Raise InputError unless the notebook takes exactly these parameters, all text."""
    wrong = [
        f"{notebook.name}: '{name}' cannot be a parameter; use a-z, 0-9 and _"
        for name in parameters
        if not re.fullmatch("[a-z_][a-z0-9_]*", name)
    ]
    wrong += [
        f"{notebook.name}: parameter '{name}' is {_kind(value)}; give it as text"
        for name, value in parameters.items()
        if _kind(value)
    ]
    taken = _parameters_of(notebook)
    takes = f"it takes {', '.join(taken) or 'none'}"
    wrong += [
        f"{notebook.name} has no parameter '{name}'; {takes}"
        for name in (*parameters, "run_dir")
        if name not in taken
    ]
    wrong += [
        f"{notebook.name}: parameter '{name}' was not given; {takes}"
        for name in taken
        if name not in parameters
    ]
    if wrong:
        raise InputError("\n".join(dict.fromkeys(wrong)))


def execute(
    notebook: Path,
    parameters: dict[str, str],
    output: Path,
    limits: Limits,
    stop: threading.Event | None = None,
    tables: Tables | None = None,
) -> Finished:
    """Run a notebook with these parameters and write the executed copy to `output`.

    Failures of the notebook are part of the result; wrong parameters raise InputError before it
    starts. If the kernel does not start or dies, there is a second attempt within the limit; errors
    of the notebook get none. If `stop` is set, all processes are ended and Stopped is raised.

    tables : of its region; None: it opens them itself
    """
    check(notebook, parameters)
    stop = stop or threading.Event()
    signature = notebooks.signature(notebook.stem, parameters["language"])
    sentinel = Path(parameters["run_dir"]) / "done" / signature
    started, attempts, failure = time.monotonic(), 0, None
    while attempts == 0 or (attempts < ATTEMPTS and failure and failure.is_infrastructure):
        sentinel.unlink(missing_ok=True)
        left = limits._replace(seconds=limits.seconds - (time.monotonic() - started))
        failure = _attempt(notebook, parameters, output, left, stop, tables)
        attempts += 1
    signed, failure = _read_sentinel(sentinel, parameters) if failure is None else ({}, failure)
    return Finished(
        notebook=notebook.stem,
        seconds=time.monotonic() - started,
        attempts=attempts,
        failure=replace(failure, notebook=notebook.stem) if failure else None,
        notes=tuple(signed.get("notes", ())),
    )


def _kind(value: object) -> str:
    """Describe a value that is not valid text; empty for text."""
    if not isinstance(value, str):
        return type(value).__name__
    try:
        value.encode()
    except UnicodeEncodeError:
        return "text with broken characters"
    return ""


def _parameters_of(notebook: Path) -> list[str]:
    """Names assigned in the cell tagged `parameters`."""
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", ())]
    except OSError as error:
        raise InputError(f"{notebook}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{notebook}: not a notebook") from None
    if len(tagged) != 1:
        raise InputError(
            f"{notebook.name} has {len(tagged) or 'no'} cells tagged 'parameters'; tag one"
        )
    try:
        body = ast.parse("".join(tagged[0]["source"])).body
    except SyntaxError as error:
        raise InputError(
            f"{notebook.name}: line {error.lineno} of its parameters cell is not Python"
        ) from None
    assigned = [t for line in body if isinstance(line, ast.Assign) for t in line.targets]
    assigned += [line.target for line in body if isinstance(line, ast.AnnAssign)]
    return [target.id for target in assigned if isinstance(target, ast.Name)]


def _attempt(
    notebook: Path,
    parameters: dict[str, str],
    output: Path,
    limits: Limits,
    stop: threading.Event,
    tables: Tables | None,
) -> Failure | None:
    request = {
        "notebook": str(notebook.resolve()),
        "parameters": parameters,
        "output": str(output.resolve()),
        "limit_seconds": limits.seconds,
    }
    with _work_folder() as work, (work / "log").open("wb") as log:
        environment = _environment(work, limits)
        forked = tables.start(log) if tables else forks.start(log, environment)
        child = forked or subprocess.Popen(
            [sys.executable, "-m", "cvm_analysis.run.notebook_process"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=work / "cwd",
            env=environment,
            start_new_session=True,
        )
        try:
            _ask(child, request | {"work": str(work), "environment": environment})
            in_time = children.wait(child, limits.seconds + GRACE_SECONDS, stop)
        finally:
            children.end(child)
            _hang_up(child)
        if not in_time:
            return Failure("timeout", f"not done after {limits.seconds:,.0f} seconds")
        return _outcome(work, child.wait())


@contextmanager
def _work_folder() -> Iterator[Path]:
    """Give a temporary folder with an empty `cwd`, and this interpreter as kernel `python3`."""
    with work_folders.work_folder("nb") as work:
        (work / "cwd").mkdir()
        spec = work / "kernels" / "python3" / "kernel.json"
        spec.parent.mkdir(parents=True)
        argv = [sys.executable, "-m", "cvm_analysis.run.kernel", "-f", "{connection_file}"]
        content = {"argv": argv, "display_name": "Python 3", "language": "python"}
        spec.write_text(json.dumps(content), "utf-8")
        try:
            yield work
        finally:
            end_kernel(work)


def _environment(work: Path, limits: Limits) -> dict[str, str]:
    """Environment of the child: no user settings, what Jupyter writes in its work folder."""
    return _every_environment() | {
        "JUPYTER_PATH": str(work),
        "JUPYTER_RUNTIME_DIR": str(work),
        "IPYTHONDIR": str(work / "ipython"),
        MEMORY: str(limits.memory_bytes),
        processes.MOST: str(limits.processes),
    }


def _every_environment() -> dict[str, str]:
    """What all children have: one thread, one seed, no pseudonym key."""
    threads = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
    return children.inherited() | {
        **{f"{name}_NUM_THREADS": "1" for name in threads},
        "VECLIB_MAXIMUM_THREADS": "1",
        "PYTHONHASHSEED": str(HASH_SEED),
        "PYTHONUTF8": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def _ask(child: Child, request: dict[str, Any]) -> None:
    """Send the request; the pipe stays open, as the child ends when it closes."""
    assert child.stdin is not None
    with suppress(BrokenPipeError):
        child.stdin.write(json.dumps(request).encode() + b"\n")
        child.stdin.flush()


def _hang_up(child: Child) -> None:
    assert child.stdin is not None
    with suppress(BrokenPipeError):
        child.stdin.close()


def end_kernel(work: Path) -> None:
    """End the kernel whose process id is in `work`, and all processes it started."""
    kernel = work / "kernel.pid"
    if kernel.is_file():
        with suppress(ProcessLookupError, PermissionError, ValueError):
            os.killpg(int(kernel.read_text()), signal.SIGKILL)
        kernel.unlink(missing_ok=True)
    work_folders.end_processes(work)


def _outcome(work: Path, returncode: int) -> Failure | None:
    path = work / "outcome.json"
    if not path.is_file():
        lines = (work / "log").read_text("utf-8", "replace").strip().splitlines() or [""]
        return Failure("start_failed", f"its process exited with {returncode}: {lines[-1][:300]}")
    outcome = json.loads(path.read_text("utf-8"))
    if outcome is None:
        return None
    message = outcome["message"][:MESSAGE]
    if outcome["error"] not in CVM_ERRORS:
        message = " ".join(f"{outcome['error']}: {message}".split()).strip(": ")[:300]
    return Failure(outcome["kind"], message, outcome["cell"])


def _read_sentinel(sentinel: Path, given: dict[str, str]) -> tuple[dict[str, Any], Failure | None]:
    """Read the file of the last cell, and compare its parameters with those given."""
    try:
        signed = json.loads(sentinel.read_text("utf-8"))
        echoed = dict(signed["parameters"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}, Failure("no_sentinel", "ended without run.sign_off; call it in the last cell")
    wrong = [
        f"{name} was {echoed.get(name)!r}, not {value!r}"
        for name, value in given.items()
        if echoed.get(name) != value
    ]
    if wrong:
        return {}, Failure("wrong_parameters", f"ran with other parameters: {'; '.join(wrong)}")
    return signed, None
