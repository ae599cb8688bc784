"""What a source says of its files: patterns of dates, and settings that only some files have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cvm_analysis.settings.shape import Source

Problem = tuple[tuple[str, ...], str]  # the setting within the source, and what is wrong
DIRECTIVES = "aAbBdmyYHIpMSfjzZ%"  # after %, or %- for numbers without leading zeros


def find_problems(source: Source) -> Iterator[Problem]:
    """Find patterns of dates that cannot be read, and a sheet of a file that has none."""
    for column, pattern in source.formats.items():
        used = re.findall("%-?(.?)", pattern)
        if unknown := [each for each in used if not each or each not in DIRECTIVES]:
            yield (
                ("formats", column),
                f"'{pattern}' is no pattern of dates: %{unknown[0]} means nothing; "
                "as in %Y-%m-%d %H:%M:%S",
            )
        elif not {"d", "j"} & set(used) or not {"y", "Y"} & set(used):
            yield ("formats", column), f"'{pattern}' names no day or no year; as in %d.%m.%Y"
    if source.sheet is not None and not source.files.lower().endswith(".xlsx"):
        yield ("sheet",), "only .xlsx files have sheets; delete it"
