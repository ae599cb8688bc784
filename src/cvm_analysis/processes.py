"""Independent computations side by side, each in a fork of this process: fits to several days.

A fork has all that its parent knows, so only results are sent. One that is killed, as by a lack of
memory, is an error and no endless wait. Where the system cannot fork safely, and in a fork itself,
one follows the other. The results are the same.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = "CVM_PROCESSES"  # of a notebook; not set: one for each processor
_todo: list[tuple[Callable[[Any], Any], Sequence[Any]]] = []  # what a fork does, set before it


def run_each(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Call a function of each item, in processes of their own, and return the results in order.

    Nothing that the function changes but its result is seen here. An error of the first item that
    has one is raised.

    Raises
    ------
    MemoryError : the system ended a process
    """
    n = min(_most(), len(items))
    if n < 2:
        return [function(each) for each in items]
    forks = multiprocessing.get_context("fork")
    try:
        with ProcessPoolExecutor(n, forks, _begin, (function, items)) as pool:
            return list(pool.map(_call, range(len(items))))
    except BrokenProcessPool:
        raise MemoryError(
            f"one of {n} processes was ended, as for a lack of memory: free some, or run fewer at "
            "a time (--jobs 1)"
        ) from None


def _most() -> int:
    """How many processes may compute; 1 in a fork, and where forks are not safe."""
    if sys.platform != "linux" or _todo:
        return 1
    return int(os.environ.get(MOST) or len(os.sched_getaffinity(0)))


def _begin(function: Callable[[Any], Any], items: Sequence[Any]) -> None:
    _todo.append((function, items))


def _call(index: int) -> Any:
    function, items = _todo[0]
    return function(items[index])
