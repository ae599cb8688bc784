"""The raw files as a whole, against limits and earlier prepares, before anything is published.

Rules judge rows; gates judge what no row shows: files that are old, half as long as they were, or
lack a column, columns that have become empty, and a file that is there twice.
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ibis import ir

from cvm_analysis.errors import GateError
from cvm_analysis.intake import column_rules, raw_files
from cvm_analysis.settings import Settings
from cvm_analysis.settings.gates import Reaction
from cvm_analysis.sources import formats
from cvm_analysis.tables import own

EARLIER = 12  # prepares that are remembered

Entry = Mapping[str, Any]  # of one prepare: fingerprint, rows by table, scores of the quality


class Finding(NamedTuple):
    """What a gate found, and what it calls for."""

    reaction: Reaction
    text: str


def read_headers(settings: Settings) -> dict[str, list[str]]:
    """Read the headers of each source: `files` of the config -> those of its last file."""
    return {
        source.files: formats.header(path, **raw_files.options(source))
        for _, sources in settings.business.sources.by_table().values()
        for source in sources
        if not source.source
        for path in settings.find_files(source.files)[-1:]
    }


def remember(earlier: Entry, fingerprint: str, content: Entry) -> list[Entry]:
    """List the last prepares, this one as the last; one that was repeated stands there once.

    earlier : what the last one recorded (`prepared.json`); content : of this one, with `scores`
    """
    rows = count_rows(content["files"])
    now = {"fingerprint": fingerprint, "rows": rows, "scores": content["scores"]}
    before = [each for each in earlier.get("history", []) if each["fingerprint"] != fingerprint]
    return [*before, now][-EARLIER:]


def count_rows(files: Sequence[Entry]) -> dict[str, int]:
    """Count the rows read of each table."""
    rows = defaultdict[str, int](int)
    for file in files:
        rows[file["table"]] += file["n_rows"]
    return dict(rows)


def check(
    settings: Settings, tables: Mapping[str, ir.Table], content: Entry, earlier: Entry
) -> list[str]:
    """Return the warnings.

    Parameters
    ----------
    tables : all rows with `rule`, by table
    content, earlier : what this prepare and the last one record; `earlier` may be empty

    Raises
    ------
    GateError : a limit to stop at is exceeded
    """
    gates = settings.business.gates
    found = [
        *_stale(settings, content),
        *_shorter(settings, content, earlier.get("history", [])),
        *_empty(settings, tables),
        *(Finding(gates.headers, text) for text in _changed_headers(content, earlier)),
        *(Finding(gates.same_file, text) for text in _same_files(content["files"])),
        *(Finding("warn", text) for text in _no_new_day(settings, content, earlier)),
        *(Finding("warn", text) for text in column_rules.report(settings, tables)),
    ]
    stopped = [each.text for each in found if each.reaction == "stop"]
    if stopped:
        lines = "\n".join(f"  {text}" for text in stopped)
        raise GateError(
            f"{settings.path}: a gate is closed, nothing is published\n{lines}\n"
            "  correct the files, or change the limit under `gates`"
        )
    return [each.text for each in found if each.reaction == "warn"]


def _stale(settings: Settings, content: Entry) -> Iterator[Finding]:
    last, taken = (dt.date.fromisoformat(content[name]) for name in ("as_of", "extracted_on"))
    n = (taken - last).days
    table = settings.business.sources.main_table
    reaction = settings.business.gates.freshness_days.judge(n)
    yield Finding(
        reaction, f"{table}: the last day is {last}, {n:,} days before the files were taken"
    )


def _shorter(settings: Settings, content: Entry, history: Sequence[Entry]) -> Iterator[Finding]:
    limit = settings.business.gates.rows_change
    for table, n in count_rows(content["files"]).items():
        before = [each["rows"][table] for each in history if each["rows"].get(table)]
        if before:
            usual = statistics.median(before)
            text = f"{table}: {n:,} rows, usually {usual:,.0f}"
            yield Finding(limit.judge(abs(n - usual) / usual), text)


def _no_new_day(settings: Settings, content: Entry, earlier: Entry) -> Iterator[str]:
    """More rows than before that bring no later day: they may all be dated in the future."""
    table = settings.business.sources.main_table
    n, before = (count_rows(each.get("files", ())).get(table, 0) for each in (content, earlier))
    if n > before > 0 and content["as_of"] == earlier["as_of"]:
        last, taken = content["as_of"], content["extracted_on"]
        yield (
            f"{table}: {n - before:,} more rows than at the last prepare, and the last day is "
            f"still {last}; rows after {taken} (extracted_on) are excluded"
        )


def _empty(settings: Settings, tables: Mapping[str, ir.Table]) -> Iterator[Finding]:
    named = {setting: t for t, (setting, _) in settings.business.sources.by_table().items()}
    for setting, columns in settings.business.gates.nulls.items():
        table = named[setting]
        rows = tables[table].filter(tables[table].rule.isnull())
        inside = {name: own.to_inside(table, name) for name in columns}
        shares = rows.aggregate(
            **{name: rows[column].isnull().mean() for name, column in inside.items()}
        ).to_pandas()
        for name, limit in columns.items():
            share = float(shares[name].iloc[0])
            yield Finding(
                limit.judge(share), f"{setting}.{name}: {share:.1%} of the rows are empty"
            )


def _changed_headers(content: Entry, earlier: Entry) -> Iterator[str]:
    for files, headers in content["headers"].items():
        before = earlier.get("headers", {}).get(files, headers)
        lost = [name for name in before if name not in headers]
        new = [name for name in headers if name not in before]
        changes = [f"lacks {', '.join(lost)}"] * bool(lost) + [f"has {', '.join(new)}"] * bool(new)
        if changes:
            yield f"{files}: {' and '.join(changes)}, other than before"


def _same_files(files: Sequence[Entry]) -> Iterator[str]:
    named = defaultdict[tuple[str, str], list[str]](list)
    for file in files:
        named[file["table"], file["sha256"]].append(file["name"])
    for (table, _), names in named.items():
        if names[1:]:
            yield f"{table}: {' and '.join(names)} have the same content"
