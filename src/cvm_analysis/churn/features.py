"""What was known of each customer at a landmark: as a model takes it, and as a reader reads it.

Everything is made from columns of table `customers` as of the landmark, so from rows up to it.
Attributes of the customer's record carry no date and are not used: nobody knows what they were on
that day (but who is modelled at all is told by today's type: retail). The channel is that of the
first purchase, which has a date. What is not known of a customer is filled with the median of the
same landmark's customers.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

import numpy as np
import pandas as pd

WEEKS_PER_YEAR = 365.25 / 7
YEAR, HALF_YEAR = 365, 182  # days

# What one step of a feature is; a hazard ratio says what one step does. In order of preference.
# `channel` stands for every column channel=<code>.
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
        "channel": "yes",
    }
)
LEVEL = "channel="
RAREST, MOST = 0.01, 5  # channels that fewer customers came through, or beyond so many: no column

_AS_THEY_ARE = ("n_categories", "n_channels", "nps", "satisfaction")
_SHARES = ("discount_share", "return_share", "late_share")
_COMPLAINTS = ("complaints_open", "complaint_days")
_LEAST = 1e-4  # of money: the tables keep four decimals; a mean below it is no usual order
_FROM_NOUGHT = ("silence_gaps", "tenure_weeks", "net_sales_per_order", "complaint_days")


def build(
    customers: pd.DataFrame, grade: pd.Series | None = None, like: Iterable[str] | None = None
) -> pd.DataFrame:
    """What was known at the landmark about each customer who had bought, as a model takes it.

    Parameters
    ----------
    customers : one row per customer, indexed by customer_id, columns of table `customers` as of
        the landmark; who never bought is left out
    grade : rank of each customer's grade as of the landmark, the larger the better; empty if not
        graded. None: grades are no feature
    like : names of the features a model learned from; the channels with a column are then the same
        as there. None: those of these customers but the most common one, which the others are held
        against

    Returns
    -------
    One row per customer who had bought, columns of `readable`, finite. A step of 1 is the one
    named in STEPS: doublings are log2 (of 1 + the value where it can be nought), ten points are
    tenths of the whole, all else stays. A spend below 0 counts as 0, a share outside [0, 1] as its
    end. An empty value is the median of this landmark's customers; where all are empty, 0.
    """
    known = readable(customers, grade, like)
    table = pd.DataFrame({name: _tamed(name, known[name]) for name in known}, known.index)
    asked = table.dropna(axis=1, how="all")
    return table.fillna(asked.median()).fillna(0.0)


def readable(
    customers: pd.DataFrame, grade: pd.Series | None = None, like: Iterable[str] | None = None
) -> pd.DataFrame:
    """Give the same in units a reader understands; parameters and columns as those of `build`.

    Returns
    -------
    One row per customer who had bought; empty where it is not known.
        silence_gaps : days since the last purchase / usual gap between purchase days; the usual gap
            is the customer's own median, drawn to that of all by two gaps' weight
        rate : purchase days per year; everyone is lent one usual gap more, or the first week would
            look like a frenzy
        tenure_weeks : weeks since the first purchase
        net_sales_per_order : net spend per order, in the config's currency
        only_once : 1 if there was only one purchase day
        rate_trend : purchase days of the last half year / those that the customer's pace since the
            first purchase gives, one day lent to both; 1 for who came within that half year
        spend_trend : the same of net spend and the last 365 days, the spend of one order lent to
            both; nothing is below 0
        grade : as given
        n_categories, n_channels, complaints_open : counts
        discount_share, return_share, late_share : of list price, of gross spend, of due deliveries
        complaint_days : age in days of the oldest open complaint; 0 without one
        nps, satisfaction : points of their own scale
        channel=<code> : 1 if the first purchase came through it
    From rate_trend on, each only where `customers` has what it is made of.
    """
    known = customers[customers["n_orders"] > 0]
    typical, weeks = _typical_gap(known), known["T"].astype(float)
    table = {
        "silence_gaps": known["days_since_last"] / usual_gap(known, typical),
        "rate": known["n_purchase_days"] / (weeks + typical / 7) * WEEKS_PER_YEAR,
        "tenure_weeks": weeks,
        "net_sales_per_order": known["net_sales_per_order"],
        "only_once": known["x"] == 0,
        **_trends(known),
        **{name: known[name] for name in (*_AS_THEY_ARE, *_SHARES) if name in known},
        **{name: known[name].astype(float).fillna(0) for name in _COMPLAINTS if name in known},
    }
    if grade is not None:
        table["grade"] = grade.reindex(known.index)
    ordered = {name: table[name] for name in STEPS if name in table} | _channels(known, like)
    return pd.DataFrame(ordered, index=known.index).astype(float)


def _tamed(name: str, values: pd.Series) -> pd.Series:
    """One feature from its plain unit to the model's."""
    if name in _SHARES:
        return 10 * values.clip(0, 1)
    if name in _FROM_NOUGHT:
        return np.log2(1 + values.clip(lower=0))
    return np.log2(values) if STEPS.get(name) == "doubling" else values


def _typical_gap(known: pd.DataFrame) -> float:
    """The median customer's median gap in days; a year where nobody bought on two days."""
    gaps = known["gap_median_days"].dropna()
    return float(gaps.median()) if len(gaps) else 365.25


def usual_gap(customers: pd.DataFrame, typical: float) -> pd.Series:
    """Each customer's own median gap in days, drawn to the typical one by the weight of two gaps.

    customers : one row each: x, gap_median_days; typical : the median customer's; empty if unknown
    """
    own = customers["gap_median_days"].astype(float).fillna(typical)
    return (customers["x"].astype(float) * own + 2 * typical) / (customers["x"].astype(float) + 2)


def _trends(known: pd.DataFrame) -> dict[str, pd.Series]:
    """What a customer did lately against their own pace, the first purchase day left out of both.

    That day is there by definition; with it everybody would seem to slow down.
    """
    days, found = (7 * known["T"].astype(float)).round(), {}
    if "n_purchase_days_182d" in known:
        own = known["x"] * HALF_YEAR / days
        ratio = (1 + known["n_purchase_days_182d"]) / (1 + own)
        found["rate_trend"] = ratio.where(days >= HALF_YEAR, 1.0)
    if {"net_sales_365d", "net_sales", "gross_sales", "spend_per_repeat_day"} <= set(known):
        later = known["x"] * known["spend_per_repeat_day"].astype(float).fillna(0)
        own = (known["net_sales"] - known["gross_sales"] + later) * YEAR / days
        lent = _usual_spend(known)
        ratio = (known["net_sales_365d"].clip(lower=0) + lent) / (own.clip(lower=0) + lent)
        found["spend_trend"] = ratio.where(days >= YEAR, 1.0)
    return found


def _usual_spend(known: pd.DataFrame) -> pd.Series:
    """Net spend of each customer's usual order; that of the median one where there is none."""
    own = known["net_sales_per_order"].astype(float)
    spent = own >= _LEAST
    return own.where(spent, float(own[spent].median()) if spent.any() else 1.0)


def _channels(known: pd.DataFrame, like: Iterable[str] | None) -> dict[str, pd.Series]:
    if "first_channel" not in known:
        return {}
    first = known["first_channel"]
    names = [f"{LEVEL}{code}" for code in _levels(first)] if like is None else like
    return {name: first == name[len(LEVEL) :] for name in names if name.startswith(LEVEL)}


def _levels(first: pd.Series) -> list[str]:
    """The channels that get a column, the most used first; of equal ones the first by name."""
    used = first.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return [str(code) for code in used.index[used >= RAREST * len(first)]][1 : MOST + 1]
