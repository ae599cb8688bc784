"""Answers to surveys: one row each, the last one of each customer, and the period it falls into."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

NPS = "nps"
NO_DIMENSION = "overall"  # satisfaction, or a complaint, with nothing in particular
SCALES = {NPS: (0, 10), "csat": (1, 5)}


def read(feedback: pd.DataFrame) -> pd.DataFrame:
    """Read the answers to surveys from table `feedback`.

    Returns
    -------
    One row per answer, in order of time: customer_id, at, dimension (nps, a dimension of
    satisfaction, or overall), score, and further columns of `feedback`. Rows without a score, or
    with one outside its scale (`count_outside_scale`), are left out.
    """
    is_answer, score, inside = _answers_on_scale(feedback)
    found = feedback.assign(score=score)[is_answer & inside]
    topic = found["dimension"] if "dimension" in found else pd.Series(None, found.index, object)
    topic = topic.where(topic.notna() & (topic != ""), NO_DIMENSION)
    found["dimension"] = topic.where(found["kind"] != NPS, NPS)
    found["at"] = pd.to_datetime(found["at"], cache=False)
    columns = [c for c in found if c not in ("kind", "text", "closed_at")]
    return found.sort_values(["at", "customer_id"], kind="stable", ignore_index=True)[columns]


def count_outside_scale(feedback: pd.DataFrame) -> int:
    """Count the answers whose score is outside 0 to 10 (nps) or 1 to 5 (csat)."""
    is_answer, score, inside = _answers_on_scale(feedback)
    return int((is_answer & score.notna() & ~inside).sum())


def _answers_on_scale(feedback: pd.DataFrame) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Which rows are answers, their scores, and which of these are on the scale of their kind."""
    missing = pd.Series(np.nan, feedback.index)
    score = feedback["score"].astype(float) if "score" in feedback else missing
    inside = pd.Series(data=False, index=feedback.index)
    for kind, (least, most) in SCALES.items():
        inside |= (feedback["kind"] == kind) & score.between(least, most)
    return feedback["kind"].isin(list(SCALES)), score, inside


def last_scores(answers: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """Find each customer's last score by a day: one row per customer, one column per dimension.

    Of several on the last day the lowest, the one to act on. Empty: never answered.
    """
    known = answers[answers["at"] <= pd.Timestamp(day)]
    ordered = known.sort_values(["at", "score"], ascending=[True, False], kind="stable")
    last = ordered.groupby(["customer_id", "dimension"])["score"].last()
    return last.unstack("dimension").rename_axis(columns=None)


def add_period(rows: pd.DataFrame, as_of: dt.date, days: int, first_day: dt.date) -> pd.DataFrame:
    """Add column `until`, the last day of the row's period, and leave out rows outside periods.

    Periods of so many days end on as_of, so that each is closed; one that is not wholly on record
    (from first_day) is left out.

    rows : with column `at`
    """
    at = pd.to_datetime(rows["at"], cache=False)  # mostly dates already
    age = (pd.Timestamp(as_of) - at).dt.days
    complete = ((as_of - first_day).days + 1) // days
    back = age // days
    until = pd.Timestamp(as_of) - pd.to_timedelta(back * days, unit="D")
    return rows.assign(until=until)[(age >= 0) & (back < complete)]
