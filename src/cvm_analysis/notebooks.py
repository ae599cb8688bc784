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
    thresholds_read: tuple[str, ...] = ()
    thresholds_set: tuple[str, ...] = ()
    per_language: bool = False
    company: Literal["first", "last"] = "first"
    sampled: bool = False
    main_table: Literal["transactions", "contracts"] = "transactions"


@cache
def describe() -> Mapping[str, Notebook]:
    """Describe all notebooks by name (`01_customers`), each after those it depends on."""
    import yaml

    text = files("cvm_analysis").joinpath("notebooks.yaml").read_text("utf-8")
    written = yaml.load(text, Loader=yaml.CSafeLoader)  # ten times as quick
    return {name: Notebook(**each) for name, each in written.items()}


def select(main_table: str) -> tuple[str, ...]:
    """Name the notebooks for a business with sales (transactions), or with contracts alone."""
    return tuple(name for name, each in describe().items() if each.main_table == main_table)


def find_writer(table: str) -> str:
    """Name the first notebook that writes a table of the run folder."""
    return next(name for name, each in describe().items() if table in each.writes)


def find_needed(name: str) -> tuple[str, ...]:
    """Name the notebooks that must be done before this one: they write or set what it reads."""
    described, needed = describe(), []
    for earlier, each in described.items():
        if earlier == name:
            break
        tables = set(each.writes) & set(described[name].reads)
        if tables or set(each.thresholds_set) & set(described[name].thresholds_read):
            needed.append(earlier)
    return tuple(needed)


def signature(name: str, language: str) -> str:
    """Name the file in done/ that one execution of a notebook signs."""
    each = describe().get(name)
    return f"{name}.{language}.json" if each and each.per_language else f"{name}.json"
