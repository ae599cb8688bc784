"""Run the notebooks with their defaults and store the figures of each cell, which nbval checks.

What is stored is the figures in what a cell shows: no words, pictures or pages. `make figures` runs
this after a change that is meant to move a figure; the difference belongs into the commit.
"""

import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def store(path: Path) -> None:
    """Execute a notebook where it lies and keep the figures in its outputs."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": NOTEBOOKS}}
    ).execute()
    for cell in (each for each in notebook.cells if each.cell_type == "code"):
        cell.metadata.pop("execution", None)
        cell.outputs = [each for each in cell.outputs if each.output_type == "execute_result"]
        cell.execution_count = cell.execution_count if cell.outputs else None
        for output in cell.outputs:
            output.metadata = {}
            output.data = {"text/plain": output.data["text/plain"]}
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    nbformat.write(notebook, path)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as drafts:
        os.environ["CVM_DRAFTS"] = drafts  # as in the tests: nothing of an earlier run
        for found in sorted(NOTEBOOKS.glob("*.ipynb")):
            store(found)
