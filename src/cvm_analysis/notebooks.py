"""The notebooks as described in notebooks.yaml: order, questions, tables, languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal


@dataclass(frozen=True)
class Notebook:
    """One notebook; notebooks.yaml says what each field means."""

    question: str
    writes: tuple[str, ...]
    reads: tuple[str, ...] = ()
    per_language: bool = False
    company: Literal["first", "last"] = "first"


@cache
def describe() -> Mapping[str, Notebook]:
    """Describe all notebooks by name (`01_customers`), in the order they run."""
    import yaml

    written = yaml.safe_load(files("cvm_analysis").joinpath("notebooks.yaml").read_text("utf-8"))
    return {name: Notebook(**each) for name, each in written.items()}


def find_writer(table: str) -> str:
    """Name the first notebook that writes a table of the run folder."""
    return next(name for name, each in describe().items() if table in each.writes)
