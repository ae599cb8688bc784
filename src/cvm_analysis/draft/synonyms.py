"""Header names in other systems for our columns: how synonyms.yaml is read and compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from string import Template
from types import MappingProxyType
from typing import Any

import yaml

REGION_NAMES = MappingProxyType(
    dict(华东="East", 华南="South", 华北="North", 华中="Central")
    | dict(西南="Southwest", 东北="Northeast", 西北="Northwest")
)
CURRENCIES = MappingProxyType(
    {
        "CNY": r"[¥￥元]|人民币|\b(rmb|cny)\b",
        "USD": r"\$|dollar|\busd\b",
        "EUR": r"€|\beuros?\b|\beur\b",
        "GBP": r"£|\bgbp\b",
    }
)


@cache
def headers() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Give the header names of each column of the raw tables, the best first."""
    return {
        table: {ours: names.split() for ours, names in columns.items()}
        for table, columns in _read()["headers"].items()
    }


def region_headers() -> Sequence[str]:
    """Give the header names of a column of regions, the best first."""
    return _read()["regions"].split()


def personal_headers() -> Sequence[str]:
    """Give the header names of personal details in customer records."""
    return _read()["personal"].split()


def identifier_headers() -> Mapping[str, Sequence[str]]:
    """Give the header names of what two records of one person share, by name of identifier."""
    return {name: names.split() for name, names in _read()["identifiers"].items()}


def currency_headers() -> Sequence[str]:
    """Give the header names of a column of currencies."""
    return _read()["currencies"].split()


def status_headers() -> Sequence[str]:
    """Give the header names of a column of statuses of orders, the best first."""
    return _read()["statuses"]["headers"].split()


def status_words(kind: str) -> frozenset[str]:
    """Give the statuses, in lower case, that are `refunded` or `do_not_count`."""
    return frozenset(_read()["statuses"][kind].split(", "))


@cache
def _read() -> Mapping[str, Any]:
    text = resources.files("cvm_analysis.draft").joinpath("synonyms.yaml").read_text("utf-8")
    return yaml.safe_load(Template(text).substitute(yaml.safe_load(text)["shared"]))


def normalise(header: str) -> str:
    """Write a header as in synonyms.yaml: `Member No.` -> `memberno`."""
    outside = re.sub(r"[(（\[【].*?[)）\]】]", "", header)
    return re.sub(r"[\W_]+", "", outside.casefold())


def match(candidates: Iterable[str], names: Sequence[str]) -> list[str]:
    """Give the candidate headers that `names` lists, the best first."""
    order = {name: i for i, name in enumerate(names)}
    known = [header for header in candidates if normalise(header) in order]
    return sorted(known, key=lambda header: order[normalise(header)])
