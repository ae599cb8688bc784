"""Landmarks: what was known on a day, and what came after; nothing of one in the other."""

import datetime as dt
from itertools import pairwise

import ibis
import numpy as np
import pandas as pd
import pytest

from cvm_analysis import customers
from cvm_analysis.churn import landmarks
from cvm_analysis.errors import InputError

L = dt.date(2025, 6, 30)


def log(n=400, seed=5):
    rng = np.random.default_rng(seed)
    day = pd.Timestamp("2024-06-30") + pd.to_timedelta(rng.integers(0, 730, n), unit="D")
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:02d}" for i in rng.integers(0, 60, n)],
            "ordered_at": day,
            "amount": np.round(rng.gamma(2, 50, n), 2) * np.where(rng.random(n) < 0.1, -1, 1),
            "region": "east",
            "category": rng.choice(["a", "b", "c"], n),
        }
    )


def known(transactions, day=L):
    table = customers.as_of(ibis.memtable(transactions), day).to_pandas()
    return table.set_index("customer_id").sort_index()


def one(**values):
    plain = {
        "n_orders": 3, "n_days": 3, "x": 2, "T": 50.0, "days_since_last": 40,
        "gap_median_days": 20.0, "spend_mean": 100.0, "return_share": 0.0,
    }  # fmt: skip
    return plain | values


def test_nothing_after_the_landmark_changes_a_feature():
    rows = log()
    before = landmarks.features(known(rows))
    assert {"n_categories", "return_share"} <= set(before)
    assert len(before) > 40
    later = rows["ordered_at"] > pd.Timestamp(L)
    more = rows[later].assign(customer_id="c00", amount=9e5, category="new")
    other = pd.concat([rows[~later], rows[later].sample(50, random_state=1), more])
    other.loc[other["ordered_at"] > pd.Timestamp(L), "amount"] *= -7
    pd.testing.assert_frame_equal(landmarks.features(known(other)), before)


def test_a_row_on_the_landmark_is_known():
    rows = log()
    rows.loc[0, ["customer_id", "ordered_at"]] = ["c00", pd.Timestamp(L)]
    rows.loc[0, "amount"] = 10.0
    assert landmarks.features(known(rows)).loc["c00", "silence_gaps"] == 0


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


def test_features_by_hand():
    """Median gaps 20 and 30: the typical gap is 25 days."""
    table = pd.DataFrame(
        [
            one(),
            one(x=1, n_days=2, n_orders=2, gap_median_days=30.0, days_since_last=0, T=4.0),
            one(
                x=0, n_days=1, n_orders=1, gap_median_days=np.nan, days_since_last=75, T=0.0,
                spend_mean=-5.0, return_share=1.3,
            ),
            one(n_orders=0, n_days=0, x=np.nan, T=np.nan),
        ],
        index=["steady", "new", "once", "prospect"],
    )  # fmt: skip
    found = landmarks.features(table)
    assert found.index.tolist() == ["steady", "new", "once"]
    usual = (2 * 20 + 2 * 25) / 4
    assert found["silence_gaps"].tolist() == pytest.approx([np.log2(1 + 40 / usual), 0, 2])
    per_year = [3 / (350 + 25), 2 / (28 + 25), 1 / 25]
    assert found["rate"].tolist() == pytest.approx(np.log2(365.25 * np.array(per_year)))
    assert found["tenure_weeks"].tolist() == pytest.approx([np.log2(51), np.log2(5), 0])
    assert found["spend_mean"].tolist() == pytest.approx([np.log2(101), np.log2(101), 0])
    assert found["only_once"].tolist() == [0, 0, 1]
    assert found["return_share"].tolist() == [0, 0, 10]


def test_optional_columns_are_used_where_present():
    table = pd.DataFrame([one(), one(), one()], index=list("abc"))
    assert not {"n_categories", "nps", "late_share"} & set(landmarks.features(table))
    table = table.assign(
        complaints_open=[2, np.nan, 0],
        complaint_days=[31, np.nan, np.nan],
        nps=[9, 4, np.nan],
        satisfaction=np.nan,
        late_share=[0.25, np.nan, 0.75],
        city="x",
    )
    found = landmarks.features(table)
    assert set(found) <= set(landmarks.STEPS)
    assert found["complaints_open"].tolist() == [2, 0, 0]
    assert found["complaint_days"].tolist() == [5, 0, 0]
    assert found["nps"].tolist() == [9, 4, 6.5]
    assert found["late_share"].tolist() == [2.5, 5, 7.5]
    assert found["satisfaction"].tolist() == [0, 0, 0]  # nobody was asked: constant, never fitted


def test_where_nobody_bought_twice_a_gap_is_a_year():
    table = pd.DataFrame([one(x=0, n_days=1, gap_median_days=np.nan, days_since_last=365.25)])
    assert landmarks.features(table)["silence_gaps"].tolist() == [1]


def test_what_follows_one_landmark_ends_where_the_next_begins():
    as_of, first = dt.date(2025, 12, 31), dt.date(2023, 1, 1)
    marks, notes = landmarks.dates(as_of, first, 180)
    for mark, following in pairwise([*marks, as_of]):
        assert mark + dt.timedelta(days=180) <= following
    assert len(marks) == 3
    assert notes == []


@pytest.mark.parametrize(
    ("weeks", "n_marks", "code"),
    [
        (26 + 3 * 180 / 7, 3, None),
        (25 + 3 * 180 / 7, 2, "no_churn_choice_short_history"),
        (25 + 2 * 180 / 7, 1, "no_churn_trial_short_history"),
        (25 + 180 / 7, 0, "no_churn_trial_short_history"),
    ],
)
def test_a_short_history_leaves_landmarks_out_and_says_what_that_costs(weeks, n_marks, code):
    as_of = dt.date(2025, 12, 31)
    marks, notes = landmarks.dates(as_of, as_of - dt.timedelta(weeks=weeks), 180)
    assert len(marks) == n_marks
    assert [note.code for note in notes] == ([code] if code else [])


def test_today_learns_from_a_year_back_where_there_is_history():
    as_of = dt.date(2025, 12, 31)
    assert landmarks.latest(as_of, dt.date(2023, 1, 1), 180) == dt.date(2024, 12, 31)
    assert landmarks.latest(as_of, dt.date(2024, 12, 1), 180) == dt.date(2025, 7, 4)
