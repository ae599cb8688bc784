"""The classes of retail customers side by side: how often, how much, how loyal, where in life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cvm_analysis.segments import classes, loyalty

Limits = Mapping[str, Mapping[str, float]]  # scheme -> level -> least value, the worse first


def find_limits(
    customers: pd.DataFrame, index: pd.Series, frequency: Any, amount: Any, loyal: Any
) -> dict[str, dict[str, float]]:
    """Find from which value on a customer belongs to a class of each scheme.

    Parameters
    ----------
    customers : one row per retail customer, columns of table `customers`
    index : their loyalty index, 0 to 100
    frequency, amount : settings with `high` and `mid`; loyal : with `loyal` and
        `potentially_loyal`: the limits asked for, or `auto`, as in segments.yaml

    Returns
    -------
    scheme (frequency, amount, loyalty) -> level -> least value; see `schemes.thresholds`
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
    limits: Limits,
    usual_gap: float,
    life_cycle: classes.LifeCycle,
) -> pd.DataFrame:
    """Class each customer by each scheme.

    Parameters
    ----------
    customers, index : as for `find_limits`, which makes `limits`
    usual_gap : days, of the company; life_cycle : settings

    Returns
    -------
    One row per customer; columns frequency, amount, loyalty, life_cycle: one code each
    """
    bought = customers["n_orders"] > 0
    return pd.DataFrame(
        {
            "frequency": classes.assign_level(customers["n_orders"], bought, limits["frequency"]),
            "amount": classes.assign_level(customers["net_sales"], bought, limits["amount"]),
            "loyalty": loyalty.assign(customers, index, limits["loyalty"]),
            "life_cycle": classes.life_cycle(customers, usual_gap, life_cycle),
        }
    )


def size(customers: pd.DataFrame, by: pd.Series) -> pd.DataFrame:
    """Count customers and add up their net sales, class by class.

    by : one class per customer_id; those of a scheme of `schemes.ORDERS` come best first, names of
        segments with the largest revenue first

    Returns
    -------
    One row per class: n_customers, revenue (in the config's currency)
    """
    sizes = customers.groupby(by)["net_sales"].agg(n_customers="size", net_sales="sum")
    if by.name in classes.ORDERS:
        return sizes.loc[classes.best_first(sizes.index, by.name)]
    return sizes.sort_values("net_sales", ascending=False)
