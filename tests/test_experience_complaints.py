"""Complaints: a plain count of the sample's file, lifelines' curves, small cases by hand."""

import datetime as dt
import statistics

import numpy as np
import pandas as pd
import pytest
import small_feedback
from lifelines import KaplanMeierFitter

from cvm_analysis.experience import complaints
from cvm_analysis.tables import check

AS_OF = dt.date(2025, 12, 31)


def feedback(rows, **columns):
    """Complaints from (customer, day made, day closed or None)."""
    table = pd.DataFrame(rows, columns=["customer_id", "at", "closed_at"])
    dates = {name: pd.to_datetime(table[name]) for name in ("at", "closed_at")}
    return table.assign(kind="complaint", dimension="price", score=np.nan, **dates, **columns)


def read(table, as_of=AS_OF, within=90):
    return complaints.cases(table, as_of, within)


def sample_cases():
    return read(small_feedback.table())


def test_the_sample_has_the_complaints_that_a_plain_count_of_its_file_gives():
    rows = [r for r in small_feedback.records() if r["kind"] == "complaint"]

    def is_open(row):
        return not row["closed_at"] or row["closed_at"] > "2025-12-31"

    table = complaints.times(sample_cases(), ["dimension"], 14).set_index(["group", "level"])
    check("complaint_times", table.reset_index())
    today = {"at": AS_OF.isoformat()}
    for name in ("product", "pre_sale", "in_sale", "after_sale", "price", None):
        part = [r for r in rows if name in (None, r["dimension"])]
        found = table.loc[("dimension", name) if name else ("all", "all")]
        assert found["n_complaints"] == len(part)
        assert found["n_customers"] == len({r["customer_id"] for r in part})
        waiting = [r for r in part if is_open(r)]
        assert found["complaints_open"] == len(waiting)
        oldest = min(dt.date.fromisoformat(r["at"]) for r in [*waiting, today])
        assert found["complaint_days"] == (AS_OF - oldest).days


def test_the_median_days_to_close_are_those_of_plain_counting():
    """Of complaints a year old or older, none is censored early: half of all, open ones last."""
    old = [r for r in small_feedback.records() if r["kind"] == "complaint" and r["at"] < "2025"]
    days = sorted(
        (dt.date.fromisoformat(r["closed_at"]) - dt.date.fromisoformat(r["at"])).days
        if r["closed_at"] else 9999
        for r in old
    )  # fmt: skip
    cases = sample_cases()
    found = complaints.times(cases[cases["at"] < "2025"], [], 14).iloc[0]
    assert found["median_days"] == statistics.median_low(days)
    assert found["closed_within"] == pytest.approx(sum(d <= 14 for d in days) / len(days))
    assert found["n_overdue"] == sum(d == 9999 for d in days)


def test_times_to_close_are_lifelines_estimates():
    cases = sample_cases()
    theirs = KaplanMeierFitter().fit(cases["duration"], cases["event"])
    found = complaints.times(cases, [], 14).iloc[0]
    assert found["median_days"] == theirs.median_survival_time_
    assert found["closed_within"] == pytest.approx(1 - theirs.predict(14))
    limits = theirs.confidence_interval_survival_function_.loc[14].to_numpy()
    assert (1 - found["high"], 1 - found["low"]) == pytest.approx(tuple(limits))
    curve = complaints.curve(cases, "dimension")
    product = cases[cases["dimension"] == "product"]
    theirs = KaplanMeierFitter().fit(product["duration"], product["event"])
    ours = curve[curve["segment"] == "product"].set_index("duration")["survival"]
    assert ours.loc[20] == pytest.approx(theirs.predict(20))


def test_a_complaint_closed_after_the_day_is_open_on_it_and_a_later_one_is_unknown():
    table = feedback([("a", "2025-01-01", "2025-01-20"), ("b", "2025-01-10", None),
                      ("c", "2025-01-11", "2025-01-12")])  # fmt: skip
    found = read(table, dt.date(2025, 1, 10))
    assert found["customer_id"].tolist() == ["a", "b"]
    assert found["event"].tolist() == [0, 0] and found["duration"].tolist() == [9, 0]
    later = read(table, dt.date(2025, 2, 1))
    assert later["event"].tolist() == [1, 0, 1] and later["duration"].tolist() == [19, 22, 1]


def test_a_complaint_closed_before_it_was_made_is_counted_without_a_time():
    table = feedback([("a", "2025-01-05", "2025-01-01"), ("b", "2025-01-05", "2025-01-09")])
    row = complaints.times(read(table), [], 14).iloc[0]
    assert (row["n_complaints"], row["complaints_open"], row["median_days"]) == (2, 0, 4)


def test_a_complaint_soon_after_another_one_is_repeated():
    table = feedback([("a", "2025-01-01", None), ("a", "2025-04-01", None),
                      ("a", "2025-07-01", None), ("b", "2025-04-02", None),
                      ("b", "2025-04-02", None)])  # fmt: skip
    assert read(table)["is_repeat"].tolist() == [False, True, False, True, False]
    assert read(table, within=91)["is_repeat"].sum() == 3
    assert complaints.times(read(table), [], 14)["repeated_share"].iloc[0] == 0.4


def test_expected_margin_counts_a_customer_once_and_only_with_an_open_complaint():
    table = feedback([("a", "2025-01-01", None), ("a", "2025-02-01", None),
                      ("b", "2025-02-01", "2025-02-03"), ("c", "2025-02-01", None),
                      ("d", "2025-02-01", None)], region=["x", "x", "x", "y", "y"])  # fmt: skip
    margin = pd.Series({"a": 100.0, "b": 50.0, "c": 7.0})
    found = complaints.times(read(table), ["region"], 14, margin).set_index("level")
    assert found["expected_margin"].to_dict() == {"all": 107, "x": 100, "y": 7}
    unknown = complaints.times(read(table), [], 14)
    assert unknown["expected_margin"].isna().all()


def test_the_target_is_shown_only_where_complaints_were_observed_for_so_long():
    waiting = feedback([("a", "2025-12-25", None), ("b", "2025-12-26", "2025-12-28")])
    row = complaints.times(read(waiting), [], 14).iloc[0]
    assert np.isnan(row["closed_within"]) and row["n_overdue"] == 0
    all_closed = feedback([("a", "2025-12-25", "2025-12-28"), ("b", "2025-12-26", "2025-12-28")])
    assert complaints.times(read(all_closed), [], 14)["closed_within"].iloc[0] == 1


def test_products_are_a_group_where_they_are_recorded():
    rows = [("a", "2025-01-01", "2025-01-03"), ("b", "2025-01-01", "2025-01-09")]
    table = feedback(rows, about_product=["oak", None])
    found = complaints.times(read(table), ["product"], 14).set_index("level")
    assert found.index.tolist() == ["all", "oak"]
    assert found.loc["oak", "median_days"] == 2


def test_products_are_those_that_a_plain_count_of_the_samples_file_gives():
    rows = [r for r in small_feedback.records() if r["kind"] == "complaint"]
    found = complaints.times(sample_cases(), ["product"], 14).set_index(["group", "level"])
    names = {r["about_product"] for r in rows} - {""}
    assert len(names) > 10
    assert set(found.loc["product"].index) == names
    for name in names:
        part = [r for r in rows if r["about_product"] == name]
        row = found.loc[("product", name)]
        assert (row["n_complaints"], row["n_customers"]) == (
            len(part),
            len({r["customer_id"] for r in part}),
        )


def test_none_or_all_closed_in_time_leave_no_interval():
    late = [(name, "2025-01-01", "2025-03-01") for name in "abc"]
    soon = [(name, "2025-01-01", "2025-01-03") for name in "abc"]
    for rows, share in ((late, 0), (soon, 1)):
        row = complaints.times(read(feedback(rows)), [], 14).iloc[0]
        assert row["closed_within"] == share
        assert np.isnan(row["low"]) and np.isnan(row["high"])


def test_complaints_are_summed_up_by_customer():
    rows = [("a", "2025-12-01", None), ("a", "2025-12-21", None), ("b", "2025-12-01", "2025-12-02")]
    found = complaints.by_customer(read(feedback(rows)))
    assert found.loc["a"].tolist() == [2, 30, 2]
    assert found.loc["b"].tolist() == [0, 0, 1]


def test_without_complaints_or_their_columns_nothing_is_said():
    answers = pd.DataFrame(
        {"customer_id": ["a"], "at": [pd.Timestamp("2025-01-01")], "kind": ["nps"]}
    )
    nothing = read(answers)
    check("complaint_times", complaints.times(nothing, ["dimension"], 14))
    assert complaints.by_customer(nothing).empty and complaints.curve(nothing).empty
    bare = read(answers.assign(kind="complaint"))
    assert bare["event"].tolist() == [0] and bare["dimension"].tolist() == ["overall"]


def test_the_settings_have_two_weeks_and_a_quarter_and_refuse_no_days():
    rules = complaints.Experience()
    assert (rules.close_within_days, rules.repeat_within_days) == (14, 90)
    assert {"reached", "declined"} < set(rules.answered) and "no_answer" not in rules.answered
    with pytest.raises(ValueError, match="greater than 0"):
        complaints.Experience(close_within_days=0)
