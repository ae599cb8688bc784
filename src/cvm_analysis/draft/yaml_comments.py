"""Lines of YAML with comments that say where a setting comes from."""

from __future__ import annotations

import yaml

AT = 28  # where comments begin, if the setting is shorter


def line(setting: str, guessed: str = "", check: str = "", note: str = "") -> str:
    """Write a setting, and behind it `guessed: ...`, `please check: ...` or a plain note."""
    marks = {"guessed: ": guessed, "please check: ": check, "": note}
    said = "  ".join(mark + comment for mark, comment in marks.items() if comment)
    return f"{setting:<{AT - 2}}  # {said}" if said else setting


def text(value: str) -> str:
    """Write a text so that YAML reads it back, also within brackets."""
    return yaml.safe_dump([value], allow_unicode=True, default_flow_style=True, width=10_000)[1:-2]
