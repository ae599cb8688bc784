"""The next products of every customer: what is recommended, because of what, and its margin."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from cvm_analysis import tables
from cvm_analysis.arrays import Ints
from cvm_analysis.products import scores
from cvm_analysis.products.baskets import Baskets
from cvm_analysis.products.trial import Choice

RANKS = 3  # products of a customer
YEAR = 365  # days whose margin counts
_CHUNK = 4096  # customers scored at once


def recommend(
    baskets: Baskets, as_of: dt.date, segments: pd.Series, choice: Choice
) -> pd.DataFrame:
    """Recommend up to three products that a customer does not have, by the method in use.

    segments : of customers, by customer_id

    Returns
    -------
    Table `next_products`, one row per customer and rank; none for customers who have everything,
    or for whom nothing speaks.
    """
    if baskets.lines.empty:
        return tables.empty("next_products")
    today = pd.Timestamp(as_of)
    past = scores.learn(baskets, today, segments)
    everybody = np.arange(len(baskets.customers))
    parts = np.array_split(everybody, max(1, -(-len(everybody) // _CHUNK)))
    table = pd.concat([_of(past, part, choice) for part in parts], ignore_index=True)
    margin = _margins(baskets, today)
    if margin.notna().any():
        table["margin"] = table["product"].map(margin).astype(float)
    return table.sort_values(["customer_id", "rank"], ignore_index=True)


def _of(past: scores.Past, customers: Ints, choice: Choice) -> pd.DataFrame:
    found = scores.score(past, choice.method, customers)
    top = scores.best(found, RANKS)
    ids, names = past.baskets.customers[customers], past.baskets.products[past.products]
    ranks = []
    for rank, chosen in enumerate(top.T, start=1):
        reason = scores.because_of(past, choice.method, customers, chosen)
        has = chosen >= 0
        score = found[np.arange(len(customers)), chosen][has]
        rows = {
            "customer_id": ids[has],
            "rank": rank,
            "product": names[chosen[has]],
            "level": past.baskets.level,
            "because_of": np.where(reason >= 0, names[reason], None)[has],
            "probability": choice.probability(score),
            "method": choice.method,
        }
        ranks.append(pd.DataFrame(rows))
    return pd.concat(ranks, ignore_index=True)


def _margins(baskets: Baskets, today: pd.Timestamp) -> pd.Series:
    """Mean margin of each product in a basket of the last year, by name."""
    recent = baskets.lines[baskets.lines["day"] > today - pd.Timedelta(days=YEAR)]
    mean = recent.groupby("product")["margin"].mean()
    return mean.set_axis(baskets.products[mean.index])
