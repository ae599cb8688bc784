"""The kernel of a run: `python -m cvm_analysis.run.kernel -f <connection file>`.

A notebook makes hundreds of thousands of small objects, few of them garbage; looking at all of them
as often as Python does by itself takes a tenth of its time.
"""

import gc

from ipykernel.kernelapp import launch_new_instance

if __name__ == "__main__":
    gc.set_threshold(100_000, 20, 50)
    launch_new_instance()
