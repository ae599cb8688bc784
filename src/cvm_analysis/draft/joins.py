"""Order lines joined with the files that have their orders, customers and products.

A file is joined by a column of the same header with one row per cell. What a line costs stands in
the line: an order's total in another file would count once per line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cvm_analysis.draft import infer, profiles
from cvm_analysis.draft.preview import Column, Preview
from cvm_analysis.draft.statuses import find as find_statuses
from cvm_analysis.draft.synonyms import headers, match

MATCHING = 0.5  # share of a file's keys that the other file must have
OF_LINES = ("amount", "quantity", "unit_price", "discount", "cost")
NEEDED = ("customer_id", "ordered_at")


def join(files: Sequence[Preview]) -> list[Preview]:
    """Join order lines with files that are no table of their own and give columns.

    Where no file has all that order lines need, the one most like them is joined until it has.
    """
    merged, gone = list[Preview](), list[Preview]()
    lines = _find_lines(files)
    others = [file for file in files if not (_is_in(file, lines) and is_complete(file))]
    for file in lines:
        steps = list(_steps(file, others))
        made = _merge(file, steps)
        if is_complete(made) and not (merged and not is_complete(file)):
            used = _used(file, steps, made)
            merged.append(_merge(file, used))
            gone += [file, *(other for other, _ in used)]
    return [*merged, *(each for each in files if not _is_in(each, gone))]


def _find_lines(files: Sequence[Preview]) -> list[Preview]:
    """The files with all that order lines need, else those with money, the likeliest first."""
    names = [infer.match_names(file, "transactions") for file in files]
    found = [(f, n) for f, n in zip(files, names, strict=True) if {"amount", "unit_price"} & {*n}]
    found = [(file, n) for file, n in found if profiles.recognise(file.columns) is None]
    complete = [file for file, _ in found if is_complete(file)]
    return complete or [f for f, _ in sorted(found, key=lambda pair: -len(pair[1]))]


def is_complete(file: Preview) -> bool:
    """Whether the headers have all that order lines need."""
    return not infer.find_needed("transactions", infer.match_names(file, "transactions"))


def find_key(columns: dict[str, Column], other: Preview) -> str:
    """Find the header by which another file can be joined; empty if there is none."""
    sampled = len(other.rows) / other.n_rows
    for header, theirs in other.columns.items():
        if header in columns:
            keys = set(columns[header].distinct)
            is_unique = len(theirs.distinct) == len(theirs.cells) > 1
            n_known = len(keys & set(theirs.distinct))
            if is_unique and n_known >= MATCHING * sampled * len(keys) > 0:
                return header
    return ""


def _steps(file: Preview, files: Sequence[Preview]) -> Iterator[tuple[Preview, str]]:
    """Files to join and their keys, each reached by columns of those before."""
    known, left = dict(file.columns), [each for each in files if each is not file]
    while found := [(each, key) for each in left if (key := find_key(known, each))]:
        other, key = found[0]
        yield other, key
        known = {**other.columns, **known}
        left = [each for each in left if each is not other]


def _merge(file: Preview, steps: Sequence[tuple[Preview, str]]) -> Preview:
    """The file with the columns of others, but for those that lines alone have."""
    columns = dict(file.columns)
    for other, _ in steps:
        of_lines = [h for ours in OF_LINES for h in match(other.columns, _names(ours))]
        columns |= {h: c for h, c in other.columns.items() if h not in {*columns, *of_lines}}
    return replace(file, columns=columns, joined=tuple(steps))


def _names(ours: str) -> Sequence[str]:
    return headers()["transactions"][ours]


def _used(
    file: Preview, steps: Sequence[tuple[Preview, str]], merged: Preview
) -> list[tuple[Preview, str]]:
    """The steps that give a column or lead to one that does.

    A file that is a table of its own is joined only if its column is needed.
    """
    guess = infer.infer(merged)
    status = find_statuses(merged)
    wanted = {column.header for ours, column in guess.columns.items() if ours in NEEDED}
    others = {column.header for column in guess.columns.values()}
    others |= {guess.region.header} if guess.region else set()
    others |= {status.header} if status else set()
    used = list[tuple[Preview, str]]()
    for number, (other, key) in reversed([*enumerate(steps)]):
        before = {h for each in (file, *(p for p, _ in steps[:number])) for h in each.columns}
        new = other.columns.keys() - before
        if new & wanted or (new & others and not infer.infer(other).table):
            used.insert(0, (other, key))
            wanted |= {key}
    return used


def _is_in(file: Preview, files: Sequence[Preview]) -> bool:
    return any(each is file for each in files)
