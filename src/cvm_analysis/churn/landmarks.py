"""A landmark: a past day, what was known about each customer then, and when they bought next.

The question at a landmark L is "will they come back?". What is known by L makes the features, what
comes after L the outcome; no row is on both sides. Buying again is the event, so nobody has to be
declared lost, and nothing depends on a bound of silence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pandas as pd

from cvm_analysis.errors import InputError


def next_days(purchase_days: pd.DataFrame, landmark: dt.date, end: dt.date) -> pd.Series:
    """Days from the landmark to the next purchase up to `end`; customers without one are absent.

    purchase_days : one row per customer and day with a purchase: customer_id, day
    """
    day = pd.to_datetime(purchase_days["day"])
    later = (day > pd.Timestamp(landmark)) & (day <= pd.Timestamp(end))
    first = day[later].groupby(purchase_days.loc[later, "customer_id"]).min()
    return (first - pd.Timestamp(landmark)).dt.days.rename("next_days")


def stack(
    purchase_days: pd.DataFrame, customers: Mapping[dt.date, pd.Index], end: dt.date
) -> pd.DataFrame:
    """What came after several landmarks, one below the other, each watched until `end`.

    Parameters
    ----------
    purchase_days : one row per customer and day with a purchase: customer_id, day
    customers : landmark -> customer_id of who is modelled there
    end : the last day that is known; for a trial the landmark it is tried at

    Returns
    -------
    One row per landmark and customer, indexed by both; columns of `outcome`. A customer has as many
    rows as landmarks: errors are clustered by customer_id, and folds are by customer_id too,
    or a customer would be learned from and tried at once.
    """
    parts = {
        landmark: outcome(
            next_days(purchase_days, landmark, end).reindex(known), (end - landmark).days
        )
        for landmark, known in customers.items()
    }
    return pd.concat(parts, names=["landmark", "customer_id"])


def outcome(next_days: pd.Series, observed_days: int) -> pd.DataFrame:
    """What came after the landmark, as survival analysis takes it.

    Parameters
    ----------
    next_days : days from the landmark to the next purchase, 1 or more, indexed by customer_id;
        empty where none came (reindex to the customers of the landmark)
    observed_days : days watched after the landmark

    Returns
    -------
    Same index; duration (days, at most observed_days), event (1: bought again, 0: watch ended).

    Raises
    ------
    InputError : nothing watched, or a purchase that is not after the landmark
    """
    early = int((next_days < 1).sum())
    if observed_days < 1 or early:
        raise InputError(
            f"{early:,} of {len(next_days):,} next purchases are not after the landmark and "
            f"{observed_days} days were watched; the outcome starts the day after the landmark"
        )
    event = next_days <= observed_days
    duration = next_days.where(event, observed_days).astype(float)
    return pd.DataFrame({"duration": duration, "event": event.astype(int)})
