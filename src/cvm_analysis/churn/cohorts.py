"""Who fell silent, by when they first bought, and what changed between two days.

Silence is compared at the same age: a cohort that has had longer to leave has lost more, which says
nothing about its quality.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.churn import landmarks
from cvm_analysis.survival import kaplan_meier


def inactive_by_cohort(
    purchase_days: pd.DataFrame, end: dt.date, silence_days: int, age_days: int = 365
) -> pd.DataFrame:
    """The share of each quarter's new customers that was silent when `age_days` had passed.

    Parameters
    ----------
    purchase_days : customer_id, day with a purchase; later than `end` is not yet known
    end : the last day that counts; a quarter is left out until all of its customers have the age
    silence_days : without a purchase in so many days up to that day a customer is silent
    age_days : days from the first purchase to the day on which all are compared

    Returns
    -------
    One row per quarter, oldest first, indexed by it (`2023Q1`): n_customers, silent (share), low,
    high (its 95 % interval after Wilson, 1927, JASA 22, 209-212). Where the records begin in
    mid-business the first quarters hold customers who were there before.
    """
    days = purchase_days[["customer_id"]].assign(day=pd.to_datetime(purchase_days["day"]))
    first = days.groupby("customer_id")["day"].min()
    due = first + pd.Timedelta(days=age_days)
    so_far = days[days["day"] <= days["customer_id"].map(due)]
    last = so_far.groupby("customer_id")["day"].max()
    quiet = (due - last).dt.days >= silence_days
    quarter = first.dt.to_period("Q")
    complete = quarter.dt.end_time.dt.normalize() + pd.Timedelta(days=age_days)
    quiet = quiet[complete <= pd.Timestamp(end)]
    groups = quiet.groupby(quarter.loc[quiet.index].astype(str))
    n, share = groups.size(), groups.mean()
    low, high = _wilson(share, n)
    table = pd.DataFrame({"n_customers": n, "silent": share, "low": low, "high": high})
    return table.rename_axis("cohort")


def _wilson(share: pd.Series, n: pd.Series) -> tuple[pd.Series, pd.Series]:
    z = kaplan_meier.Z
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (middle - reach).clip(lower=0), (middle + reach).clip(upper=1)


class Change(NamedTuple):
    """Shares of customers who fell silent after two days, and what the difference is made of."""

    groups: pd.DataFrame  # one row per group: n_before, silent_before, n_now, silent_now, change
    before: float  # share silent of all customers of the first day
    now: float  # the same of the second
    within: float  # of the difference: that groups became more or less silent
    mix: float  # of the difference: that there are more customers of silent or of lively groups


def follow_up(
    customers: pd.DataFrame, purchase_days: pd.DataFrame, day: dt.date, horizon_days: int
) -> pd.DataFrame:
    """Keep who had bought within a year before a day, with what came after; see `active_customers`.

    customers : one row per customer as of the day
    purchase_days : customer_id, day with a purchase, up to the end of the horizon or longer
    """
    end = day + dt.timedelta(days=horizon_days)
    came = landmarks.next_days(purchase_days, day, end).reindex(customers.index)
    return active_customers(customers, came.isna().astype(float))


def active_customers(
    customers: pd.DataFrame, silent: pd.Series, within_days: int = 365
) -> pd.DataFrame:
    """Keep who had bought within a year before a day, with what came after: the column
    `inactive_by_cohort`.

    Among all who ever bought the share of silent ones grows with the age of the business alone.

    customers : one row per customer as of the day: days_since_last; silent : 1 for who did not buy
    within the horizon after it, else 0
    """
    kept = customers[customers["days_since_last"].astype(float) < within_days]
    return kept.assign(silent=silent.reindex(kept.index).astype(float))


def days_to_compare(as_of: dt.date, horizon_days: int) -> tuple[dt.date, dt.date]:
    """Name the last day from which a horizon is over, and the day a year before it; that first."""
    last = as_of - dt.timedelta(days=horizon_days)
    return last - dt.timedelta(days=365), last


def compare(before: pd.DataFrame, now: pd.DataFrame, by: str) -> Change:
    """What changed between two days, by segment; best a year apart, for seasons also change.

    The difference of the two shares is the sum of two parts: shares within groups moved, weighed by
    the mean size of each group, and sizes moved, weighed by the mean share. Source: Kitagawa
    (1955), "Components of a Difference Between Two Rates", JASA 50, 1168-1194.

    Parameters
    ----------
    before, now : one row per customer of each day, as `active_customers` makes them: silent (0 or
        1) and `by`, the group as known on the day; who has no group is left out

    Returns
    -------
    A Change; a day without customers has no share. The groups are sorted by `change`, worst first;
    shares of a group that was not there on one of the days are empty, and all it changes is mix.
    """
    sides = {}
    for side, customers in (("before", before), ("now", now)):
        met = customers.groupby(by)["silent"]
        sides[f"n_{side}"], sides[f"silent_{side}"] = met.size(), met.mean()
    groups = pd.DataFrame(sides).rename_axis("segment")
    counts = groups[["n_before", "n_now"]].fillna(0)
    sizes = counts / counts.sum()
    shares = groups[["silent_before", "silent_now"]].ffill(axis=1).bfill(axis=1)
    within = (shares["silent_now"] - shares["silent_before"]) * sizes.mean(axis=1)
    mix = (sizes["n_now"] - sizes["n_before"]) * shares.mean(axis=1)
    groups[counts.columns] = counts.astype(int)
    groups["change"] = groups["silent_now"] - groups["silent_before"]
    return Change(
        groups=groups.sort_values("change", ascending=False, kind="stable"),
        before=float((sizes["n_before"] * shares["silent_before"]).sum(min_count=1)),
        now=float((sizes["n_now"] * shares["silent_now"]).sum(min_count=1)),
        within=float(within.sum(min_count=1)),
        mix=float(mix.sum(min_count=1)),
    )
