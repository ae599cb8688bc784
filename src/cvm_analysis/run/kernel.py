"""The kernel of a run: `python -m cvm_analysis.run.kernel -f <connection file>`.

A notebook makes hundreds of thousands of small objects, few of them garbage; looking at all of them
as often as Python does by itself takes a tenth of its time.
"""

import gc
import os
import resource

from cvm_analysis.run.work_folders import VARIABLE

MEMORY = "CVM_MEMORY_BYTES"  # that the kernel may use; 0: no limit


def prepare() -> None:
    """Limit the memory of this process, and mark what it will start as started in its folder."""
    os.environ[VARIABLE] = os.environ["JUPYTER_RUNTIME_DIR"]
    if limit := int(os.environ.get(MEMORY, "0")):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    gc.set_threshold(100_000, 20, 50)


if __name__ == "__main__":
    from ipykernel.kernelapp import launch_new_instance

    prepare()
    launch_new_instance()
