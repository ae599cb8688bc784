"""Why an action is called for: the column that triggered it, and its figure or code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cvm_analysis.strategy import conditions
from cvm_analysis.strategy.catalogue import Action

CLASSES = (  # columns that say who a customer is, not what happened
    *("customer_type", "region", "segment", "rfm", "grade", "score_grade"),
    *("frequency", "amount", "loyalty", "life_cycle"),
)


def list_usual(actions: Sequence[Action]) -> pd.DataFrame:
    """List the column that is the usual reason of each action: action, kind, reason.

    Without a setting: the first column of `when` that is no class, else the first one.
    """
    rows = []
    for action in actions:
        used = list(conditions.columns(action.when))
        first = next((column for column in used if column not in CLASSES), used[0])
        rows.append((action.code, action.kind, action.reason or first))
    return pd.DataFrame(rows, columns=["action", "kind", "reason"])


def find(action: Action, rows: pd.DataFrame) -> pd.DataFrame:
    """The column that each row shows as its reason, and its figure, or its code.

    Without a setting: the first comparison of `when` that the row satisfies, on a column that is no
    class; if there is none, the first column of `when`.
    """
    used = [c for _, c, holds in conditions.comparisons(action.when) if holds]
    shown = [c for c in used if c.column not in CLASSES]
    first = action.reason or next(iter(conditions.columns(action.when)))
    column = pd.Series(first, rows.index, dtype=object)
    if not action.reason:
        for each in reversed(shown):
            column = column.mask(conditions.evaluate(each, rows), each.column)
    found = pd.DataFrame({"reason": column, "reason_value": np.nan, "reason_text": None})
    for name in column.unique():
        if name in rows:
            _add_figure(found, column == name, rows[name])
    return found.astype({"reason_value": float, "reason_text": object})


def _add_figure(found: pd.DataFrame, where: pd.Series, values: pd.Series) -> None:
    """Write numbers into reason_value; codes, dates and yes or no into reason_text."""
    kind = pd.api.types
    if kind.is_numeric_dtype(values) and not kind.is_bool_dtype(values):
        found.loc[where, "reason_value"] = values[where].astype(float)
        return
    if kind.is_datetime64_any_dtype(values):
        text = values.dt.strftime("%Y-%m-%d")
    else:
        said = values.map({True: "yes", False: "no"})
        text = said.where(said.notna(), values)
    found.loc[where, "reason_text"] = text[where].astype(object)
