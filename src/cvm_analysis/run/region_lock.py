"""A region's reports are changed by one process at a time: by a run, or by who removes old ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cvm_analysis import atomic_folder
from cvm_analysis.run import published

RUNNING = ".running"  # in --out: a lock for each region
POLL_SECONDS = 0.2


@contextmanager
def hold(out: Path, region: str, wait: Callable[[], None]) -> Iterator[None]:
    """Hold a region, and remove what killed processes left of it.

    wait : called again and again while another process holds it; may raise to give up
    """
    folder = out / RUNNING
    folder.mkdir(exist_ok=True)
    lock = atomic_folder.file_lock(folder / f"{region}.lock")
    while not lock.is_locked:
        try:
            lock.acquire(timeout=POLL_SECONDS)
        except TimeoutError:
            wait()
    try:
        atomic_folder.clean(out / region, published.DATE)
        yield
    finally:
        lock.release()
