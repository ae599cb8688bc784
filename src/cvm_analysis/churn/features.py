"""Features of each customer at a landmark, in the model's units and in units for a reader.

All come from columns of table `customers` as of the landmark. Attributes of the customer's record
carry no date and are not used, except the type of customer, which rarely changes. The channel is
that of the first purchase. Empty values become the median of the landmark's customers.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

import numpy as np
import pandas as pd

WEEKS_PER_YEAR = 365.25 / 7
YEAR, HALF_YEAR = 365, 182  # days

# The unit step of each feature's hazard ratio, in order of preference; `channel`, `customer_type`
# stand for every column channel=<code>, customer_type=<code>.
STEPS = MappingProxyType(
    {
        "silence_gaps": "doubling",
        "rate": "doubling",
        "tenure_weeks": "doubling",
        "net_sales_per_order": "doubling",
        "only_once": "yes",
        "rate_trend": "doubling",
        "spend_trend": "doubling",
        "grade": "one_more",
        "n_categories": "one_more",
        "n_channels": "one_more",
        "discount_share": "ten_points",
        "return_share": "ten_points",
        "late_share": "ten_points",
        "complaints_open": "one_more",
        "complaint_days": "doubling",
        "nps": "one_more",
        "satisfaction": "one_more",
        "customer_type": "yes",
        "channel": "yes",
    }
)
_ATTRIBUTES = MappingProxyType({"customer_type": "customer_type", "channel": "first_channel"})
MIN_SHARE, MAX_LEVELS = 0.01, 5  # share of customers a level needs for a column; most levels

_UNCHANGED = ("n_categories", "n_channels", "nps", "satisfaction")
_SHARES = ("discount_share", "return_share", "late_share")
_COMPLAINTS = ("complaints_open", "complaint_days")
_UNKNOWN_GAP = 365.25  # days; where nobody bought on two days
_MIN_MONEY = 1e-4  # the tables keep four decimals
_FROM_ZERO = ("silence_gaps", "tenure_weeks", "net_sales_per_order", "complaint_days")


def build(
    customers: pd.DataFrame, grade: pd.Series | None = None, names: Iterable[str] | None = None
) -> pd.DataFrame:
    """Build the features of each customer who had bought, in the model's units.

    Parameters
    ----------
    customers : one row per customer, indexed by customer_id, columns of table `customers` as of
        the landmark
    grade : rank of each customer's grade as of the landmark, larger is better; empty if not
        graded. None: no such feature
    names : of the features a model was fitted with, whose channels and types are used; None: those
        of these customers, without the most common one

    Returns
    -------
    One row per customer who had bought, columns as `readable`, finite; a step of 1 is the step in
    STEPS. Doublings are log2 (log2(1 + value) where it can be zero), ten points are tenths. Spend
    below 0 counts as 0, shares are clipped to [0, 1]. Empty values become the median, or 0 where
    all are empty.
    """
    return convert(readable(customers, grade, names))


def convert(known: pd.DataFrame) -> pd.DataFrame:
    """Convert features as `readable` returns them into the model's units, as `build`."""
    table = pd.DataFrame({name: _transformed(name, known[name]) for name in known}, known.index)
    asked = table.dropna(axis=1, how="all")
    return table.fillna(asked.median()).fillna(0.0)


def readable(
    customers: pd.DataFrame, grade: pd.Series | None = None, names: Iterable[str] | None = None
) -> pd.DataFrame:
    """Build the same features in units for a reader; parameters as for `build`.

    Returns
    -------
    One row per customer who had bought; empty where unknown.
        silence_gaps : days since the last purchase / usual gap (`usual_gap`)
        rate : purchase days per year, with one typical gap of prior data, or the first week would
            look too busy
        tenure_weeks : weeks since the first purchase
        net_sales_per_order : net spend per order, in the config's currency
        only_once : 1 if there was only one purchase day
        rate_trend : purchase days of the last half year / those expected from the customer's rate,
            one day of prior data added to both; 1 for customers newer than half a year
        spend_trend : the same of net spend and 365 days, the spend of one order added to both
        grade : as given
        n_categories, n_channels, complaints_open : counts
        discount_share, return_share, late_share : of list price, gross spend, due deliveries
        complaint_days : age in days of the oldest open complaint; 0 without one
        nps, satisfaction : points of their own scale
        customer_type=<code> : 1 if it is the customer's type
        channel=<code> : 1 if it is the channel of the first purchase
    From rate_trend on, each only where `customers` has its columns.
    """
    known = customers[customers["n_orders"] > 0]
    typical, weeks = typical_gap(known).fillna(_UNKNOWN_GAP), known["T"].astype(float)
    table = {
        "silence_gaps": known["days_since_last"] / usual_gap(known, typical),
        "rate": known["n_purchase_days"] / (weeks + typical / 7) * WEEKS_PER_YEAR,
        "tenure_weeks": weeks,
        "net_sales_per_order": known["net_sales_per_order"],
        "only_once": known["x"] == 0,
        **_trends(known),
        **{name: known[name] for name in (*_UNCHANGED, *_SHARES) if name in known},
        **{name: known[name].astype(float).fillna(0) for name in _COMPLAINTS if name in known},
    }
    if grade is not None:
        table["grade"] = grade.reindex(known.index)
    ordered = {name: table[name] for name in STEPS if name in table} | levels(known, names)
    return pd.DataFrame(ordered, index=known.index).astype(float)


def _transformed(name: str, values: pd.Series) -> pd.Series:
    """Convert one feature from a reader's unit to the model's."""
    if name in _SHARES:
        return 10 * values.clip(0, 1)
    if name in _FROM_ZERO:
        return np.log2(1 + values.clip(lower=0))
    return np.log2(values) if STEPS.get(name) == "doubling" else values


def typical_gap(customers: pd.DataFrame) -> pd.Series:
    """Median of the median gaps, in days, of customers of the same type; empty without any."""
    gaps = customers["gap_median_days"].astype(float)
    return gaps.groupby(customers["customer_type"]).transform("median")


def usual_gap(customers: pd.DataFrame, typical: pd.Series) -> pd.Series:
    """Shrink each customer's median gap (days) towards the typical gap, by two gaps' weight.

    customers : one row each: x, gap_median_days; typical : as `typical_gap`; empty if unknown
    """
    x = customers["x"].astype(float)
    own = customers["gap_median_days"].astype(float).fillna(typical)
    return (x * own + 2 * typical) / (x + 2)


def _trends(known: pd.DataFrame) -> dict[str, pd.Series]:
    """Recent purchases and spend relative to the customer's own rate.

    The first purchase day is left out of both, or everybody would seem to slow down.
    """
    days, found = (7 * known["T"].astype(float)).round(), {}
    if "n_purchase_days_182d" in known:
        own = known["x"] * HALF_YEAR / days
        ratio = (1 + known["n_purchase_days_182d"]) / (1 + own)
        found["rate_trend"] = ratio.where(days >= HALF_YEAR, 1.0)
    if {"net_sales_365d", "net_sales", "gross_sales", "spend_per_repeat_day"} <= set(known):
        later = known["x"] * known["spend_per_repeat_day"].astype(float).fillna(0)
        own = (known["net_sales"] - known["gross_sales"] + later) * YEAR / days
        prior = _usual_spend(known)
        ratio = (known["net_sales_365d"].clip(lower=0) + prior) / (own.clip(lower=0) + prior)
        found["spend_trend"] = ratio.where(days >= YEAR, 1.0)
    return found


def _usual_spend(known: pd.DataFrame) -> pd.Series:
    """Net spend per order of each customer; the median where there is none."""
    own = known["net_sales_per_order"].astype(float)
    spent = own >= _MIN_MONEY
    return own.where(spent, float(own[spent].median()) if spent.any() else 1.0)


def levels(known: pd.DataFrame, names: Iterable[str] | None = None) -> dict[str, pd.Series]:
    """Columns of attributes, 1 for customers of a level: channel=web, customer_type=dealer.

    names : as for `build`, of customers who had bought
    """
    found: dict[str, pd.Series] = {}
    for attribute, column in _ATTRIBUTES.items():
        if column in known:
            start, own = f"{attribute}=", known[column]
            wanted = [start + code for code in _common(own)] if names is None else names
            found |= {n: own == n[len(start) :] for n in wanted if n.startswith(start)}
    return found


def _common(levels: pd.Series) -> list[str]:
    """Levels that get a column, most used first (ties by name), without the most used."""
    used = levels.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return [str(code) for code in used.index[used >= MIN_SHARE * len(levels)]][1 : MAX_LEVELS + 1]
