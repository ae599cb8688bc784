"""Settings that only the owner of the data can decide on: written as comments to take over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cvm_analysis.draft import profiles
from cvm_analysis.draft.head import find_currencies
from cvm_analysis.draft.infer import Guess
from cvm_analysis.draft.joins import find_key
from cvm_analysis.draft.preview import Column
from cvm_analysis.draft.synonyms import headers, identifier_headers, match
from cvm_analysis.draft.yaml_comments import text


def propose(each: Guess, others: Sequence[tuple[Guess, str]]) -> Iterator[str]:
    """Propose settings of a source: identifiers, currencies, a join.

    others : the other files, and their path in the config
    """
    if found := _find_identifiers(each):
        listed = ", ".join(f"{name}: {text(header)}" for name, header in found.items())
        yield "      # please check: to compare these for `identity`, see below:"
        yield f"      # identifiers: {{{listed}}}"
    if each.table != "transactions":
        return
    header, codes = find_currencies(each)
    if len(codes) > 1 and profiles.recognise([*each.file.columns]) is None:
        listed = ", ".join(codes[:5])
        yield f"      # please check: amounts in {listed}; to convert them (see `rates`):"
        yield f"      # currency: {text(header)}"
    yield from _join(each, others)


def identity(found: Sequence[Guess]) -> Iterator[str]:
    """Propose that records with one phone, e-mail or membership number are one person."""
    names = list(dict.fromkeys(name for each in found for name in _find_identifiers(each)))
    if names:
        yield f"# please check: may one person have two ids? If records with the same {names[0]}"
        yield "# are one person, take this over, and `identifiers` above (see docs/config.md):"
        yield f"# identity: [{', '.join(f'[{name}]' for name in names)}]\n"


def _find_identifiers(each: Guess) -> dict[str, str]:
    """Headers of customer records that tell a person, the best of each identifier."""
    if each.table != "customers_raw":
        return {}
    known = {name: match(each.unused, names) for name, names in identifier_headers().items()}
    return {name: headers[0] for name, headers in known.items() if headers}


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
