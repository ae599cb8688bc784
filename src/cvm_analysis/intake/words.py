"""Words of a file, in place of which a source names codes: `Closed Won` is `won`."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
from ibis import ir

OTHERS = "*"  # stands for all words that are not listed


def replace(text: ir.Table, meant: Mapping[str, Mapping[str, str]]) -> ir.Table:
    """Replace words, in any case, by the code they stand for; empty cells stay empty.

    meant : column -> word -> code; a word that is not listed stays, unless OTHERS is
    """
    return text.mutate(**{column: _replace(text[column], words) for column, words in meant.items()})


def _replace(cell: ir.Value, words: Mapping[str, str]) -> ir.Value:
    plain = cell.cast("string").strip()
    listed = [(word.strip().lower(), code) for word, code in words.items() if word != OTHERS]
    other = words.get(OTHERS, plain)
    code = plain.lower().cases(*listed, else_=other) if listed else ibis.literal(other)
    return ibis.ifelse(plain == "", plain, code)
