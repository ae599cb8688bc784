"""A landmark: a past day, what was known about each customer then, and when they bought next.

The question at a landmark L is "will they come back?". What is known by L makes the features, what
comes after L the outcome; no row is on both sides. Buying again is the event, so nobody has to be
declared lost, and nothing depends on a bound of silence.
"""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError
from cvm_analysis.least_data import Note, lacking

WEEKS_PER_YEAR = 365.25 / 7

# What one step of a feature is; a hazard ratio says what one step does. In order of preference.
STEPS = MappingProxyType(
    {
        "silence_gaps": "doubling",
        "rate": "doubling",
        "tenure_weeks": "doubling",
        "spend_mean": "doubling",
        "only_once": "yes",
        "n_categories": "one_more",
        "return_share": "ten_points",
        "late_share": "ten_points",
        "complaints_open": "one_more",
        "complaint_days": "doubling",
        "nps": "one_more",
        "satisfaction": "one_more",
    }
)


def dates(
    as_of: dt.date, first_day: dt.date, horizon_days: int
) -> tuple[list[dt.date], list[Note]]:
    """Landmarks one horizon apart whose outcome is known by `as_of`: [earlier, train, test].

    What follows each teaches the next: earlier is tried at train to choose a forecast, train at
    test to report it. No day of an outcome in training is later than the landmark it is tried at.
    With a short history the first ones are missing, with a note for what that leaves out.
    """
    days = [as_of - dt.timedelta(days=horizon_days * k) for k in (3, 2, 1)]
    history = [(day - first_day).days / 7 for day in days]
    enough = [not lacking("churn_trial", weeks=weeks) for weeks in history]
    notes = lacking("churn_trial", weeks=history[1]) or lacking("churn_choice", weeks=history[0])
    return [day for day, known in zip(days, enough, strict=True) if known], notes


def latest(as_of: dt.date, first_day: dt.date, horizon_days: int) -> dt.date:
    """The landmark to learn from for today: a year back if there is history, else one horizon."""
    for days in sorted({365, horizon_days}, reverse=True):
        landmark = as_of - dt.timedelta(days=days)
        if not lacking("churn_trial", weeks=(landmark - first_day).days / 7):
            break
    return landmark


def next_days(purchase_days: pd.DataFrame, landmark: dt.date, end: dt.date) -> pd.Series:
    """Days from the landmark to the next purchase up to `end`; customers without one are absent.

    purchase_days : one row per customer and day with a purchase: customer_id, day
    """
    day = pd.to_datetime(purchase_days["day"])
    later = purchase_days[(day > pd.Timestamp(landmark)) & (day <= pd.Timestamp(end))]
    first = day.loc[later.index].groupby(later["customer_id"]).min()
    return (first - pd.Timestamp(landmark)).dt.days.rename("next_days")


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


def features(customers: pd.DataFrame) -> pd.DataFrame:
    """What was known at the landmark about each customer who had bought.

    Parameters
    ----------
    customers : one row per customer, indexed by customer_id, columns of table `customers` as of
        the landmark; who never bought is left out. Undated attributes are not used: nobody knows
        what they were on that day.

    Returns
    -------
    One row per customer who had bought. A step of 1 is the one named in STEPS; "log2" makes it a
    doubling.
        silence_gaps : log2(1 + days since the last purchase / usual gap between purchase days);
            the usual gap is the customer's own median, drawn to that of all by two gaps' weight
        rate : log2 of purchase days per year; everyone is lent one usual gap more, or the first
            week would look like a frenzy
        tenure_weeks : log2(1 + weeks since the first purchase)
        spend_mean : log2(1 + net spend per order in the config's currency), 0 if negative
        only_once : 1 if there was only one purchase day
        n_categories, complaints_open : counts
        return_share, late_share : tenths of gross spend, of order lines; 1 is ten points
        complaint_days : log2(1 + age in days of the oldest open complaint)
        nps, satisfaction : points of their own scale
    From n_categories on, each only where `customers` has the column. No open complaint is 0; any
    other empty value is the median of this landmark's customers.
    """
    known = customers[customers["n_orders"] > 0]
    typical = _typical_gap(known)
    weeks = known["T"].astype(float)
    table = {
        "silence_gaps": np.log2(1 + known["days_since_last"] / _usual_gap(known, typical)),
        "rate": np.log2(known["n_days"] / (weeks + typical / 7) * WEEKS_PER_YEAR),
        "tenure_weeks": np.log2(1 + weeks),
        "spend_mean": np.log2(1 + known["spend_mean"].clip(lower=0)),
        "only_once": known["x"] == 0,
        **_where_present(known),
    }
    frame = pd.DataFrame(table, index=known.index).astype(float)
    frame = frame[[name for name in STEPS if name in frame]]
    asked = frame.dropna(axis=1, how="all")
    return frame.fillna(asked.median()).fillna(0.0)


def _where_present(known: pd.DataFrame) -> dict[str, pd.Series]:
    columns = known.columns.intersection(list(STEPS)).difference(["spend_mean"])
    found = {name: known[name].astype(float) for name in columns}
    for share in {"return_share", "late_share"} & found.keys():
        found[share] = 10 * found[share].clip(0, 1)
    for complaint in {"complaints_open", "complaint_days"} & found.keys():
        found[complaint] = found[complaint].fillna(0.0)
    if "complaint_days" in found:
        found["complaint_days"] = np.log2(1 + found["complaint_days"])
    return found


def _typical_gap(known: pd.DataFrame) -> float:
    """The median customer's median gap in days; a year where nobody bought on two days."""
    gaps = known["gap_median_days"].dropna()
    return float(gaps.median()) if len(gaps) else 365.25


def _usual_gap(known: pd.DataFrame, typical: float) -> pd.Series:
    own = known["gap_median_days"].astype(float).fillna(typical)
    return (known["x"] * own + 2 * typical) / (known["x"] + 2)
