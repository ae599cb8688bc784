"""What members of campaigns did after their assignment, and before it, from plain daily tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.strategy.arm_difference import Measure


class Criterion(NamedTuple):
    """How the success of an action is measured, and what its effect multiplies.

    measure : margin or purchase; within_days : after the day of assignment, which counts
    multiplies : what the action's effect is a share of (expected_margin, ...), or purchase
    """

    measure: Measure
    within_days: int
    multiplies: str


def by_measure(daily: pd.DataFrame) -> dict[Measure, pd.DataFrame]:
    """Split `Prepared.daily_margin` into the daily figures of each measure: margin, or 1."""
    keys = ["customer_id", "day"]
    bought = daily.loc[daily["purchases"] > 0, keys].assign(amount=1.0)
    return {"margin": daily[[*keys, "amount"]], "purchase": bought}


def add_classes(
    members: pd.DataFrame,
    customers_on: Callable[[dt.date], pd.DataFrame],
    classify: Callable[[pd.DataFrame], pd.Series],
) -> pd.DataFrame:
    """Add the segment of each member on the day of assignment; empty where it is unknown.

    members : one row per customer and campaign: customer_id, at
    customers_on : the customers as of a day, indexed by customer_id; classify : their classes
    """
    found = pd.Series(None, members.index, dtype=object)
    for day, rows in members.groupby(pd.to_datetime(members["at"])):
        of_day = classify(customers_on(pd.Timestamp(day).date()))
        found[rows.index] = rows["customer_id"].map(of_day)
    return members.assign(segment=found)


def add_outcomes(
    members: pd.DataFrame,
    daily: Mapping[Measure, pd.DataFrame],
    criteria: Mapping[str, Criterion],
    before_days: int = 365,
) -> pd.DataFrame:
    """Add outcome and before, from daily figures, to each member of a campaign.

    Parameters
    ----------
    members : one row per customer and campaign: customer_id, action, at (day of assignment)
    daily : by measure: one row per customer and day: customer_id, day, amount. Of `margin` the
        margin of the day, of `purchase` 1
    criteria : by action; members of other actions get empty figures
    before_days : length of the period before `at`

    Returns
    -------
    The same rows; outcome: margin in [at, at + within_days), or 1 if there was a purchase in it,
    else 0; before: margin, or number of days with a purchase, in [at - before_days, at).
    """
    found = members.assign(outcome=np.nan, before=np.nan).reset_index(drop=True)
    for measure, figures in daily.items():
        actions = [code for code, each in criteria.items() if each.measure == measure]
        rows = found[found["action"].isin(actions)]
        within = rows["action"].map({code: criteria[code].within_days for code in actions})
        after = _sum_between(rows, figures, 0 * within, within)
        outcome = (after > 0).astype(float) if measure == "purchase" else after
        before = _sum_between(rows, figures, 0 * within - before_days, 0 * within)
        found.loc[rows.index, "outcome"] = outcome
        found.loc[rows.index, "before"] = before
    return found.set_axis(members.index)


def _sum_between(
    rows: pd.DataFrame, daily: pd.DataFrame, start: pd.Series, end: pd.Series
) -> pd.Series:
    """Sum of amount in [at + start, at + end), in days, of each row."""
    dates = pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "row": np.arange(len(rows)),
            "at": pd.to_datetime(rows["at"]),
            "start": start,
            "end": end,
        }
    )
    joined = dates.merge(daily[["customer_id", "day", "amount"]], on="customer_id")
    days = (pd.to_datetime(joined["day"]) - joined["at"]).dt.days
    inside = joined[(days >= joined["start"]) & (days < joined["end"])]
    sums = np.bincount(inside["row"], inside["amount"].astype(float), len(rows))
    return pd.Series(sums, rows.index)


def find_overlaps(members: pd.DataFrame, criteria: Mapping[str, Criterion]) -> pd.Series:
    """Which members were treated in another campaign whose window overlaps; True or False."""
    within = members["action"].map({code: each.within_days for code, each in criteria.items()})
    start = pd.to_datetime(members["at"])
    dates = pd.DataFrame(
        {
            "customer_id": members["customer_id"],
            "campaign_id": members["campaign_id"],
            "row": np.arange(len(members)),
            "start": start,
            "end": start + pd.to_timedelta(within.fillna(1), unit="D"),
        }
    )
    treated = dates[(members["arm"] == "treated").to_numpy()]
    pairs = dates.merge(treated, on="customer_id", suffixes=("", "_other"))
    met = pairs[
        (pairs["campaign_id"] != pairs["campaign_id_other"])
        & (pairs["start_other"] < pairs["end"])
        & (pairs["start"] < pairs["end_other"])
    ]
    return pd.Series(np.isin(np.arange(len(members)), met["row"]), members.index)
