"""Complaints: how many are open, how fast they are closed, how often they come again.

Times to close are Kaplan-Meier estimates: an open complaint has lasted until today at least, so it
is censored, not left out. Complaints count as independent in their intervals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from cvm_analysis.experience.answers import NO_DIMENSION
from cvm_analysis.experience.surveys import ALL
from cvm_analysis.survival import kaplan_meier
from cvm_analysis.tables import TABLES
from cvm_analysis.typed import settings

COMPLAINT = "complaint"
_PRODUCT = {"about_product": "product"}  # as recorded -> as a group
_TABLE = TABLES["complaint_times"]


@settings
class Experience:
    """What service promises, what counts as a complaint that comes again, and as an answer.

    close_within_days : a complaint is to be closed within so many days
    repeat_within_days : so many days after another one of the customer it is repeated
    answered : results of the contact log of contacts that reached the customer, in any case
    """

    close_within_days: Annotated[int, Field(gt=0)] = 14
    repeat_within_days: Annotated[int, Field(gt=0)] = 90
    answered: tuple[str, ...] = ("reached", "declined", "answered", "replied")


def cases(feedback: pd.DataFrame, as_of: dt.date, repeat_within_days: int) -> pd.DataFrame:
    """Read the complaints by as_of from table `feedback`, in order of time.

    Returns
    -------
    One row per complaint: customer_id, at, dimension (overall if none), further columns of
        `feedback` (about_product as product), and
        duration : days from the complaint to its end, or to as_of while it is open; empty if it is
            recorded as closed before it was made
        event : 1 closed, 0 open on as_of, even if closed later
        is_repeat : whether another complaint of the customer came at most so many days before, or
            earlier on the same day
    """
    at, end = pd.to_datetime(feedback["at"], cache=False), pd.Timestamp(as_of)
    found = feedback.assign(at=at)[(feedback["kind"] == COMPLAINT) & (at <= end)]
    found = found.sort_values(["at", "customer_id"], kind="stable", ignore_index=True)
    found = found.rename(columns=_PRODUCT).drop(columns=["kind", "score"], errors="ignore")
    missing = pd.Series(None, found.index, object)
    topic = found.get("dimension", missing)
    closed = pd.to_datetime(found.get("closed_at", missing), cache=False)
    is_closed = closed <= end
    duration = (closed.where(is_closed, end) - found["at"]).dt.days.astype(float)
    since = found.groupby("customer_id")["at"].diff().dt.days
    return found.drop(columns="closed_at", errors="ignore").assign(
        dimension=topic.where(topic.notna() & (topic != ""), NO_DIMENSION),
        duration=duration.where(duration >= 0),
        event=is_closed.astype(int),
        is_repeat=since <= repeat_within_days,
    )


def by_customer(cases: pd.DataFrame) -> pd.DataFrame:
    """Sum up the complaints of each customer who made one.

    Returns
    -------
    complaints_open, complaint_days (age of the oldest open one; 0 without one), n_complaints
    """
    is_open = cases["event"] == 0
    customers = cases["customer_id"]
    return pd.DataFrame(
        {
            "complaints_open": is_open.groupby(customers).sum(),
            "complaint_days": cases["duration"].where(is_open, 0.0).groupby(customers).max(),
            "n_complaints": customers.groupby(customers).size(),
        }
    )


def times(
    cases: pd.DataFrame,
    groups: Sequence[str],
    close_within_days: int,
    expected_margin: pd.Series | None = None,
) -> pd.DataFrame:
    """Sum up the complaints and their times to close, by group: table `complaint_times`.

    Parameters
    ----------
    cases : as `cases` returns
    groups : columns of `cases`, such as dimension, product, region; empty cells are in no level
    close_within_days : the target
    expected_margin : by customer, in the config's currency; None: not known
    """
    margin = pd.Series(dtype=float) if expected_margin is None else expected_margin
    rows = [
        {"group": group, "level": level} | _sum_up(part, close_within_days, margin)
        for group, level, part in split(cases, groups)
    ]
    return pd.DataFrame(rows, columns=list(_TABLE.columns))


def curve(cases: pd.DataFrame, group: str | None = None) -> pd.DataFrame:
    """Estimate the share of complaints still open by days since they were made, for each level.

    Returns
    -------
    As `kaplan_meier.kaplan_meier`, in steps of one day.
    """
    known = cases[cases["duration"].notna()]
    if group is None:
        return kaplan_meier.kaplan_meier(known)
    known = known[known[group].notna()]
    return kaplan_meier.kaplan_meier(known, known[group])


def split(cases: pd.DataFrame, groups: Sequence[str]) -> list[tuple[str, str, pd.DataFrame]]:
    """Split complaints by each of several columns: group, level and rows; first all of them."""
    found: list[tuple[str, str, pd.DataFrame]] = [(ALL, ALL, cases)] if len(cases) else []
    for group in groups:
        found += [(group, str(level), part) for level, part in cases.groupby(group, sort=True)]
    return found


def _sum_up(cases: pd.DataFrame, target: int, margin: pd.Series) -> dict[str, Any]:
    is_open = cases["event"] == 0
    waiting = cases.loc[is_open, "customer_id"].unique()
    found = {
        "n_complaints": len(cases),
        "n_customers": cases["customer_id"].nunique(),
        "complaints_open": int(is_open.sum()),
        "n_overdue": int((is_open & (cases["duration"] > target)).sum()),
        "complaint_days": float(cases["duration"].where(is_open, 0.0).max()),
        "repeated_share": float(cases["is_repeat"].mean()),
        "expected_margin": float(margin.reindex(waiting).sum()) if len(margin) else np.nan,
    }
    known = cases.loc[cases["duration"].notna(), ["duration", "event"]].reset_index(drop=True)
    return found | (_time_to_close(known, target) if len(known) else {})


def _time_to_close(outcome: pd.DataFrame, target: int) -> dict[str, float]:
    """Median days to close, and the share closed within the target with its interval."""
    limit = kaplan_meier.product_limit(outcome)
    half = limit.loc[limit["survival"] <= 0.5, "duration"]
    found = {"median_days": float(half.iloc[0]) if len(half) else np.nan}
    still_open = float(kaplan_meier.survival_at(limit, target))
    if outcome["duration"].max() < target and still_open > 0:
        return found  # no complaint has been observed for so long
    found["closed_within"] = 1 - still_open
    if still_open in (0.0, 1.0):
        return found  # all or none: Greenwood's variance says nothing
    variance = limit.loc[limit["duration"] <= target, "variance"].iloc[-1:].to_numpy()
    (low,), (high,) = kaplan_meier.log_log(np.array([still_open]), variance)
    return found | {"low": 1 - float(high), "high": 1 - float(low)}
