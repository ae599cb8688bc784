"""What figures call indicators, features and groups of customers."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from cvm_analysis.tables import IMPORTED
from cvm_analysis.texts import Words, text_key

_BAND = re.compile(r"(?:under_(?P<under>\d+)|(?P<low>\d+)_(?P<high>\d+)|(?P<from>\d+)_plus)")


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
    return [(names or {}).get(str(code)) or _group(say, column, str(code)) for code in table.index]


def _group(say: Words, column: str, code: str) -> str:
    """The word of a group: of the business, of the texts, of an age band, or the code itself."""
    for key in (text_key(column, code), f"groups.{code}", f"types.{code}"):
        if key in say:
            return say(key)
    band = _BAND.fullmatch(code)
    if not band:
        return code
    kind = {"under": "under", "low": "between", "from": "plus"}
    ages = {key: value for key, value in band.groupdict().items() if value}
    return say(f"groups.age.{kind[next(iter(ages))]}", **ages)
