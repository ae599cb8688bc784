"""How much of the net sales a few customers bring.

Source: Gini (1912), "Variabilita e mutabilita"; computed from ranks as in Sen (1973), "On Economic
Inequality", chapter 2.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.tables import ALL, TABLES, empty

SHARES = (0.0, 0.01, 0.05, *(tenths / 10 for tenths in range(1, 11)))
_KEY = ["customer_type", "share_customers"]


def concentrate(sums: pd.DataFrame, types: pd.Series) -> pd.DataFrame:
    """Make table `concentration` from the net sales of the last 12 months.

    Customers are counted by parts: 1% of 350 customers are three and a half.

    Parameters
    ----------
    sums : one row per customer and year, from customers.in_periods; only period 0 counts
    types : customer_type of each customer, indexed by customer_id

    Returns
    -------
    A type whose net sales are not above 0 has no rows.
    """
    rows = sums.loc[sums["period"] == 0, ["customer_id", "net_sales"]]
    rows = rows.assign(customer_type=types.reindex(rows["customer_id"]).to_numpy())
    rows = pd.concat([rows, rows.assign(customer_type=ALL)])  # all of them once more, as a type
    found = [
        _describe(part["net_sales"].to_numpy(float)).assign(customer_type=kind)
        for kind, part in rows.groupby("customer_type")
        if part["net_sales"].sum() > 0
    ]
    if not found:
        return empty("concentration").set_index(_KEY)
    table = pd.concat(found, ignore_index=True)
    return table[list(TABLES["concentration"].columns)].set_index(_KEY)


def _describe(net_sales: Array) -> pd.DataFrame:
    """One row per share of the customers, those with the highest net sales first."""
    curve = np.concatenate([[0.0], np.sort(net_sales)[::-1].cumsum() / net_sales.sum()])
    at = np.array(SHARES) * len(net_sales)
    share = np.interp(at, np.arange(len(curve)), curve)
    return pd.DataFrame(
        {"share_customers": SHARES, "share_net_sales": share, "gini": gini(net_sales)}
    )


def gini(net_sales: Array) -> float:
    """The Gini coefficient: 0 if all are equal, 1 - 1/n if one of n has all.

    It is half the mean difference between two customers, relative to their mean; above 1 is
    possible where returns make some values negative.
    """
    n = len(net_sales)
    ranks = np.arange(1, n + 1)
    ordered = np.sort(net_sales)
    return float((2 * ranks - n - 1) @ ordered / (n * ordered.sum()))
