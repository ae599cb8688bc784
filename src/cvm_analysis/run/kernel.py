"""The kernel of a run: `python -m cvm_analysis.run.kernel -f <connection file>`, or a fork.

A notebook makes hundreds of thousands of small objects, few of them garbage; looking at all of them
as often as Python does by itself takes a tenth of its time.
"""

from __future__ import annotations

import gc

from ipykernel.kernelapp import launch_new_instance


def main(arguments: list[str] | None = None) -> None:
    """Be the kernel; without arguments, take those of the command line."""
    gc.set_threshold(100_000, 20, 50)
    launch_new_instance(arguments)


if __name__ == "__main__":
    main()
