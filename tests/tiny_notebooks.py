"""Notebooks of a few lines for the tests of the run room, and whether a process still lives."""

import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
from nbformat import v4

PARAMETERS = 'config = ""\nregion = "default"\nas_of = ""\nrun_dir = ""\nlanguage = "en"'
SIGN = """
import json, pathlib
seen = {n: globals()[n] for n in ("config", "region", "as_of", "run_dir", "language")}
from cvm_analysis.notebooks import signature
done = pathlib.Path(run_dir) / "done" / signature("NAME", language)
done.parent.mkdir(exist_ok=True)
done.write_text(json.dumps({"notebook": "NAME", "parameters": seen, "notes": []}))
"""


def write_notebook(
    folder: Path, name: str, *cells: str, parameters=PARAMETERS, sign=True, tag="parameters"
) -> Path:
    tagged = v4.new_code_cell(parameters, metadata={"tags": [tag]}, id="p")
    body = [v4.new_code_cell(cell, id=f"c{i}") for i, cell in enumerate(cells)]
    last = [v4.new_code_cell(SIGN.replace("NAME", name), id="s")] if sign else []
    nb = v4.new_notebook(cells=[v4.new_markdown_cell("# Why?", id="t"), tagged, *body, *last])
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


def parameters(run_dir: Path, **other) -> dict[str, str]:
    run_dir.mkdir(exist_ok=True)
    asked = {"config": "x.yaml", "region": "east", "as_of": "2026-01-01"}
    return {**asked, "run_dir": str(run_dir), "language": "en"} | other


def execute_elsewhere(source: Path, run_dir: Path, output: Path, **other) -> subprocess.Popen:
    """Start a process that executes a notebook of a region whose tables it opened."""
    code = f"""
from pathlib import Path
from cvm_analysis.run import notebook, plan
given, to = {parameters(run_dir, **other)!r}, Path({str(output)!r})
with notebook.tables(given) as tables:
    notebook.execute(Path({str(source)!r}), given, to, plan.Limits(60), tables=tables)
"""
    return subprocess.Popen([sys.executable, "-c", code])


def wait_for(path: Path, seconds: float = 60) -> str:
    """The content of a file that another process will write."""
    deadline = time.monotonic() + seconds
    while not (path.is_file() and path.read_text()):
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.05)
    return path.read_text()


def is_gone(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False
