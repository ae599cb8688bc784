"""The kernel of a run: `python -m cvm_analysis.run.kernel -f <connection file>`, or a fork.

A notebook makes hundreds of thousands of small objects, few of them garbage; looking at all of them
as often as Python does by itself takes a tenth of its time. Nobody debugs a notebook of a run,
so the debugger is not loaded.
"""

from __future__ import annotations

import gc
import os
import resource
import sys

from cvm_analysis.run.work_folders import VARIABLE

MEMORY = "CVM_MEMORY_BYTES"  # that the kernel may use; 0: no limit


def prepare() -> None:
    """Limit the memory of this process, and mark what it will start as started in its folder."""
    os.environ[VARIABLE] = os.environ["JUPYTER_RUNTIME_DIR"]
    if limit := int(os.environ.get(MEMORY, "0")):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    gc.set_threshold(100_000, 20, 50)
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # for ipykernel: not installed


def main(arguments: list[str] | None = None) -> None:
    """Be the kernel; without arguments, take those of the command line."""
    from ipykernel.kernelapp import launch_new_instance

    prepare()
    launch_new_instance(arguments)


if __name__ == "__main__":
    main()
