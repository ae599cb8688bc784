"""Imported indicators by segment, and what customers spend elsewhere by their share of wallet.

A customer who spends v with the business, a share s of all such spending, spends v (1 - s) / s
elsewhere. v are the net sales of the last year; s is the import's own figure, whoever estimated it,
and is not tested here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
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
    names = sorted(name for name in measures if name.startswith(IMPORTED))
    rows = [
        {"indicator": name.removeprefix(IMPORTED), "group": group, "level": level}
        | _sum_up(part[name].dropna(), name.removeprefix(IMPORTED), part["net_sales_365d"])
        for name in names
        for group, level, part in _parts(measures[measures[name].notna()], segments)
    ]
    return pd.DataFrame(rows, columns=list(_TABLE.columns))


def spend_elsewhere(net_sales: pd.Series, share_of_wallet: pd.Series) -> pd.Series:
    """What each customer spends elsewhere, in the unit of net_sales.

    Empty where the share is not above 0 and at most 1; net sales below 0 count as 0.
    """
    share = share_of_wallet.where((share_of_wallet > 0) & (share_of_wallet <= 1))
    return net_sales.astype(float).clip(lower=0.0) * (1 - share) / share


def _parts(known: pd.DataFrame, segments: pd.Series) -> Iterator[tuple[str, str, pd.DataFrame]]:
    if len(known):
        yield ALL, ALL, known
    for segment, part in known.groupby(segments.reindex(known.index), sort=True):
        yield "segment", str(segment), part


def _sum_up(values: pd.Series, name: str, net_sales: pd.Series) -> dict[str, float]:
    counts = values.between(0.0, 1.0) if name in SHARES else values.notna()
    known = values[counts].astype(float)
    found = {"n_customers": len(known), "n_outside": int((~counts).sum()), "average": known.mean()}
    if len(known) >= LEAST_CUSTOMERS:
        reach = stdtrit(len(known) - 1, (1 + LEVEL) / 2) * known.sem()
        found |= {"low": known.mean() - reach, "high": known.mean() + reach}
    elsewhere = np.nan
    if name == SHARE_OF_WALLET:
        elsewhere = spend_elsewhere(net_sales, values).sum(min_count=1)
    return found | {"spend_elsewhere": elsewhere}
