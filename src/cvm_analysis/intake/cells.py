"""What is asked of a staged file before its cells are read: decimal sign, digits of ids."""

from __future__ import annotations

from collections.abc import Collection

from ibis import ir

from cvm_analysis.intake import ids, numbers
from cvm_analysis.settings import ContractSource, Source
from cvm_analysis.tables import TABLES, own
from cvm_analysis.tables.shape import NUMERIC


def check(rows: ir.Table, table: str, columns: Collection[str], source: Source, file: str) -> None:
    """Raise InputError if ids have lost digits, or numbers may mean two things."""
    ids.refuse_lost(rows, [column for column in ids.IDS if column in columns], file)
    if source.decimal is None:
        numbers.ask_decimal(rows, _numbers(table, columns, source), file)


def _numbers(table: str, columns: Collection[str], source: Source) -> list[str]:
    """Columns of a staged file that are read as numbers."""
    spec = TABLES[table]
    worded = source.values if isinstance(source, ContractSource) else {}
    skipped = {own.to_inside(table, column) for column in worded}
    kinds = {name: spec.columns[name].kind if name in spec.columns else spec.others
             for name in columns}  # fmt: skip
    return [name for name, kind in kinds.items() if kind in NUMERIC and name not in skipped]
