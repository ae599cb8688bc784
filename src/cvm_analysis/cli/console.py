"""What commands say: results on standard output, warnings and errors on standard error."""

from __future__ import annotations

import traceback

from rich.console import Console
from rich.markup import escape

from cvm_analysis import endings

out = Console(soft_wrap=True, emoji=False)
err = Console(stderr=True, soft_wrap=True, emoji=False)


debug = False  # errors are raised, with their traceback


def say(text: str) -> None:
    """Say a result, as it is."""
    out.print(escape(text), highlight=False)


def warn(text: str) -> None:
    """Say a warning or an error, as it is."""
    err.print(escape(f"cvm: {text}"), highlight=False)


def say_error(error: Exception) -> None:
    """Say an error of a user or of the machine in one message, a fault with its traceback."""
    if said := endings.describe(error):
        warn(said)
    else:
        err.print("".join(traceback.format_exception(error)), markup=False, highlight=False, end="")
