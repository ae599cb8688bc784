"""A client that knows when its kernel is ready: once it has said that it is idle again.

Jupyter's own waits for silence, a fifth of a second for every notebook.
"""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient

_SECONDS = 0.2  # until it is asked again: its first answers may come before the socket listens


class Client(AsyncKernelClient):
    """The client of a kernel that its manager has just started."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Ask for the kernel's state until it has answered and is idle; RuntimeError if it died.

        timeout : seconds; None: none
        """
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        asked = {self.kernel_info()}
        while not await self._is_idle(asked):
            if not await self.is_alive():
                raise RuntimeError("the kernel died before it was ready")
            if time.monotonic() > deadline:
                raise RuntimeError(f"the kernel was not ready within {timeout} seconds")
            asked.add(self.kernel_info())

    async def _is_idle(self, asked: set[str]) -> bool:
        """Whether it says within a moment that it has answered one of these questions."""
        try:
            while not _is_end(await self.get_iopub_msg(timeout=_SECONDS), asked):
                pass
        except Empty:
            return False
        return True


def _is_end(message: dict[str, Any], asked: set[str]) -> bool:
    state = message["content"].get("execution_state")
    return state == "idle" and message["parent_header"].get("msg_id") in asked
