"""Inactive customers by cohort of first purchase, and what changed between two days.

Cohorts are compared at the same age: an older cohort has had more time to leave, which says nothing
about its quality.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.churn import landmarks
from cvm_analysis.survival import kaplan_meier

_ACTIVE_DAYS = 365  # an active customer's last purchase is more recent


def inactive_by_cohort(
    purchase_days: pd.DataFrame, end: dt.date, inactive_days: int, age_days: int = 365
) -> pd.DataFrame:
    """Share of each quarter's new customers that is inactive at the age of `age_days`.

    Parameters
    ----------
    purchase_days : customer_id, day with a purchase; days after `end` do not count
    end : the last day that counts; a quarter appears once all its customers have reached the age
    inactive_days : inactive means no purchase in so many days before that age
    age_days : days since the first purchase

    Returns
    -------
    One row per quarter, oldest first, indexed by it (`2023Q1`): n_customers, inactive (share), low,
    high (95 % interval after Wilson, 1927, JASA 22, 209-212). Where the records start after the
    business did, the first quarters also hold older customers.
    """
    days = purchase_days[["customer_id"]].assign(day=pd.to_datetime(purchase_days["day"]))
    first = days.groupby("customer_id")["day"].min()
    due = first + pd.Timedelta(days=age_days)
    so_far = days[days["day"] <= days["customer_id"].map(due)]
    last = so_far.groupby("customer_id")["day"].max()
    inactive = (due - last).dt.days >= inactive_days
    quarter = first.dt.to_period("Q")
    complete = quarter.dt.end_time.dt.normalize() + pd.Timedelta(days=age_days)
    inactive = inactive[complete <= pd.Timestamp(end)]
    groups = inactive.groupby(quarter.loc[inactive.index].astype(str))
    n, share = groups.size(), groups.mean()
    low, high = _wilson(share, n)
    table = pd.DataFrame({"n_customers": n, "inactive": share, "low": low, "high": high})
    return table.rename_axis("cohort")


def _wilson(share: pd.Series, n: pd.Series) -> tuple[pd.Series, pd.Series]:
    z = kaplan_meier.Z
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (middle - reach).clip(lower=0), (middle + reach).clip(upper=1)


class Change(NamedTuple):
    """Inactive shares after two days, and the parts of their difference; `compare` makes one."""

    groups: (
        pd.DataFrame
    )  # one row per group: n_before, inactive_before, n_now, inactive_now, change
    before: float  # inactive share of all customers after the first day
    now: float  # after the second day
    within: float  # part of the difference: shares within groups changed
    mix: float  # part of the difference: sizes of groups changed


def follow_up(
    customers: pd.DataFrame, purchase_days: pd.DataFrame, day: dt.date, horizon_days: int
) -> pd.DataFrame:
    """Keep customers with a purchase within a year before a day; add `inactive` (1 or 0) after it.

    The inactive share of all customers ever would grow with the age of the business alone.

    customers : one row per customer as of the day: days_since_last
    purchase_days : customer_id, day with a purchase, up to the end of the horizon or longer
    """
    end = day + dt.timedelta(days=horizon_days)
    active = customers[customers["days_since_last"].astype(float) < _ACTIVE_DAYS]
    next_days = landmarks.next_days(purchase_days, day, end).reindex(active.index)
    return active.assign(inactive=next_days.isna().astype(float))


def days_to_compare(as_of: dt.date, horizon_days: int) -> tuple[dt.date, dt.date]:
    """Find the last day whose horizon is over, and return the day a year before it, and it."""
    last = as_of - dt.timedelta(days=horizon_days)
    return last - dt.timedelta(days=365), last


def compare(before: pd.DataFrame, now: pd.DataFrame, by: str) -> Change:
    """Decompose the change of the inactive share between two days, best a year apart.

    Source: Kitagawa (1955), "Components of a Difference Between Two Rates", JASA 50, 1168-1194:
    changes of shares weighted by mean group size, plus changes of sizes weighted by mean share.

    Parameters
    ----------
    before, now : one row per customer of each day, as `follow_up` returns: inactive, and
        `by`, the group on that day; rows without a group are left out

    Returns
    -------
    A Change, groups sorted by `change`, largest first. A day without customers has no share. A
    group that is absent on one day has no share there, and its whole effect counts as mix.
    """
    sides = {}
    for side, customers in (("before", before), ("now", now)):
        inactive = customers.groupby(by)["inactive"]
        sides[f"n_{side}"], sides[f"inactive_{side}"] = inactive.size(), inactive.mean()
    groups = pd.DataFrame(sides).rename_axis("segment")
    counts = groups[["n_before", "n_now"]].fillna(0)
    sizes = counts / counts.sum()
    shares = groups[["inactive_before", "inactive_now"]].ffill(axis=1).bfill(axis=1)
    within = (shares["inactive_now"] - shares["inactive_before"]) * sizes.mean(axis=1)
    mix = (sizes["n_now"] - sizes["n_before"]) * shares.mean(axis=1)
    groups[counts.columns] = counts.astype(int)
    groups["change"] = groups["inactive_now"] - groups["inactive_before"]
    return Change(
        groups=groups.sort_values("change", ascending=False, kind="stable"),
        before=float((sizes["n_before"] * shares["inactive_before"]).sum(min_count=1)),
        now=float((sizes["n_now"] * shares["inactive_now"]).sum(min_count=1)),
        within=float(within.sum(min_count=1)),
        mix=float(mix.sum(min_count=1)),
    )
