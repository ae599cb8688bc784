"""Answers: what counts as one, the last one of a customer, the period of each."""

import datetime as dt

import numpy as np
import pandas as pd

from cvm_analysis.experience import answers

AS_OF = dt.date(2025, 12, 31)


def feedback(**columns):
    """Answers to the question of recommendation on one day, if not said otherwise."""
    return pd.DataFrame(
        {"at": pd.Timestamp("2025-12-01"), "kind": "nps", "dimension": None} | columns
    )


def test_periods_end_on_the_day_and_those_not_wholly_on_record_are_left_out():
    ends = ["2025-01-09", "2025-01-10", "2025-01-19", "2025-01-20", "2025-01-29", "2025-01-30"]
    days = pd.DataFrame({"at": pd.to_datetime(ends)})
    found = answers.add_period(days, dt.date(2025, 1, 29), 10, dt.date(2025, 1, 5))
    assert found["until"].dt.day.tolist() == [19, 19, 29, 29]
    assert found["at"].dt.day.tolist() == [10, 19, 20, 29]


def test_scores_outside_their_scale_are_left_out_and_counted():
    rows = feedback(
        customer_id=list("abcdef"), score=[0, 10, 11, np.nan, 5, 0],
        kind=["nps"] * 4 + ["csat"] * 2, dimension=["x", None, None, None, None, "price"],
    )  # fmt: skip
    found = answers.read(rows)
    assert found["customer_id"].tolist() == ["a", "b", "e"]
    assert found["dimension"].tolist() == ["nps", "nps", "overall"]
    assert answers.count_outside_scale(rows) == 2


def test_the_last_score_is_the_lowest_of_the_last_day_and_nothing_later():
    rows = feedback(
        customer_id=["a", "a", "a", "a", "b"],
        at=pd.to_datetime(["2025-01-01", "2025-02-01", "2025-02-01", "2025-03-01", "2025-03-01"]),
        score=[2, 9, 7, 10, 4],
    )
    given = answers.read(rows)
    assert answers.last_scores(given, dt.date(2025, 2, 28))["nps"].to_dict() == {"a": 7}
    assert answers.last_scores(given, AS_OF)["nps"].to_dict() == {"a": 10, "b": 4}
