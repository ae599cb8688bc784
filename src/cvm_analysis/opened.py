"""A region's prepared tables, opened once for all processes forked from this one.

A notebook takes longer to open them, and to compile the query of the customer table, than to ask
it of a small region. Nothing is asked before the fork: each fork has its own threads and answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cvm_analysis import engine
from cvm_analysis.settings import Settings


@dataclass
class _Opened:
    settings: Settings
    region: str
    con: Any
    tables: Any
    is_complete: bool = False


_opened: list[_Opened] = []


def keep(settings: Settings, region: str, con: Any, tables: Any) -> None:
    """Keep a region's tables for the forks. con : as `engine.connect_before_fork` gives it."""
    _opened.append(_Opened(settings, region, con, tables))


def find(settings: Settings, region: str) -> Any:
    """The region's tables as the process before the fork kept them; None: it did not.

    Those of other settings are not used: the files have changed since.
    """
    for each in _opened:
        if (each.region, each.settings) == (region, settings):
            if not each.is_complete:
                engine.complete(each.con, settings.prepared)
                each.is_complete = True
            return each.tables
    return None
