"""Lines of YAML with comments on where a setting comes from."""

from __future__ import annotations

import yaml

COMMENT_COLUMN = 28  # of shorter settings


def line(setting: str, guessed: str = "", check: str = "", note: str = "") -> str:
    """Write a setting, followed by `guessed: ...`, `please check: ...` or a plain note."""
    marks = {"guessed: ": guessed, "please check: ": check, "": note}
    comments = "  ".join(mark + comment for mark, comment in marks.items() if comment)
    return f"{setting:<{COMMENT_COLUMN - 2}}  # {comments}" if comments else setting


def text(value: str) -> str:
    """Quote a text for YAML where needed, also within brackets."""
    return yaml.safe_dump([value], allow_unicode=True, default_flow_style=True, width=10_000)[1:-2]
