"""Numbers of workbooks and Parquet files as text, as a CSV has them."""

from __future__ import annotations

import math
import re

EXACT = 2**53  # whole numbers below are exact
GROUP_LIKE = re.compile(r"-?[1-9]\d{0,2}\.\d{3}")  # 9.450, which in a CSV may be 9450


def number_text(value: float, decimal: str | None = None) -> str:
    """Write a number without thousands separators: whole ones without a point.

    Three decimals get a fourth, so that nobody takes the point for a thousands separator; numbers
    that are not known exactly keep an exponent. `decimal` is the sign of the source's settings.
    """
    if math.isnan(value):
        return ""
    if value == math.floor(value) and abs(value) < EXACT:
        return str(int(value))
    return decimal_text(repr(float(value)), decimal)


def decimal_text(text: str, decimal: str | None = None) -> str:
    """Write the text of a number in the source's decimal sign, with no doubt about the point."""
    if "e" in text and "e-" not in text:
        return text.replace("e", "E") if "e+" in text else text.replace("e", "E+")
    text += "0" if GROUP_LIKE.fullmatch(text) else ""
    return text.replace(".", ",") if decimal == "comma" else text
