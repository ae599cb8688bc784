"""Why net sales changed: more customers, more orders of each, or more value of each order.

Net sales are the product of the three. The effect of each is what it adds to the change, on average
over all orders in which the three could have changed one after the other; the effects add up to the
change without a rest. Sources: Sun (1998), "Changes in energy consumption and energy intensity: a
complete decomposition model", Energy Economics 20(1), 85-100; it is the Shapley value: Shorrocks
(2013), "Decomposition procedures for distributional analysis: a unified framework based on the
Shapley value", Journal of Economic Inequality 11(1), 99-126. Unlike the logarithmic mean Divisia
index it takes zeros and negative net sales as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.performance.totals import Totals, describe, find_beyond_chance
from cvm_analysis.tables import TABLES, empty

FACTORS = ("customers", "orders_per_customer", "value_per_order")


def decompose(totals: Mapping[str, Totals]) -> pd.DataFrame:
    """Make table `sales_change` from the totals of each customer type.

    A type without orders in one of the years has no orders per customer and no value per order in
    it: all of its change is one of customers.
    """
    rows = [row for kind, sums in totals.items() for row in _decompose(kind, sums)]
    if not rows:
        return empty("sales_change").set_index(["customer_type", "factor"])
    table = pd.DataFrame(rows, columns=list(TABLES["sales_change"].columns))
    table["beyond_chance"] = find_beyond_chance(table["p_value"])
    return table.set_index(["customer_type", "factor"])


def attribute(before: Array, after: Array) -> Array:
    """Compute the effect of each factor on net sales: one row per factor, in order of FACTORS.

    before, after : customers who bought, orders and net sales in three rows, any number of columns

    The factors of a year without orders are those of the other year. What is left (returns in a
    year without orders) is added to the effect of customers.
    """
    one, other = _divide(before), _divide(after)
    one, other = np.where(np.isnan(one), other, one), np.where(np.isnan(other), one, other)
    effects = np.zeros_like(one)
    for i in range(3):
        j, k = (n for n in range(3) if n != i)
        alike = (one[j] * one[k] + other[j] * other[k]) / 3
        crossed = (one[j] * other[k] + other[j] * one[k]) / 6
        effects[i] = (other[i] - one[i]) * (alike + crossed)
    effects = np.nan_to_num(effects)
    effects[0] += after[2] - before[2] - effects.sum(axis=0)
    return effects


def _divide(totals: Array) -> Array:
    """Customers, orders per customer, net sales per order; the last two are empty without any."""
    customers, orders, net_sales = totals
    per = np.where(np.stack([customers, orders]) > 0, np.stack([customers, orders]), np.nan)
    return np.stack([customers, orders / per[0], net_sales / per[1]])


def _decompose(kind: str, sums: Totals) -> list[dict[str, float | str]]:
    """One row per factor; none if the log has no year before."""
    if sums.n_years < 2:
        return []
    after, before = (
        np.stack([sums.year(name, year) for name in ("bought", "n_orders", "net_sales")])
        for year in range(2)
    )
    parts = zip(FACTORS, _divide(after), _divide(before), attribute(before, after), strict=True)
    return [
        {"customer_type": kind, "factor": factor}
        | {"value": value[0], "before": earlier[0], "effect": effect[0]}
        | describe(effect)
        for factor, value, earlier, effect in parts
    ]
