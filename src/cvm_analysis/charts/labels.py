"""What figures call indicators, features and groups of customers."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from cvm_analysis.tables import IMPORTED
from cvm_analysis.texts import Words
from cvm_analysis.texts.groups import name_group


def indicator(say: Words, code: object) -> str:
    """Name an indicator: by the texts of indicators, of columns, or by its code made readable."""
    short = str(code).removeprefix(IMPORTED)
    is_column = f"indicators.{short}" not in say and f"columns.{short}" in say
    return say(f"{'columns' if is_column else 'indicators'}.{short}")


def group_names(say: Words, table: pd.DataFrame, names: Mapping[str, str] | None) -> list[str]:
    """Name the groups that index a table: by `names`, by the texts, else as they are.

    The words of a business for the values of a column count if the index has the column's name.
    """
    column = str(table.index.name)
    return [
        (names or {}).get(str(code)) or name_group(say, column, str(code)) for code in table.index
    ]
