"""Landmarks: what was known on a day, and what came after; nothing of one in the other."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.churn import landmarks
from cvm_analysis.errors import InputError

L = dt.date(2025, 6, 30)


def test_nothing_before_the_landmark_changes_the_outcome():
    days = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b", "c", "d"],
            "day": pd.to_datetime(
                ["2025-06-30", "2025-07-02", "2025-07-09", "2025-06-30", "2025-12-27", "2025-12-28"]
            ),
        }
    )
    found = landmarks.next_days(days, L, dt.date(2025, 12, 27))
    assert found.to_dict() == {"a": 2, "c": 180}
    outcome = landmarks.outcome(found.reindex(list("abcd")), 180)
    assert outcome["duration"].to_dict() == {"a": 2, "b": 180, "c": 180, "d": 180}
    assert outcome["event"].to_dict() == {"a": 1, "b": 0, "c": 1, "d": 0}


def test_a_watch_shorter_than_the_return_is_censored():
    outcome = landmarks.outcome(pd.Series([5.0, 50.0, np.nan]), 30)
    assert outcome["duration"].tolist() == [5, 30, 30]
    assert outcome["event"].tolist() == [1, 0, 0]
    with pytest.raises(InputError, match="1 of 2 next purchases are not after"):
        landmarks.outcome(pd.Series([0, 4]), 30)


def test_landmarks_one_below_the_other_are_each_as_on_its_own():
    rng = np.random.default_rng(7)
    ids = np.array([f"c{i:02d}" for i in range(30)])
    days = pd.DataFrame({"customer_id": rng.choice(ids, 200)})
    days["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, 200), unit="D")
    end = dt.date(2025, 6, 30)
    marks = {dt.date(2024, 7, 5): ids[:20], dt.date(2025, 1, 1): ids}
    found = landmarks.stack(days, {m: pd.Index(k) for m, k in marks.items()}, end)
    assert found.index.names == ["landmark", "customer_id"]
    assert found.groupby("landmark").size().tolist() == [20, 30]
    for (mark, customer), row in found.iterrows():
        own = days.loc[days["customer_id"] == customer, "day"].dt.date
        came = [day for day in own if mark < day <= end]
        until = min(came, default=end)
        assert (row["duration"], row["event"]) == ((until - mark).days, int(bool(came)))
