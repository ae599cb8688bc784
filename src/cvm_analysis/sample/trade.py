"""Project customers and dealers: few, with rare and large purchases in bursts of orders.

A project customer buys for one building after another; a dealer restocks a few times a year. No
retail parameter applies to them.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import N_DAYS, REGIONS, Region
from cvm_analysis.sample.draws import dates, opening_hours, stream

BURST = 45  # days within which the orders of a burst lie
LAST_FIRST_PURCHASE = N_DAYS - 120  # day


@dataclass(frozen=True)
class Trade:
    """A type of business customer; lines, discounted and categories as in `business.Group`."""

    key: str  # customer_type
    prefix: str  # of customer_id
    share: float  # number per retail customer
    bursts: float  # a year, mean over customers
    more: float  # mean number of further orders in a burst
    value: float  # median of a customer's usual order, CNY
    spread: float  # standard deviation of its logarithm
    lines: float
    discounted: float
    categories: dict[str, float]
    industries: dict[str, float]  # with weights
    company_sizes: dict[str, float]  # with weights


TRADES = (
    Trade(
        *("project", "XM", 1 / 40, 0.8, 1.2, 9_000.0, 0.7, 0.55, 0.70),
        categories=dict(flooring=60, underlay=18, skirting=10, adhesive=9, care=1, tools=2),
        industries=dict(real_estate=35, hospitality=20, education=15, healthcare=12, office=18),
        company_sizes=dict(small=30, medium=45, large=25),
    ),
    Trade(
        *("dealer", "JX", 1 / 150, 3.0, 0.3, 6_000.0, 0.5, 0.80, 0.85),
        categories=dict(flooring=35, underlay=15, skirting=18, adhesive=14, care=12, tools=6),
        industries=dict(building_materials=60, home_decoration=40),
        company_sizes=dict(small=65, medium=30, large=5),
    ),
)


def customers(n_retail: int, seed: int) -> pd.DataFrame:
    """Draw the project customers and dealers of all regions.

    One row per customer: customer_id, customer_type, region, city, channel, industry, company_size,
    trade (index of TRADES), bursts (a year), order_value (median, CNY), first_at (day of the first
    purchase), joined_on (date, up to two months earlier).
    """
    return pd.concat(
        [
            _customers_of(number, max(1, round(n_retail * trade.share)), seed)
            for number, trade in enumerate(TRADES)
        ],
        ignore_index=True,
    )


def _customers_of(number: int, n: int, seed: int) -> pd.DataFrame:
    trade = TRADES[number]
    rng = stream(seed, "trade", trade.key)
    region = rng.choice(len(REGIONS), n, p=_shares([each.share for each in REGIONS]))
    first_at = LAST_FIRST_PURCHASE * rng.random(n)
    return pd.DataFrame(
        {
            "customer_id": [f"{trade.prefix}{each:06d}" for each in range(1, n + 1)],
            "customer_type": trade.key,
            "region": np.array([each.key for each in REGIONS])[region],
            "city": [rng.choice(REGIONS[each].cities) for each in region],
            "channel": "direct",
            "industry": _one_of(trade.industries, n, rng),
            "company_size": _one_of(trade.company_sizes, n, rng),
            "trade": number,
            "bursts": trade.bursts * rng.gamma(2, 1 / 2, n),
            "order_value": trade.value * np.exp(trade.spread * rng.standard_normal(n)),
            "first_at": first_at,
            "joined_on": dates(first_at - rng.integers(0, 61, n)),
        }
    )


def _shares(weights: list[float]) -> np.ndarray:
    return np.array(weights) / sum(weights)


def _one_of(weights: dict[str, float], n: int, rng: np.random.Generator) -> np.ndarray:
    return rng.choice(list(weights), n, p=_shares(list(weights.values())))


def orders(customers: pd.DataFrame, region: Region, seed: int) -> pd.DataFrame:
    """Draw the orders of one region's project customers and dealers, up to AS_OF.

    One row per order, in order of time: order_id, customer_id, customer_type, channel, group (index
    of TRADES), at (day), ordered_at, cents.
    """
    rng = stream(seed, "trade orders", region.key)
    customers = customers[customers["region"] == region.key].reset_index(drop=True)
    row, at = _purchase_times(customers, rng)
    rows = customers.loc[row].reset_index(drop=True)
    value = rows["order_value"] * np.exp(0.6 * rng.standard_normal(len(rows)))
    found = pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "customer_type": rows["customer_type"],
            "channel": rows["channel"],
            "group": rows["trade"],
            "at": at,
            "ordered_at": opening_hours(at, rng),
            "cents": np.rint(100 * value).astype(int),
        }
    )
    found = found[at < N_DAYS].sort_values("ordered_at", kind="stable", ignore_index=True)
    found.insert(0, "order_id", [f"{region.code}B{number:06d}" for number in found.index + 1])
    return found


def _purchase_times(
    customers: pd.DataFrame, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Row of the customer and day of each purchase; the first one starts the first burst."""
    first = customers["first_at"].to_numpy()
    years, rows = (N_DAYS - first) / 365.25, np.arange(len(first))
    later_bursts = np.repeat(rows, rng.poisson(customers["bursts"] * years))
    elapsed = 365.25 * years[later_bursts] * rng.random(len(later_bursts))
    row = np.r_[rows, later_bursts]
    opens = np.r_[first, first[later_bursts] + elapsed]
    more = np.array([trade.more for trade in TRADES])[customers["trade"].to_numpy()[row]]
    further = np.repeat(np.arange(len(row)), rng.poisson(more))
    later = opens[further] + 1 + (BURST - 1) * rng.random(len(further))
    return np.r_[row, row[further]], np.r_[opens, later]
