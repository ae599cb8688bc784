"""Exports of shops and CRMs: recognised by their headers, mapped as profiles/*.yaml say.

A profile names the table (order lines, if none), the headers that tell it, the file's column for
each of ours (of several the first that the file has), and which rows count. A list in place of a
header means one of them. A file may hold the profiles of several exports of a system.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import yaml

from cvm_analysis.draft import statuses
from cvm_analysis.draft.infer import Guess, find_needed
from cvm_analysis.draft.infer import infer as infer_by_content
from cvm_analysis.draft.preview import Preview
from cvm_analysis.draft.yaml_comments import line, text
from cvm_analysis.tables import TABLES

FILTERS = ("where", "test_orders", "not_products")
COUNTING = ("fill_by", *FILTERS, "refunds", "currency", "codes")  # of which rows count, and as what


@dataclass(frozen=True)
class Profile:
    """An export of a system, as its YAML file describes it."""

    name: str
    content: Mapping[str, Any]

    @property
    def table(self) -> str:
        """The raw table that its rows are."""
        return str(self.content.get("table", "transactions"))

    def to_source(self, headers: Collection[str]) -> dict[str, Any]:
        """The settings of a source for a file with these headers, without `files`.

        What needs a header that the file lacks is left out.
        """
        given = self.content
        columns = {ours: _first(names, headers) for ours, names in given["columns"].items()}
        source: dict[str, Any] = {"columns": {ours: name for ours, name in columns.items() if name}}
        for name in ("formats", "codes"):
            settings = given.get(name, {})
            source[name] = {n: each for n, each in settings.items() if n in source["columns"]}
        for name in ("fill_by", "currency"):
            source[name] = _first(given.get(name, ()), headers)
        for name in FILTERS:
            source[name] = _present(given.get(name, {}), headers)
        source["refunds"] = _refunds(given.get("refunds", {}), headers)
        return {name: each for name, each in source.items() if each}


def recognise(headers: Collection[str]) -> Profile | None:
    """Find the profile all of whose headers a file has; of several the one with the most."""
    fitting = [
        profile
        for profile in read_all()
        if all(_first(names, headers) for names in profile.content["headers"])
    ]
    return max(fitting, key=lambda profile: len(profile.content["headers"]), default=None)


@cache
def read_all() -> tuple[Profile, ...]:
    """Read all profiles."""
    folder = resources.files("cvm_analysis.draft").joinpath("profiles")
    files = sorted(each.name for each in folder.iterdir() if each.name.endswith(".yaml"))
    texts = [folder.joinpath(name).read_text("utf-8") for name in files]
    read = [content for text in texts for content in yaml.safe_load_all(text)]
    return tuple(Profile(content["name"], content) for content in read)


def _first(names: str | Collection[str], headers: Collection[str]) -> str:
    """The first of some headers that the file has; empty if it has none."""
    listed = [names] if isinstance(names, str) else names
    return next((name for name in listed if name in headers), "")


def _present(given: Mapping[str, Any], headers: Collection[str]) -> dict[str, Any]:
    return {header: words for header, words in given.items() if header in headers}


def _refunds(given: Mapping[str, Any], headers: Collection[str]) -> dict[str, Any]:
    """The refunds: by a status, or by the money paid back and paid."""
    when = _present(given.get("when", {}), headers)
    amounts = {name: _first(given.get(name, ()), headers) for name in ("amount", "of")}
    return {**({"when": when} if when else {}), **(amounts if all(amounts.values()) else {})}


def infer(file: Preview) -> Guess | None:
    """Guess that a file has the rows of a profile's table; None if no profile fits."""
    profile = recognise(file.columns)
    if profile is None:
        return None
    source, table = profile.to_source(file.columns), profile.table
    formats = source.get("formats", {})
    columns = {
        ours: replace(file.columns[header], pattern=formats.get(ours))
        for ours, header in source["columns"].items()
    }
    spec = TABLES[table].columns
    days = [ours for ours in columns if spec[ours].kind in ("date", "time")]
    undated = [ours for ours in days if not spec[ours].optional and columns[ours].dates is None]
    if undated or {*find_needed(table, columns)} - {"amount"}:
        return None
    return Guess(file, table, columns, region=infer_by_content(file).region)


def write(each: Guess) -> Iterator[str]:
    """Write which rows of a file count, as lines of their source in a config.

    Of order lines without a profile, their statuses tell.
    """
    file, profile = each.file, recognise(each.file.columns)
    if profile is None:
        yield from statuses.write(file) if each.table == "transactions" else ()
        return
    if each.table != profile.table:
        return
    source, check = profile.to_source(file.columns), profile.content.get("check")
    said = f"; please check: {check}" if check else ""
    yield f"      # recognised: {profile.name}{said}"
    for name in COUNTING:
        if name in source:
            check = "the status of rows that count" if name == "where" else ""
            yield line(f"      {name}: {_flow(source[name])}", check=check)


def has_codes(file: Preview, ours: str) -> bool:
    """Whether a profile says which code each word of our column stands for."""
    profile = recognise(file.columns)
    return profile is not None and ours in profile.content.get("codes", {})


def headers(file: Preview) -> list[str]:
    """The headers that say which rows of a file count."""
    profile = recognise(file.columns)
    if profile is None:
        found = statuses.find(file)
        return [found.header] if found else []
    source = profile.to_source(file.columns)
    refunds = source.get("refunds", {})
    filters = [header for name in FILTERS for header in source.get(name, {})]
    amounts = [refunds[name] for name in ("amount", "of") if name in refunds]
    named = [source[name] for name in ("fill_by", "currency") if name in source]
    return [*filters, *refunds.get("when", {}), *amounts, *named]


def _flow(value: Any) -> str:
    """Write a setting on one line."""
    if isinstance(value, str):
        return text(value)
    return yaml.safe_dump(
        value, allow_unicode=True, default_flow_style=True, sort_keys=False, width=10_000
    ).strip()
