"""The kernel of a run: `python -m cvm_analysis.run.kernel -f <connection file>`.

A notebook makes hundreds of thousands of small objects, few of them garbage; looking at all of them
as often as Python does by itself takes a tenth of its time.
"""

import gc
import os

MEMORY = "CVM_MEMORY_BYTES"  # that the kernel may use; 0: no limit

if __name__ == "__main__":
    import resource

    from ipykernel.kernelapp import launch_new_instance

    gc.set_threshold(100_000, 20, 50)
    if limit := int(os.environ.get(MEMORY, "0")):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))  # also of what it starts
    launch_new_instance()
