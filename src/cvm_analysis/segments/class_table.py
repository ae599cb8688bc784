"""The classes of retail customers by frequency, amount, loyalty and life cycle."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from cvm_analysis.segments import classes, loyalty
from cvm_analysis.segments.classes import Levels
from cvm_analysis.segments.loyalty import Loyalty

Thresholds = Mapping[str, Mapping[str, float]]  # scheme -> level -> least value, worse first


def find_thresholds(
    customers: pd.DataFrame, index: pd.Series, frequency: Levels, amount: Levels, loyal: Loyalty
) -> dict[str, dict[str, float]]:
    """Find the least value of each class of a scheme.

    customers : one row per retail customer, columns of table `customers`
    index : their loyalty index, 0 to 100
    frequency, amount, loyal : thresholds as written in segments.yaml, or `auto`

    Returns
    -------
    scheme (frequency, amount, loyalty) -> level -> least value; see `classes.thresholds`
    """
    bought = customers[customers["n_orders"] > 0]
    return {
        "frequency": classes.thresholds(bought["n_orders"], frequency.high, frequency.mid),
        "amount": classes.thresholds(bought["net_sales"], amount.high, amount.mid),
        "loyalty": loyalty.thresholds(index, loyal.loyal, loyal.potentially_loyal),
    }


def classify(
    customers: pd.DataFrame,
    index: pd.Series,
    thresholds: Thresholds,
    usual_gap: float,
    life_cycle: classes.LifeCycle,
) -> pd.DataFrame:
    """Class each customer by each scheme.

    customers, index, thresholds : as for `find_thresholds`; usual_gap : days, of the company

    Returns
    -------
    One row per customer; columns frequency, amount, loyalty, life_cycle: one code each
    """
    bought = customers["n_orders"] > 0
    levels = {"frequency": customers["n_orders"], "amount": customers["net_sales"]}
    found = {
        scheme: classes.assign_level(values, bought, thresholds[scheme])
        for scheme, values in levels.items()
    }
    found["loyalty"] = loyalty.assign(customers, index, thresholds["loyalty"])
    found["life_cycle"] = classes.life_cycle(customers, usual_gap, life_cycle)
    return pd.DataFrame(found)


def size(customers: pd.DataFrame, by: pd.Series) -> pd.DataFrame:
    """Count the customers of each class and add up their net sales.

    by : one class per customer_id; classes of a scheme of `classes.ORDERS` come best first, other
        names with the largest net sales first

    Returns
    -------
    One row per class: n_customers, net_sales (in the config's currency)
    """
    sizes = customers.groupby(by)["net_sales"].agg(n_customers="size", net_sales="sum")
    if by.name in classes.ORDERS:
        return sizes.loc[classes.best_first(sizes.index, by.name)]
    return sizes.sort_values("net_sales", ascending=False)
