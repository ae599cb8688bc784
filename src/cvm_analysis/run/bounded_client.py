"""The client of a notebook that keeps a limited amount of output: who prints on and on is ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbformat import v4
from papermill.clientwrap import PapermillNotebookClient

from cvm_analysis.run.notebook import end_kernel

MOST = 20_000_000  # characters of all outputs of a notebook
OUTPUTS = ("stream", "display_data", "execute_result", "update_display_data", "error")


def bounded_client(work: Path) -> type[PapermillNotebookClient]:
    """Make the class of a client whose kernel, with its process id in `work`, is ended."""

    class Client(PapermillNotebookClient):
        n_kept = 0

        def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
            if msg["msg_type"] in OUTPUTS:
                was_over = self.n_kept > MOST
                self.n_kept += _count(msg["content"])
                if self.n_kept > MOST:
                    if not was_over:
                        cell.outputs.append(_too_much())
                        end_kernel(work)
                    return None
            return super().process_message(msg, cell, cell_index)

    return Client


def _count(content: dict[str, Any]) -> int:
    """Characters of an output: a text, or one thing in several forms."""
    shown = content.get("data", {}).values()
    return len(content.get("text", "")) + sum(len(str(each)) for each in shown)


def _too_much() -> Any:
    text = f"more than {MOST:,} characters of output; print less"
    return v4.new_output("error", ename="InputError", evalue=text, traceback=[text])
