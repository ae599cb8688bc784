"""Retail customers of the invented company: attributes, purchases and order values.

Purchases while active follow the NBD [1] in weeks, the season comes in by thinning [2], the amount
of an order follows the Gamma-Gamma [3]. A customer's group follows from the drawn rate and order
value, so within a region both models hold exactly. `churn` ends the purchases.

Sources: [1] Ehrenberg (1959), "The Pattern of Consumer Purchases", Applied Statistics 8(1), 26-41.
[2] Lewis & Shedler (1979), "Simulation of Nonhomogeneous Poisson Processes by
Thinning", Naval Research Logistics Quarterly 26(3), 403-413. [3] Fader & Hardie (2013), "The
Gamma-Gamma Model of Monetary Value".
"""

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import (
    BIG,
    CHANNELS,
    FREQUENT,
    GROUPS,
    N_DAYS,
    REGIONS,
    SEASON_OF_FIRST_ORDERS,
    Region,
)
from cvm_analysis.sample.draws import dates, opening_hours, stream

GROUP_KEYS = np.array([group.key for group in GROUPS])


def customers(n_customers: int, seed: int) -> pd.DataFrame:
    """Draw the customers of all regions.

    One row per customer, in order of the first purchase: customer_id (eight digits with leading
    zeros, or eighteen for one in a hundred), region and group (keys), purchase_rate (per week),
    order_value (mean, CNY), first_at (day of the first purchase), joined_on and birth_date (dates;
    a tenth has no birth date), gender, city, channel (the usual one).
    """
    shares = np.cumsum([region.share for region in REGIONS])
    sizes = np.diff(np.rint(n_customers * shares / shares[-1]), prepend=0).astype(int)
    customers = pd.concat(
        [
            _customers_of(region, n, stream(seed, "customers", region.key))
            for region, n in zip(REGIONS, sizes, strict=True)
        ]
    )
    customers = customers.sort_values("first_at", kind="stable", ignore_index=True)
    customers.insert(0, "customer_id", _ids(n_customers, stream(seed, "ids")))
    return customers


def _ids(n: int, rng: np.random.Generator) -> np.ndarray:
    ids = np.array([f"{number:08d}" for number in range(1, n + 1)], dtype=object)
    long = rng.choice(n, n // 100, replace=False)
    ids[long] = rng.integers(10**17, 10**18, len(long)).astype(str)
    return ids


def _customers_of(region: Region, n: int, rng: np.random.Generator) -> pd.DataFrame:
    customers = pd.DataFrame(
        {
            "region": region.key,
            "purchase_rate": rng.gamma(region.r, 1 / region.alpha, n),
            "order_value": region.p / rng.gamma(region.q, 1 / region.gamma, n),
            "first_at": _first_purchases(region.growth, n, rng),
        }
    )
    number = _group_numbers(customers)
    return customers.assign(
        group=GROUP_KEYS[number],
        joined_on=dates(customers["first_at"] - rng.integers(0, 31, n)),
        birth_date=_birth_dates(n, rng),
        gender=rng.choice(["female", "male", ""], n, p=[0.52, 0.43, 0.05]),
        city=rng.choice(region.cities, n),
        channel=_channels(number, rng),
    )


def _first_purchases(growth: float, n: int, rng: np.random.Generator) -> np.ndarray:
    days = np.arange(N_DAYS)
    flow = np.exp(growth * days / 365.25) * _season(days, SEASON_OF_FIRST_ORDERS)
    return rng.choice(days, n, p=flow / flow.sum()) + rng.random(n)


def _season(day: np.ndarray, swing: np.ndarray | float) -> np.ndarray:
    """Renovation season: highest in mid-April and mid-October, mean 1 over a year."""
    return 1 + swing * np.cos(4 * np.pi * (day - 104) / 365.25)


def _group_numbers(customers: pd.DataFrame) -> np.ndarray:
    frequent, big = customers["purchase_rate"] > FREQUENT, customers["order_value"] > BIG
    belongs = [(frequent == group.is_frequent) & (big == group.is_big) for group in GROUPS]
    return np.argmax(belongs, axis=0)


def _birth_dates(n: int, rng: np.random.Generator) -> pd.Series:
    born = dates(-365.25 * rng.triangular(20, 36, 72, n))
    return born.mask(rng.random(n) < 0.1)


def _channels(group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    weights = np.array([group.channels for group in GROUPS], dtype=float)
    upper = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
    return np.array(CHANNELS)[(rng.random((len(group), 1)) > upper[group]).sum(axis=1)]


def orders(customers: pd.DataFrame, region: Region, seed: int) -> pd.DataFrame:
    """Draw the orders of one region's customers as if no customer ever dropped out.

    One row per order, in order of time: customer_id, channel, group (an index of GROUPS), at (a day
    of `draws`), ordered_at (the same day, within opening hours), cents (the Gamma-Gamma draw).
    """
    rng = stream(seed, "orders", region.key)
    row, at = _purchase_times(customers, rng)
    rows = customers.loc[row].reset_index(drop=True)
    number = _group_numbers(rows)
    usual = rng.random(len(rows)) < 0.7
    found = pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "channel": np.where(usual, rows["channel"], _channels(number, rng)),
            "group": number,
            "at": at,
            "ordered_at": opening_hours(at, rng),
            "cents": np.rint(100 * rng.gamma(region.p, rows["order_value"] / region.p)).astype(int),
        }
    )
    return found.sort_values("ordered_at", kind="stable", ignore_index=True)


def add_order_ids(orders: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Add order_id to orders in order of time, with a new index."""
    numbers = [f"{region.code}{number:07d}" for number in range(1, len(orders) + 1)]
    return orders.assign(order_id=numbers).reset_index(drop=True)


def _purchase_times(
    customers: pd.DataFrame, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Row of the customer and day of each purchase, the first one included."""
    first, rate = customers["first_at"].to_numpy(), customers["purchase_rate"].to_numpy()
    days = N_DAYS - first
    swing = np.array([group.season for group in GROUPS])[_group_numbers(customers)]
    row = np.repeat(np.arange(len(customers)), rng.poisson(rate * (1 + swing) * days / 7))
    at = first[row] + days[row] * rng.random(len(row))
    accepted = rng.random(len(row)) * (1 + swing[row]) < _season(at, swing[row])
    return np.r_[np.arange(len(customers)), row[accepted]], np.r_[first, at[accepted]]
