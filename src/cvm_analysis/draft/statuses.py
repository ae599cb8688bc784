"""A column of statuses, found by its name and cells: which rows count, and which are refunds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cvm_analysis.draft.preview import Preview
from cvm_analysis.draft.synonyms import match, status_headers, status_words
from cvm_analysis.draft.yaml_comments import line, text

MOST = 40  # distinct words of a column of statuses


class Statuses(NamedTuple):
    """The words of a column of statuses: which do not count, which are refunds, and the others."""

    header: str
    left_out: list[str]
    refunded: list[str]
    others: list[str]


def find(file: Preview) -> Statuses | None:
    """Find the column whose statuses tell; None without one."""
    left_out, refunded = status_words("do_not_count"), status_words("refunded")
    for header in match(file.columns, status_headers()):
        words = file.columns[header].distinct
        kinds = [
            "left out" if w.lower() in left_out else "refunded" if w.lower() in refunded else ""
            for w in words
        ]
        if len(words) <= MOST and any(kinds):
            by_kind = [
                [word for word, each in zip(words, kinds, strict=True) if each == kind]
                for kind in ("left out", "refunded", "")
            ]
            return Statuses(header, *by_kind)
    return None


def write(file: Preview) -> Iterator[str]:
    """Write the settings `where` and `refunds` of order lines whose statuses tell."""
    found = find(file)
    if found and found.left_out:
        yield line(
            f"      where: {{{text(found.header)}: {{not: {_flow(found.left_out)}}}}}",
            check=f"these do not count; {_flow(found.others)} do",
        )
    if found and found.refunded:
        setting = f"      refunds: {{when: {{{text(found.header)}: {_flow(found.refunded)}}}}}"
        yield line(setting, check="these are purchases and returns")


def _flow(words: list[str]) -> str:
    return f"[{', '.join(text(word) for word in words)}]"
