"""The classes of customers by frequency, amount, loyalty and life cycle.

Frequency and amount are counted over a period that ends on the day, so that a class says what a
customer buys now, not since when. Thresholds are learned for each customer type: dealers order more
often than households.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Protocol

import pandas as pd

from cvm_analysis.segments import classes, loyalty
from cvm_analysis.segments.classes import INACTIVE, Levels
from cvm_analysis.segments.loyalty import Loyalty

BY_PERIOD = {"frequency": "period_orders", "amount": "period_sales"}  # scheme -> what it classes
SCHEMES = (*BY_PERIOD, "loyalty")  # of all customer types
Thresholds = Mapping[str, Mapping[str, Mapping[str, float]]]  # type, scheme, level -> least value


class Records(Protocol):
    """Records of a region, measured on a day."""

    def measures(self, date: dt.date) -> pd.DataFrame:
        """One row per customer as of a day, columns of table `customers` and imported figures."""
        ...

    def in_period(self, date: dt.date, days: int) -> pd.DataFrame:
        """One row per customer with a line in the last `days` days: period_orders, period_sales."""
        ...


def measure(
    records: Records, date: dt.date, period_days: int, cards: loyalty.Cards
) -> pd.DataFrame:
    """Measure all customers on a day, with what their classes depend on.

    period_days : length of the period of frequency and amount; cards : of the loyalty index

    Returns
    -------
    One row per customer: columns of table `customers`, imported indicators, period_orders,
    period_sales (zero without a line in the period), loyalty_index.
    """
    in_period = records.in_period(date, period_days)
    return add_measures(records.measures(date), in_period, cards)


def add_measures(
    customers: pd.DataFrame, in_period: pd.DataFrame, cards: loyalty.Cards
) -> pd.DataFrame:
    """Add what the classes depend on to the measures of a day; see `measure`.

    in_period : one row per customer with a line in the period: period_orders, period_sales
    """
    columns = [*BY_PERIOD.values()]
    table = customers.join(in_period[columns]).fillna(dict.fromkeys(columns, 0))
    return loyalty.add_index(table, cards)


def find_thresholds(
    customers: pd.DataFrame, frequency: Levels, amount: Levels, loyal: Loyalty
) -> dict[str, dict[str, dict[str, float]]]:
    """Find the least value of each class of a scheme, for each customer type.

    customers : as `measure` makes them
    frequency, amount, loyal : thresholds as written in segments.yaml, or `auto`: the best fifth and
        the best half of the customers of the type who bought in the period

    Returns
    -------
    customer type -> scheme (frequency, amount, loyalty) -> level -> least value; see
    `classes.thresholds`
    """
    found = {}
    for customer_type, rows in customers.groupby("customer_type", sort=True):
        bought = rows[rows["period_orders"] > 0]
        found[str(customer_type)] = {
            "frequency": classes.thresholds(bought["period_orders"], frequency.high, frequency.mid),
            "amount": classes.thresholds(bought["period_sales"], amount.high, amount.mid),
            "loyalty": loyalty.thresholds(
                rows["loyalty_index"], loyal.loyal, loyal.potentially_loyal
            ),
        }
    return found


def classify(customers: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """Class each customer of every type by frequency, amount and loyalty.

    customers : as `measure` makes them; thresholds : as `find_thresholds` makes them

    Returns
    -------
    One row per customer; columns of SCHEMES: one code each. Frequency and amount are `inactive`
    where the customer bought before the period, but not in it.
    """
    parts = [
        _classify(rows, thresholds[str(customer_type)])
        for customer_type, rows in customers.groupby("customer_type", sort=True)
    ]
    found = pd.concat(parts) if parts else pd.DataFrame(columns=list(SCHEMES), dtype=object)
    return found.reindex(customers.index)


def _classify(
    customers: pd.DataFrame, thresholds: Mapping[str, Mapping[str, float]]
) -> pd.DataFrame:
    bought, active = customers["n_orders"] > 0, customers["period_orders"] > 0
    found = {}
    for scheme, column in BY_PERIOD.items():
        level = classes.assign_level(customers[column], bought, thresholds[scheme])
        found[scheme] = level.where(active | ~bought, INACTIVE)
    found["loyalty"] = loyalty.assign(customers, customers["loyalty_index"], thresholds["loyalty"])
    return pd.DataFrame(found)


def size(customers: pd.DataFrame, by: pd.Series, amount: str = "net_sales") -> pd.DataFrame:
    """Count the customers of each class and add up their sales.

    by : one class per customer_id; classes of a scheme of `classes.ORDERS` come best first, other
        names with the largest sales first
    amount : the column to add up, in the config's currency: net_sales so far, or period_sales

    Returns
    -------
    One row per class: n_customers, and the sums of `amount`
    """
    sizes = customers.groupby(by)[amount].agg(["size", "sum"])
    sizes.columns = pd.Index(["n_customers", amount])
    if by.name in classes.ORDERS:
        return sizes.loc[classes.best_first(sizes.index, by.name)]
    return sizes.sort_values(amount, ascending=False)


def sizes_by_type(customers: pd.DataFrame, by: pd.Series) -> pd.DataFrame:
    """Count the customers of each class of a scheme and their sales in the period, for each type.

    customers : as `measure` makes them; by : one class per customer_id

    Returns
    -------
    One row per customer type and class, the best first: customer_type, class, n_customers,
    share_customers (of the type, in [0, 1]), period_sales (in the config's currency)
    """
    found = []
    for customer_type, rows in customers.groupby("customer_type", sort=False):
        own = size(rows, by.reindex(rows.index), "period_sales").rename_axis("class").reset_index()
        share = own["n_customers"] / len(rows)
        found.append(own.assign(customer_type=customer_type, share_customers=share))
    columns = ["customer_type", "class", "n_customers", "share_customers", "period_sales"]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)
