"""When a customer counts as lapsed, and how long customers keep buying.

A customer lapses on the day that completes `threshold_days` without a purchase, never on the last
purchase: on that day nobody could know. So no curve falls in the first `threshold_days` days. No
purchase mixes leaving with a low purchase rate, so effects on lapses are smaller than effects on
leaving.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from cvm_analysis.errors import FitError
from cvm_analysis.minimum_data import Note, shortfalls
from cvm_analysis.survival.kaplan_meier import (
    check_outcome,
    kaplan_meier,
    product_limit,
    survival_at,
)
from cvm_analysis.typed import settings

THRESHOLDS = (30, 60, 90, 120, 180, 270, 365, 545, 730)  # days


@settings
class Churn:
    """The settings of churn.

    lapse_days : days without a purchase that make a lapse; `auto`: see `find_threshold`
    horizon_days : the churn risk is that of no purchase within so many days
    win_back_days : the watch list leaves out customers without an order for so long
    """

    lapse_days: Annotated[int, Field(gt=0)] | Literal["auto"] = "auto"
    horizon_days: Annotated[int, Field(gt=0)] = 180
    win_back_days: Annotated[int, Field(gt=0)] = 180


def inactivity_spells(purchase_days: pd.DataFrame, end: dt.date) -> pd.DataFrame:
    """List the spells without a purchase: one row per customer and purchase day, sorted by both.

    purchase_days : customer_id, day with a purchase (repeated days count once); days after `end`
        are left out

    Returns
    -------
    customer_id, day, duration (days until the next purchase day, or until `end`), event (1 if the
    customer returned, 0 if still inactive at `end`).
    """
    table = purchase_days[["customer_id"]].assign(day=pd.to_datetime(purchase_days["day"]))
    table = table[table["day"] <= pd.Timestamp(end)].drop_duplicates()
    table = table.sort_values(["customer_id", "day"], ignore_index=True)
    following = table.groupby("customer_id")["day"].shift(-1)
    until = following.fillna(pd.Timestamp(end))
    duration = (until - table["day"]).dt.days
    return table.assign(duration=duration, event=following.notna().astype(int))


def candidate_thresholds(
    spells: pd.DataFrame, thresholds: Sequence[int] = THRESHOLDS, follow_days: int = 365
) -> pd.DataFrame:
    """Compute how often customers return after spells as long as each threshold.

    Parameters
    ----------
    spells : duration, event, as `inactivity_spells` returns
    thresholds : days to try
    follow_days : days after the threshold in which a return counts

    Returns
    -------
    One row per threshold: threshold_days; n_spells that lasted as long; return_rate of them within
    follow_days (Kaplan-Meier), empty where no spell was observed for as long.
    """
    columns = ["threshold_days", "n_spells", "return_rate"]
    if spells.empty:
        return pd.DataFrame(columns=columns)
    curve = product_limit(check_outcome(spells, spells.index))
    longest = spells["duration"].max()
    rows = []
    for days in thresholds:
        n = ((spells["duration"] + 1 - spells["event"]) > days).sum()
        observed = days + follow_days <= longest
        before, after = survival_at(curve, [days, days + follow_days]) if observed else (1, np.nan)
        rows.append((days, int(n), 1 - after / before if before > 0 else np.nan))
    return pd.DataFrame(rows, columns=columns)


def find_threshold(candidates: pd.DataFrame, max_return_rate: float = 0.10) -> int:
    """Find the smallest threshold after which at most this share of customers returned.

    Thresholds with too few spells do not count (see `minimum_data`).

    Raises
    ------
    FitError : there is none; the purchases are too rare or the history too short
    """
    enough = (
        candidates["n_spells"]
        .map(lambda n: not shortfalls("lapse_threshold", spells=n))
        .astype(bool)
    )
    rare = candidates["return_rate"] <= max_return_rate
    found = candidates.loc[rare & enough, "threshold_days"]
    if found.empty:
        rates = candidates.set_index("threshold_days")["return_rate"].dropna()
        tried = ", ".join(f"{days} days: {rate:.0%}" for days, rate in rates.items())
        raise FitError(
            f"no lapse threshold: after every one tried, more than {max_return_rate:.0%} returned "
            f"({tried or 'the history is too short to try one'}); set churn.lapse_days"
        )
    return int(found.min())


def choose_threshold(
    candidates: pd.DataFrame, lapse_days: int | Literal["auto"]
) -> tuple[int | None, list[Note]]:
    """Take the threshold of the config, else find one; None and a note where there is none."""
    if lapse_days != "auto":
        return lapse_days, []
    try:
        return find_threshold(candidates), []
    except FitError:
        return None, [Note("churn", "no_lapse_threshold")]


def is_lapsed(days_since_last: pd.Series, threshold_days: int) -> pd.Series:
    """Flag customers without a purchase for `threshold_days`; False for those who never bought."""
    return (days_since_last.astype(float) >= threshold_days).rename("lapsed")


def purchase_spells(
    purchase_days: pd.DataFrame, end: dt.date, threshold_days: int | None
) -> pd.DataFrame:
    """List the spells of buying: from a purchase until the lapse, or until `end`.

    Parameters
    ----------
    purchase_days : customer_id, day with a purchase
    end : the last day that counts
    threshold_days : days without a purchase that end a spell; a return starts a new one. None: no
        spells

    Returns
    -------
    One row per spell: customer_id, spell (1, 2, ...), started_on, duration (days from the first
    purchase to the lapse, or to `end`), event (1 if lapsed, 0 if still buying at `end`).
    """
    table = inactivity_spells(purchase_days, end)
    if threshold_days is None:
        table, threshold_days = table.head(0), 0
    # a purchase on the very day of the threshold prevents the lapse
    table["lapse"] = (table["duration"] + 1 - table["event"] > threshold_days).astype(int)
    table["spell"] = 1 + table.groupby("customer_id")["lapse"].cumsum() - table["lapse"]
    active = pd.to_timedelta(table["duration"].clip(upper=threshold_days), unit="D")
    table["until"] = table["day"] + active
    spells = table.groupby(["customer_id", "spell"], as_index=False).agg(
        started_on=("day", "min"), until=("until", "last"), event=("lapse", "last")
    )
    spells["duration"] = (spells.pop("until") - spells["started_on"]).dt.days
    return spells[["customer_id", "spell", "started_on", "duration", "event"]]


def first_channel(customers: pd.DataFrame) -> pd.Series:
    """Return the channel of each customer's first purchase; `unknown` where not recorded."""
    return customers.reindex(columns=["first_channel"])["first_channel"].fillna("unknown")


def survival_curves(spells: pd.DataFrame, groups: pd.Series | None = None) -> pd.DataFrame:
    """Estimate the share still buying, by week, for each segment (Kaplan-Meier).

    spells : as `purchase_spells` returns
    groups : segment of each customer_id when the spells started (region, channel of acquisition);
        today's RFM segment would leak the future. None: all together

    Returns
    -------
    One row per segment and week: segment, week (0, 1, ...), survival, low, high (95 %), n_at_risk.
    Intervals take spells as independent and are a little narrow.
    """
    by_spell = None if groups is None else spells["customer_id"].map(groups)
    table = kaplan_meier(spells, by_spell, step=7)
    table.insert(1, "week", (table.pop("duration") / 7).astype(int))
    return table
