"""What a staged file is asked before its cells are read: types, decimal sign, digits of ids."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from ibis import ir

from cvm_analysis.intake import ids, numbers
from cvm_analysis.settings import ContractSource, Source
from cvm_analysis.sources.read import Typed
from cvm_analysis.tables import TABLES, own
from cvm_analysis.tables.shape import NUMERIC


def check(
    rows: ir.Table, table: str, columns: Collection[str], source: Source, names: Sequence[str]
) -> None:
    """Raise InputError if ids have lost digits, or numbers may mean two things.

    rows : staged files, `names` theirs; each is judged by itself
    """
    ids.refuse_lost(rows, [column for column in ids.IDS if column in columns], names)
    if source.decimal is None:
        kinds = typed(table, columns, source)
        texts = [
            name for name in kinds if kinds[name] == "number" and rows[name].type().is_string()
        ]
        numbers.ask_decimal(rows, texts, names)


def typed(table: str, columns: Collection[str], source: Source) -> Typed:
    """Columns of a file that are read as numbers, moments or ids; words of `values` are none."""
    spec = TABLES[table]
    worded = source.values if isinstance(source, ContractSource) else {}
    skipped = {own.to_inside(table, column) for column in worded}
    kinds = {name: spec.columns[name].kind if name in spec.columns else spec.others
             for name in columns if name not in skipped}  # fmt: skip
    found: dict[str, Literal["number", "moment", "id"]] = {
        name: "number" if kind in NUMERIC else "moment"
        for name, kind in kinds.items()
        if kind in (*NUMERIC, "date", "time")
    }
    return found | {name: "id" for name in ids.IDS if name in kinds}
