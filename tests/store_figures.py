"""Run the notebooks with their defaults and store the key figures that nbval checks.

Only cells marked NBVAL_CHECK_OUTPUT keep their output. `make figures` runs this after a change
that is meant to move a figure; the difference belongs into the commit.
"""

import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def store(path: Path) -> None:
    """Execute a notebook where it lies and keep the outputs of its marked cells."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": NOTEBOOKS}}
    ).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            if "NBVAL_CHECK_OUTPUT" not in cell.source:
                cell.outputs, cell.execution_count = [], None
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    nbformat.write(notebook, path)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as drafts:
        os.environ["CVM_DRAFTS"] = drafts  # as in the tests: nothing of an earlier run
        for found in sorted(NOTEBOOKS.glob("*.ipynb")):
            store(found)
