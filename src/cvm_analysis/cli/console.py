"""What commands say: results on standard output, warnings and errors on standard error."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

out = Console(soft_wrap=True, emoji=False)
err = Console(stderr=True, soft_wrap=True, emoji=False)


def say(text: str) -> None:
    """Say a result, as it is."""
    out.print(escape(text), highlight=False)


def warn(text: str) -> None:
    """Say a warning or an error, as it is."""
    err.print(escape(f"cvm: {text}"), highlight=False)
