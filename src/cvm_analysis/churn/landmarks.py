"""A landmark: a past day that divides features (known by then) from outcomes (after it).

The event is the next purchase, so the outcome does not depend on a lapse threshold.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pandas as pd

from cvm_analysis.errors import InputError


def next_days(purchase_days: pd.DataFrame, landmark: dt.date, end: dt.date) -> pd.Series:
    """Count the days from the landmark to each customer's next purchase up to `end`.

    purchase_days : one row per customer and day with a purchase: customer_id, day

    Indexed by customer_id; customers without a purchase are absent.
    """
    day = pd.to_datetime(purchase_days["day"], cache=False)  # mostly dates already
    later = (day > pd.Timestamp(landmark)) & (day <= pd.Timestamp(end))
    first = day[later].groupby(purchase_days.loc[later, "customer_id"]).min()
    return (first - pd.Timestamp(landmark)).dt.days.rename("next_days")


def stack(
    purchase_days: pd.DataFrame, customers: Mapping[dt.date, pd.Index], end: dt.date
) -> pd.DataFrame:
    """Stack the outcomes of several landmarks, each observed until `end`.

    Parameters
    ----------
    purchase_days : one row per customer and day with a purchase: customer_id, day
    customers : landmark -> customer_id of its customers
    end : the last day that is known

    Returns
    -------
    One row per landmark and customer, indexed by both; columns of `outcome`. A customer has a row
    per landmark, so errors and folds must be by customer_id.
    """
    parts = {
        landmark: outcome(
            next_days(purchase_days, landmark, end).reindex(ids), (end - landmark).days
        )
        for landmark, ids in customers.items()
    }
    return pd.concat(parts, names=["landmark", "customer_id"])


def outcome(next_days: pd.Series, observed_days: int) -> pd.DataFrame:
    """Convert days to the next purchase into the outcome of a survival analysis.

    Parameters
    ----------
    next_days : 1 or more, indexed by customer_id; empty without a purchase
    observed_days : days observed after the landmark

    Returns
    -------
    Same index; duration (days, at most observed_days), event (1: bought again, 0: censored).

    Raises
    ------
    InputError : no day observed, or a purchase that is not after the landmark
    """
    early = int((next_days < 1).sum())
    if observed_days < 1 or early:
        raise InputError(
            f"{early:,} of {len(next_days):,} next purchases are not after the landmark and "
            f"{observed_days} days were observed; the outcome starts the day after the landmark"
        )
    event = next_days <= observed_days
    duration = next_days.where(event, observed_days).astype(float)
    return pd.DataFrame({"duration": duration, "event": event.astype(int)})
