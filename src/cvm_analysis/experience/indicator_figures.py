"""Imported indicators by segment, and what customers spend elsewhere by their share of wallet.

A customer who spends v with the business, a share s of all such spending, spends v (1 - s) / s
elsewhere. v are the net sales of the last year; s is the import's own figure, whoever estimated it,
and is not tested here.
"""

from __future__ import annotations

import pandas as pd
from scipy.special import stdtrit

from cvm_analysis.experience.surveys import ALL
from cvm_analysis.tables import IMPORTED, TABLES

SHARE_OF_WALLET = "share_of_wallet"
SHARES = (SHARE_OF_WALLET, "market_share")  # values outside 0 to 1 do not count
LEAST_CUSTOMERS = 10  # with a value, for an interval
LEVEL = 0.95
_TABLE = TABLES["indicator_figures"]


def figures(measures: pd.DataFrame, segments: pd.Series) -> pd.DataFrame:
    """Sum up each imported indicator, of all customers and by segment: table `indicator_figures`.

    Parameters
    ----------
    measures : one row per customer: net_sales_365d, and `indicators.<name>` (the last value known)
    segments : of each customer

    Returns
    -------
    One row per indicator and segment with a value; the interval is Student's, over customers.
    """
    every = pd.Series(ALL, measures.index)
    by_level = [
        _sum_up(measures, group, level.reindex(measures.index))
        for group, level in ((ALL, every), ("segment", segments))
    ]
    found = pd.concat(by_level, ignore_index=True)[list(_TABLE.columns)]
    return found.sort_values(["indicator", "group", "level"], kind="stable", ignore_index=True)


def spend_elsewhere(net_sales: pd.Series, share_of_wallet: pd.Series) -> pd.Series:
    """What each customer spends elsewhere, in the unit of net_sales.

    Empty where the share is not above 0 and at most 1; net sales below 0 count as 0.
    """
    share = share_of_wallet.where((share_of_wallet > 0) & (share_of_wallet <= 1))
    return net_sales.astype(float).clip(lower=0.0) * (1 - share) / share


def _sum_up(measures: pd.DataFrame, group: str, level: pd.Series) -> pd.DataFrame:
    """One row per indicator and level with a value; level : of each customer."""
    values = measures.filter(like=IMPORTED).rename(columns=lambda name: name.removeprefix(IMPORTED))
    known = values.astype(float).melt(ignore_index=False, var_name="indicator").dropna()
    counts = known["value"].between(0.0, 1.0) | ~known["indicator"].isin(SHARES)
    known = known.assign(level=level, counted=known["value"].where(counts), outside=~counts)
    of_wallet = known["value"].where(known["indicator"] == SHARE_OF_WALLET)
    known["spent"] = spend_elsewhere(measures["net_sales_365d"].reindex(known.index), of_wallet)
    by = known.groupby(["indicator", "level"], sort=True)
    found = by["counted"].agg(n_customers="count", average="mean", error="sem")
    found["n_outside"] = by["outside"].sum()
    found["spend_elsewhere"] = by["spent"].sum(min_count=1)
    n = found["n_customers"].where(found["n_customers"] >= LEAST_CUSTOMERS)
    reach = stdtrit(n - 1, (1 + LEVEL) / 2) * found["error"]
    low, high = found["average"] - reach, found["average"] + reach
    return found.assign(low=low, high=high, group=group).reset_index()
