"""What a source of contracts must say: dates, or tenure and status, and whom the table covers."""

from __future__ import annotations

from collections.abc import Iterator

from cvm_analysis.settings.shape import Business, ContractSource

Problem = tuple[tuple[str, ...], str]  # the setting within the source, and what is wrong


def find_problems(source: ContractSource, business: Business) -> Iterator[Problem]:
    """Find settings that contradict each other or are missing."""
    mapped = set(source.columns)
    if "tenure" in mapped:
        yield from _wrong_tenure(source, business)
    elif "started_on" not in mapped:
        yield ("columns",), "started_on is not mapped; map it, or tenure and status"
    elif "status" in mapped:
        yield ("columns", "status"), "a status needs a tenure; with dates, map ended_on"
    if source.covers == "recent" and source.recent is None:
        yield ("covers",), "set recent: within how many days (or time_in) those in the table ended"
    if source.recent is not None and source.covers != "recent":
        yield ("recent",), "only for `covers: recent`; delete it"
    for column in sorted(set(source.values) - mapped):
        yield ("values", column), f"no column '{column}' is mapped"


def _wrong_tenure(source: ContractSource, business: Business) -> Iterator[Problem]:
    dates = sorted({"started_on", "ended_on"} & set(source.columns))
    if dates:
        yield ("columns", dates[0]), f"{dates[0]} and tenure say the same; map one of them"
    if "status" not in source.columns:
        yield ("columns", "tenure"), "a tenure needs a status that says which contracts have ended"
    if source.time_in is None:
        yield ("columns", "tenure"), "set time_in: days, weeks or months"
    if not source.ended:
        yield ("columns", "tenure"), "set ended: the words of the status of ended contracts"
    if source.covers is None:
        yield (
            ("columns", "tenure"),
            "set covers: all (everybody who ever started), or recent (those who run, and those who "
            "ended within `recent` months)",
        )
    if not business.sources.transactions and business.extracted_on is None:
        yield ("columns", "tenure"), "set extracted_on: the day up to which the tenure counts"
