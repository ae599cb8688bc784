"""How long a silence may last before a customer counts as lapsed, and how long buyers stay.

A customer is lapsed on the first day that makes `find_threshold` days without a purchase, and the
lapse is dated on that day, never on the last purchase: on the day of the last purchase nobody
could know. By construction nobody lapses in the first `find_threshold` days; a curve starts to
fall only there. Silence mixes leaving with a slow rhythm, so effects on lapses are smaller than
effects on leaving.
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

BOUNDS = (30, 60, 90, 120, 180, 270, 365, 545, 730)  # days


@settings
class Churn:
    """What counts as silence.

    silence_days : without a purchase in so many days a customer has lapsed; `auto`: see `threshold`
    horizon_days : the risk of silence is that of no purchase within so many days
    """

    silence_days: Annotated[int, Field(gt=0)] | Literal["auto"] = "auto"
    horizon_days: Annotated[int, Field(gt=0)] = 180


def inactivity_spells(purchase_days: pd.DataFrame, end: dt.date) -> pd.DataFrame:
    """One row per silence, that is per customer and purchase day, sorted by both.

    purchase_days : customer_id, day with a purchase (repeated days count once); later than `end`
        is not yet known and left out

    Returns
    -------
    customer_id, day, duration : days until the next purchase day, or until `end`
    event : 1 if they came back, 0 if still silent at `end`
    """
    table = purchase_days[["customer_id"]].assign(day=pd.to_datetime(purchase_days["day"]))
    table = table[table["day"] <= pd.Timestamp(end)].drop_duplicates()
    table = table.sort_values(["customer_id", "day"], ignore_index=True)
    following = table.groupby("customer_id")["day"].shift(-1)
    until = following.fillna(pd.Timestamp(end))
    return table.assign(
        duration=(until - table["day"]).dt.days, event=following.notna().astype(int)
    )


def candidate_thresholds(
    silences: pd.DataFrame, bounds: Sequence[int] = BOUNDS, follow_days: int = 365
) -> pd.DataFrame:
    """How often a customer came back after a silence as long as each bound.

    Parameters
    ----------
    silences : duration (days), event (1 if they came back); columns as `inactivity_spells` gives
    bounds : days to try
    follow_days : how long after the bound a comeback counts

    Returns
    -------
    One row per bound: bound_days; n_silences that lasted as long; comeback_share of them within
    follow_days (Kaplan-Meier, for some were not watched to the end), empty where none was watched
    as long.
    """
    if silences.empty:
        return pd.DataFrame(columns=["bound_days", "n_silences", "comeback_share"])
    curve = product_limit(check_outcome(silences, silences.index))
    longest = silences["duration"].max()
    rows = []
    for bound in bounds:
        n = ((silences["duration"] + 1 - silences["event"]) > bound).sum()
        seen = bound + follow_days <= longest
        still, then = survival_at(curve, [bound, bound + follow_days]) if seen else (1.0, np.nan)
        rows.append((bound, int(n), 1 - then / still if still > 0 else np.nan))
    return pd.DataFrame(rows, columns=["bound_days", "n_silences", "comeback_share"])


def find_threshold(candidates: pd.DataFrame, comebacks: float = 0.10) -> int:
    """The smallest bound after which at most this share came back; 0.10 is one in ten.

    A bound that too few silences lasted as long as tells nothing (see `minimum_data`).

    Raises
    ------
    FitError : there is none; a business this slow, or a history this short, needs one set by hand
    """
    n = candidates["n_silences"]
    told = n.map(lambda n: not shortfalls("lapse_threshold", spells=n)).astype(bool)
    enough = candidates.loc[(candidates["comeback_share"] <= comebacks) & told, "bound_days"]
    if enough.empty:
        shares = candidates.set_index("bound_days")["comeback_share"].dropna()
        tried = ", ".join(f"{b} days: {share:.0%}" for b, share in shares.items())
        raise FitError(
            f"no lapse threshold: after every one tried, more than {comebacks:.0%} returned "
            f"({tried or 'the history is too short to try one'}); set churn.silence_days"
        )
    return int(enough.min())


def threshold(
    candidates: pd.DataFrame, silence_days: int | Literal["auto"]
) -> tuple[int | None, list[Note]]:
    """The bound of the config, else the one the gaps give; None and a note where they give none."""
    if silence_days != "auto":
        return silence_days, []
    try:
        return find_threshold(candidates), []
    except FitError:
        return None, [Note("churn", "no_lapse_threshold")]


def is_lapsed(days_since_last: pd.Series, bound: int) -> pd.Series:
    """Whether each customer has been silent for `find_threshold` days; False for who never
    bought."""
    return (days_since_last.astype(float) >= bound).rename("lapsed")


def purchase_spells(purchase_days: pd.DataFrame, end: dt.date, bound: int | None) -> pd.DataFrame:
    """One row per spell of buying: from a purchase until a silence passes the bound, or `end`.

    Parameters
    ----------
    purchase_days : customer_id, day with a purchase
    end : the last day that counts
    bound : days of silence that end a spell; who comes back later begins a new one. None: no
        silence is called a lapse, and there are no spells

    Returns
    -------
    customer_id, spell (1, 2, ...), started_on
    duration : days from the first purchase to the lapse (last purchase + bound), or to `end`
    event : 1 if lapsed, 0 if still buying at `end`
    """
    table = inactivity_spells(purchase_days, end)
    if bound is None:
        table, bound = table.head(0), 0
    passed = table["duration"] + 1 - table["event"] > bound  # back on that very day is no lapse
    table["lapse"] = passed.astype(int)
    table["spell"] = 1 + table.groupby("customer_id")["lapse"].cumsum() - table["lapse"]
    table["until"] = table["day"] + pd.to_timedelta(table["duration"].clip(upper=bound), unit="D")
    ended = table.groupby(["customer_id", "spell"], as_index=False).agg(
        started_on=("day", "min"), until=("until", "last"), event=("lapse", "last")
    )
    ended["duration"] = (ended.pop("until") - ended["started_on"]).dt.days
    return ended[["customer_id", "spell", "started_on", "duration", "event"]]


def first_channel(customers: pd.DataFrame) -> pd.Series:
    """The channel of each customer's first purchase; `unknown` where it is not recorded."""
    return customers.reindex(columns=["first_channel"])["first_channel"].fillna("unknown")


def survival_curves(spells: pd.DataFrame, groups: pd.Series | None = None) -> pd.DataFrame:
    """Kaplan-Meier of the time to lapse: the share still buying, by week, for each segment.

    spells : as `purchase_spells` gives
    groups : segment of each customer_id, as known when their spells began (region, channel of
        acquisition); today's RFM segment would look into the future. None: all together

    Returns
    -------
    One row per segment and week: segment, week (0, 1, ...), survival, low, high (95 %), n_at_risk.
    Spells of one customer are taken as independent, so the intervals are a little narrow.
    """
    by_spell = None if groups is None else spells["customer_id"].map(groups)
    table = kaplan_meier(spells, by_spell, step=7)
    weeks = (table.pop("duration") / 7).astype(int)
    table.insert(1, "week", weeks)
    return table
