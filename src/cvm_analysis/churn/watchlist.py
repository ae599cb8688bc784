"""Whom to save first: the margin that leaving would cost, not the risk alone."""

from __future__ import annotations

import pandas as pd


def first(customers: pd.DataFrame, n: int) -> pd.DataFrame:
    """The `n` customers to save first, the most value at risk on top.

    customers : one row per customer, indexed by customer_id: value_at_risk (money; `clv.value.of`
        counts it) and any further columns; who has nothing at risk, or not known, is left out

    Returns
    -------
    At most n rows, the same columns after `rank` (1 is first; ties by customer_id).
    """
    concerned = customers[customers["value_at_risk"] > 0].sort_index()
    ranked = concerned.sort_values("value_at_risk", ascending=False, kind="stable").head(n)
    ranked.insert(0, "rank", range(1, len(ranked) + 1))
    return ranked
