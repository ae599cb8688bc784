"""What a spreadsheet would calculate: texts from data that must stay texts.

Source: OWASP, CSV Injection: = + - @, tab, carriage return and line feed, and the full-width forms
of these signs, at the start of a cell.
"""

from __future__ import annotations

from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def is_formula(value: Any) -> bool:
    """Whether a spreadsheet would calculate a cell of a CSV file with this value."""
    return isinstance(value, str) and value.startswith(FORMULA)


def no_formula(value: Any) -> Any:
    """Put an apostrophe before a text that a spreadsheet would calculate."""
    return f"'{value}" if is_formula(value) else value
