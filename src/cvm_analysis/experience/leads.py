"""Leads: how far they came, how many were won, and which are due to be followed up.

A lead is won or lost, whichever comes first; one that is neither is open, and censored. A lead with
a customer_id is that customer or prospect; others count in the funnel only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from cvm_analysis.survival import cumulative_incidence
from cvm_analysis.typed import settings

OPEN = "open"
KNOWN_ON = ("source", "owner", "stage", "furthest", "age", "in_stage", "value")  # of open leads
_KNOWN = ("source", "owner", "region", "value", "customer_id")


@settings
class Stage:
    """A stage of leads, and within how many days of entering it the next contact is due."""

    code: str
    follow_up_days: Annotated[int, Field(ge=0)] | None = None
    en: str | None = None
    zh: str | None = None


@settings
class Leads:
    """The stages of leads, first one first, and the horizon of their forecast."""

    stages: tuple[Stage, ...] = ()
    horizon_days: Annotated[int, Field(gt=0)] = 90


def find_stages(leads: pd.DataFrame, stages: Sequence[Stage]) -> list[str]:
    """List the codes of all stages, first one first.

    Those of the config in its order; others, and all without a config, after the median days from
    the lead to the stage.
    """
    listed = [each.code for each in stages]
    rows = leads[leads["stage"].notna() & ~leads["stage"].isin(listed)]
    since = (_day(rows["stage_at"]) - _day(rows["created_on"])).dt.days.fillna(0)
    median = since.groupby(rows["stage"]).median().reset_index()
    return [*listed, *median.sort_values([median.columns[1], "stage"])["stage"]]


def latest(leads: pd.DataFrame, order: Sequence[str], as_of: dt.date) -> pd.DataFrame:
    """Describe each lead as it was known on a day.

    Parameters
    ----------
    leads : the raw table: one row per lead and stage, or per lead in its last stage
    order : as `find_stages` returns

    Returns
    -------
    One row per lead by as_of, indexed by lead_id: created_on, source, owner, region, value,
    customer_id (as last recorded; empty if not), stage and stage_at (the last one entered by then;
    empty if only a later one is recorded), furthest (number of the furthest stage entered, 0 the
    first; -1: none), outcome (won, lost, open), closed_on (empty: open), days (from coming in to
    closing, or to as_of).
    """
    return latest_on(leads, order, [as_of]).droplevel("day")


def latest_on(leads: pd.DataFrame, order: Sequence[str], days: Sequence[dt.date]) -> pd.DataFrame:
    """Describe each lead on each of several days: as `latest`, indexed by day and lead_id."""
    rows = leads.assign(
        created_on=_day(leads["created_on"]),
        closed_on=_day(leads["closed_on"]) if "closed_on" in leads else pd.NaT,
        outcome=leads.get("outcome", pd.Series(None, leads.index, dtype=object)),
    )
    rows["stage_at"] = _day(leads["stage_at"]).fillna(rows["created_on"])
    rows["number"] = rows["stage"].map({code: i for i, code in enumerate(order)}).fillna(-1)
    rows = rows.reindex(columns=[*rows, *set(_KNOWN) - {*rows}])
    rows = rows.sort_values(["stage_at", "number"], kind="stable")
    rows = rows.merge(pd.DataFrame({"day": pd.to_datetime(list(days))}), how="cross")
    return _describe(rows[rows["created_on"] <= rows["day"]])


def _describe(rows: pd.DataFrame) -> pd.DataFrame:
    """Describe each lead of a day; rows : one per day, lead and stage, in order of stages."""
    key = ["day", "lead_id"]
    by_lead, is_known = rows.groupby(key, sort=True), rows["stage_at"] <= rows["day"]
    found, known = by_lead["created_on"].min().to_frame(), rows[is_known]
    alone = rows[~is_known.groupby([rows[name] for name in key]).transform("any").astype(bool)]
    alone = alone.assign(owner=None, value=np.nan, customer_id=None)  # may be of later
    last = pd.concat([known, alone.astype(known.dtypes)]).groupby(key).last()
    found = found.join(last[list(_KNOWN)])
    by_known = known.groupby(key)
    found = found.join(by_known[["stage", "stage_at"]].last())
    found["furthest"] = by_known["number"].max().reindex(found.index).fillna(-1).astype(int)
    day = found.index.get_level_values("day").to_series(found.index)
    closed_on, outcome = by_lead["closed_on"].min(), by_lead["outcome"].last()
    is_closed = (closed_on <= day) & outcome.isin(["won", "lost"])
    found["outcome"] = outcome.where(is_closed, OPEN)
    found["closed_on"] = closed_on.where(is_closed)
    found["days"] = (found["closed_on"].fillna(day) - found["created_on"]).dt.days
    return found


def _day(days: pd.Series) -> pd.Series:
    return pd.to_datetime(days, cache=False)


def funnel(latest: pd.DataFrame, order: Sequence[str], by: str | None = None) -> pd.DataFrame:
    """Count how far leads came.

    by : source, owner or region; None: all leads together, segment `all`

    Returns
    -------
    One row per segment and stage, in order, and one with stage `won`: segment, stage, n_reached
    (entered it or a later one; a lead that was won passed all), share (of all leads), share_of_last
    (of those who reached the stage before), n_open and n_lost (whose furthest stage it is).
    Leads without a segment are in that of `unknown`.
    """
    segment = latest[by].fillna("unknown") if by else pd.Series("all", latest.index)
    is_won = latest["outcome"] == "won"
    reached = latest["furthest"].mask(is_won, len(order))
    rows = []
    for name, each in reached.groupby(segment):
        outcome = latest.loc[each.index, "outcome"]
        n_before = len(each)
        for number, stage in enumerate([*order, "won"]):
            n = int((each >= number).sum())
            here = outcome[each == number]
            counts = [int((here == code).sum()) for code in (OPEN, "lost")]
            ratio = n / n_before if n_before else np.nan
            rows.append((name, stage, n, n / len(each), ratio, *counts))
            n_before = n
    columns = ["segment", "stage", "n_reached", "share", "share_of_last", "n_open", "n_lost"]
    return pd.DataFrame(rows, columns=columns)


def conversion(latest: pd.DataFrame, horizon_days: int, by: str | None = None) -> pd.DataFrame:
    """Estimate the share of leads won, and lost, within so many days of coming in.

    Returns
    -------
    One row per segment (as of `funnel`), indexed by segment: n, n_won, n_lost, n_open; won,
    won_low, won_high, lost, lost_low, lost_high (cumulative incidence and 95 %; empty where nobody
    was observed so long).
    """
    segment = latest[by].fillna("unknown") if by else pd.Series("all", latest.index)
    counts = pd.crosstab(segment, latest["outcome"]).reindex(
        columns=["won", "lost", OPEN], fill_value=0
    )
    found = counts.add_prefix("n_").rename_axis(index="segment", columns=None)
    found.insert(0, "n", found.sum(axis=1))
    cause = latest["outcome"].where(latest["outcome"] != OPEN, None)
    outcome = pd.DataFrame({"duration": latest["days"].astype(float), "cause": cause})
    table = cumulative_incidence.incidence_at(outcome, horizon_days, segment)
    for code in ("won", "lost"):
        own = table[table["cause"] == code].set_index("segment")
        own = own[["incidence", "low", "high"]].reindex(found.index).astype(float)
        found[[code, f"{code}_low", f"{code}_high"]] = own.to_numpy()
    return found


def follow_ups(latest: pd.DataFrame, stages: Sequence[Stage], as_of: dt.date) -> pd.DataFrame:
    """List open leads whose next contact is due, most overdue first.

    Returns
    -------
    One row per open lead in a stage with follow_up_days, indexed by lead_id: customer_id, owner,
    stage, value, due_on, days_overdue (0: due today; below 0: not yet).
    """
    days = {each.code: each.follow_up_days for each in stages if each.follow_up_days is not None}
    rows = latest[(latest["outcome"] == OPEN) & latest["stage"].isin(days)]
    due = rows["stage_at"] + pd.to_timedelta(rows["stage"].map(days).astype(float), unit="D")
    late = (pd.Timestamp(as_of) - due).dt.days
    found = rows[["customer_id", "owner", "stage", "value"]].assign(due_on=due, days_overdue=late)
    return found.sort_values(["days_overdue", "value"], ascending=False, kind="stable")


def by_customer(latest: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Describe the open lead of each customer; of several the one that moved last.

    Returns
    -------
    One row per customer with an open lead, indexed by customer_id: lead_stage, days_since_stage,
    lead_value.
    """
    rows = latest[(latest["outcome"] == OPEN) & latest["customer_id"].notna()]
    rows = rows.sort_values("stage_at", kind="stable").drop_duplicates("customer_id", keep="last")
    since = (pd.Timestamp(as_of) - rows["stage_at"]).dt.days.astype(float)
    found = pd.DataFrame(
        {"lead_stage": rows["stage"], "days_since_stage": since, "lead_value": rows["value"]}
    )
    return found.set_index(pd.Index(rows["customer_id"], name="customer_id")).sort_index()
