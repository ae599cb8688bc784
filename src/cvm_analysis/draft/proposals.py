"""Settings that only the owner of the data can decide on: written as comments to take over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cvm_analysis.draft import profiles
from cvm_analysis.draft.head import find_currencies
from cvm_analysis.draft.infer import Guess
from cvm_analysis.draft.joins import find_key
from cvm_analysis.draft.preview import Column
from cvm_analysis.draft.synonyms import headers, match
from cvm_analysis.draft.yaml_comments import text


def propose(each: Guess, others: Sequence[tuple[Guess, str]]) -> Iterator[str]:
    """Propose settings of a source: currencies, a join.

    others : the other files, and their path in the config
    """
    if each.table != "transactions":
        return
    header, codes = find_currencies(each)
    if len(codes) > 1 and profiles.recognise([*each.file.columns]) is None:
        listed = ", ".join(codes[:5])
        yield f"      # please check: amounts in {listed}; to convert them (see `rates`):"
        yield f"      # currency: {text(header)}"
    yield from _join(each, others)


def _join(each: Guess, others: Sequence[tuple[Guess, str]]) -> Iterator[str]:
    """Propose to take missing columns from another file that shares a key."""
    for other, path in others if each.missing else ():
        if key := find_key(each.file.columns, other.file):
            yield f"      # please check: {path} has the same {key}, and"
            yield f"      # {', '.join(other.file.columns)}; to add them to these rows:"
            yield f'      # join: [{{files: {text(path)}, "on": {text(key)}}}]'
            return


def list_buyers(each: Guess, customer: Column) -> str:
    """Ask which of several columns is the buyer; empty if only one may be."""
    same = [
        header
        for header in match(each.unused, headers()["transactions"]["customer_id"])
        if each.file.columns[header].distinct != customer.distinct
    ]
    return f"the buyer? or {', '.join(same[:3])}" if same else ""
