"""What customers said, hold and brought, on any day: measures of scorecards and the loyalty index.

A measure of a past day comes from what was recorded by then, so that a review of that day can be
replayed without looking ahead.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection

import pandas as pd

from cvm_analysis.experience import answers, points, referrals
from cvm_analysis.experience.points import Points
from cvm_analysis.tables import SATISFACTION

_POINTS = "points_"
_ANSWERED, _REFERRED = "n_answered", "n_referred"


def measure(
    load: Callable[[str], pd.DataFrame],
    columns: Collection[str],
    day: dt.date,
    period_days: int,
    rules: Points,
) -> pd.DataFrame:
    """Measure customers on a day, from what was known then.

    Parameters
    ----------
    load : reads a raw table by its name (feedback, points, referrals); one that a business lacks
        has no rows
    columns : those to measure, of `tables.MEASURES` or satisfaction_<dimension>
    period_days : in which n_answered counts
    rules : when points expire

    Returns
    -------
    One row per customer with any of these, indexed by customer_id; the columns, each a number,
    empty where nothing is recorded. A column without any record is absent.
    """
    wanted = set(columns)
    said = any(each == _ANSWERED or each.startswith(SATISFACTION) for each in wanted)
    held = any(each.startswith(_POINTS) for each in wanted)
    found = [pd.DataFrame(index=pd.Index([], name="customer_id", dtype=object))]
    if said and not (feedback := load("feedback")).empty:
        given = answers.read(feedback)
        found.append(satisfaction(answers.last_scores(given, day)))
        found.append(count_answers(given, day, period_days).to_frame())
    if held and not (ledger := load("points")).empty:
        moves = points.movements(ledger, day, rules.expire_after_days)
        limits = rules.expire_after_days, rules.expiring_days
        found.append(points.totals(moves, points.match(moves), day, *limits))
    if _REFERRED in wanted and not (brought := load("referrals")).empty:
        chains = referrals.find_chains(brought, day)
        found.append(chains.referrals.groupby("customer_id").size().to_frame(_REFERRED))
    table = pd.concat(found, axis=1).rename_axis("customer_id")
    return table[[column for column in table if column in wanted]].astype(float)


def satisfaction(last: pd.DataFrame) -> pd.DataFrame:
    """Name the last score of each dimension `satisfaction_<dimension>`; last : `last_scores`."""
    return last.drop(columns=answers.NPS, errors="ignore").add_prefix(SATISFACTION)


def count_answers(given: pd.DataFrame, day: dt.date, period_days: int) -> pd.Series:
    """Count the days with an answer in the period that ends on a day, by customer_id.

    given : one row per answer (`answers.read`); customers without one are absent
    """
    age = (pd.Timestamp(day) - given["at"]).dt.days
    recent = given[(age >= 0) & (age < period_days)]
    return recent.groupby("customer_id")["at"].nunique().rename(_ANSWERED)
