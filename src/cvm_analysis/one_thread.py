"""One thread in numeric libraries, so that no digit changes with the number of processors."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which linear algebra and scikit-learn compute in one thread."""
    return _libraries().limit(limits=1)


@cache
def _libraries() -> ThreadpoolController:
    """Find the libraries with threads, once in a process: it takes as long as a small fit."""
    import sklearn.cluster
    import sklearn.ensemble  # noqa: F401  # so that their libraries are among those found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
