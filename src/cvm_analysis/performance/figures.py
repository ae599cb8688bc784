"""The figures of a year beside those of the year before."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.performance.totals import Totals, describe, find_beyond_chance
from cvm_analysis.tables import empty


class Ratio(NamedTuple):
    """A figure: a sum over customers, or one per another; measures of performance.histories."""

    sum: str
    per: str = ""
    times: float = 1.0


FIGURES: Mapping[str, Ratio] = MappingProxyType(
    {
        "net_sales": Ratio("net_sales"),
        "margin": Ratio("margin"),
        "n_active": Ratio("bought"),
        "kept_share": Ratio("kept", "bought_before"),
        "n_new": Ratio("is_new"),
        "n_orders": Ratio("n_orders"),
        "orders_per_customer": Ratio("n_orders", "bought"),
        "value_per_order": Ratio("net_sales", "n_orders"),
        "return_share": Ratio("returned", "gross_sales"),
        "late_share": Ratio("n_late", "n_due"),
        "complaints_per_100": Ratio("n_complaints", "bought", 100.0),
        "nps": Ratio("nps_balance", "n_answers", 100.0),
    }
)


def compare(totals: Mapping[str, Totals]) -> pd.DataFrame:
    """Make table `year_on_year` from the totals of each customer type.

    net_sales, margin : net of returns
    n_active : customers who bought; kept_share : of those of the year before, who bought again
    n_new : customers who bought, and not in the years before; see performance.histories
    n_orders, orders_per_customer, value_per_order (net sales) : per customer who bought
    return_share : returns, of gross sales; late_share : late deliveries, of those due
    complaints_per_100 : per 100 customers who bought; nps : -100 to 100, all answers of the year

    A figure without a value has no row: nothing to divide by, or nothing recorded of any customer
    of the type in any year (who never complained may never have been asked).
    """
    rows = [
        {"customer_type": kind, "figure": name} | _compare(sums, ratio)
        for kind, sums in totals.items()
        for name, ratio in FIGURES.items()
        if sums.has(ratio.sum)
    ]
    key = ["customer_type", "figure"]
    if not any(np.isfinite(row["value"]) for row in rows):
        return empty("year_on_year").drop(columns="region").set_index(key)
    table = pd.DataFrame(rows)
    table = table[table["value"].notna()].copy()
    table["beyond_chance"] = find_beyond_chance(table["p_value"])
    return table.set_index(key)


def _compare(sums: Totals, ratio: Ratio) -> dict[str, float]:
    value, before, before_last = (_compute(sums, ratio, year) for year in range(3))
    found = {"value": value[0], "before": before[0], "before_last": before_last[0]}
    return found | describe(value - before)


def _compute(sums: Totals, ratio: Ratio, year: int) -> Array:
    total = ratio.times * sums.year(ratio.sum, year)
    if not ratio.per:
        return total
    per = sums.year(ratio.per, year)
    return np.divide(total, per, out=np.full_like(total, np.nan), where=per > 0)
