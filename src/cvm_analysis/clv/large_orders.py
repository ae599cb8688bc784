"""Single purchases that move a headline: a typing error, or one contract among shop receipts.

Nothing is removed. Each of the few largest purchase days is taken out once, spend and margins are
estimated without it, and if the expected total or the mean spend of its type changes by more than a
tenth, a note names it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.clv import forecasts, margins
from cvm_analysis.minimum_data import Note

MOVED = 0.1  # of the expected total or the mean spend: worth a note
CANDIDATES = 3  # largest purchase days
_LEAST = 0.02  # of the gross sales of the type; a smaller one cannot move that much


class _Level(NamedTuple):
    """What a large order may move."""

    total: float  # margin expected of the type, not discounted
    mean_spend: float  # per purchase day


def find(
    largest: pd.DataFrame, customers: pd.DataFrame, values: pd.DataFrame, otherwise: float
) -> list[Note]:
    """Note each purchase day whose removal moves the expected total or the mean spend.

    Parameters
    ----------
    largest : the largest purchase days: customer_id, day, amount (gross)
    customers : one row per customer, as table `customers`
    values : one row per customer, as table `value`: expected_orders
    otherwise : margin as a share of net sales, where no cost is known

    Returns
    -------
    Notes `large_order`, the largest first: amount, and the change of what moves most in percent.
    """
    buyers, found = customers.loc[values.index], []
    orders = values["expected_orders"]
    kinds = buyers["customer_type"]
    for row in largest.head(CANDIDATES).itertuples():
        if row.customer_id not in buyers.index:
            continue
        same = buyers[kinds == kinds[row.customer_id]]
        if row.amount < _LEAST * same["gross_sales"].sum():
            continue
        with_it = _level(same, orders, otherwise)
        without = _level(_without(same, row.customer_id, row.day, row.amount), orders, otherwise)
        moved = max(_change(*each) for each in zip(with_it, without, strict=True))
        if moved > MOVED:
            day = pd.Timestamp(row.day).date().isoformat()
            figures = float(row.amount), float(round(100 * moved))
            whose = {"customer": row.customer_id, "day": day}
            found.append(Note(forecasts.PART, "large_order", *figures, **whose))
    return found


def _level(customers: pd.DataFrame, orders: pd.Series, otherwise: float) -> _Level:
    spend, _ = forecasts.fit_spend(customers)
    margin = margins.estimate(customers, otherwise) * (1 - margins.return_share(customers))
    money = spend.expected_spend(customers) * margin * orders.loc[customers.index]
    return _Level(float(money.sum()), spend.population_mean)


def _without(customers: pd.DataFrame, customer_id: str, day: object, amount: float) -> pd.DataFrame:
    """The customers without the amount of a purchase; their purchase days stay.

    The customer's net sales and margins shrink as their gross sales do.
    """
    rows, one = customers.copy(), customers.loc[customer_id]
    x, gross = one["x"], one["gross_sales"]
    kept = max(1 - amount / gross, 0.0)
    names = ("gross_sales", "net_sales", "net_sales_365d", "margin_total", "margin_365d")
    for name in (name for name in names if name in rows):
        rows.loc[customer_id, name] = one[name] * kept
    if pd.Timestamp(day) > pd.Timestamp(one["first_order"]):
        rest = (one["spend_per_repeat_day"] * x - amount) / (x - 1) if x > 1 else np.nan
        rows.loc[customer_id, "spend_per_repeat_day"] = rest
    return rows


def _change(before: float, after: float) -> float:
    """How far the level is off with the purchase, as a share of that without it."""
    return abs(before / after - 1) if after else float(before != after)
