"""Grades under other weights: arithmetic by hand, and properties of any card."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvm_analysis.errors import InputError
from cvm_analysis.segments.grades import grade, points, weights
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard

LIMITS, QUOTAS = {"A": 70.0, "B": 40.0, "C": 0.0}, {"A": 0.2, "B": 0.3, "C": 0.5}


def card(by_quota=False, **shares):
    indicators = tuple(Indicator(c, c, w, scale=(0, 100)) for c, w in shares.items())
    grades = QUOTAS if by_quota else LIMITS
    return Scorecard("retail", dt.date(2025, 1, 1), indicators, grades, by_quota)


def drawn(n, columns="abc", missing=0.0, seed=1):
    rng = np.random.default_rng(seed)
    names = pd.Index([f"C{i:04d}" for i in range(n)], name="customer_id")
    table = pd.DataFrame(100 * rng.random((n, len(columns))), names, list(columns))
    return table.mask(rng.random(table.shape) < missing)


def test_one_weight_moves_and_the_others_share_what_is_left():
    """a: 0.5 -> 0.625, 0.375. x (80, 60, 60): 70 points, 72.5, 67.5. y (60, 80, 80): mirrored."""
    given = pd.DataFrame({"a": [80.0, 60], "b": [60.0, 80], "c": [60.0, 80]}, ["x", "y"])
    moved = weights.sensitivity(card(a=0.5, b=0.3, c=0.2), given).set_index(
        ["indicator", "direction"]
    )
    assert moved.loc[("a", "up"), "weight_tried"] == 0.625
    assert moved.loc[("a", "down"), "weight_tried"] == 0.375
    assert moved.loc[("b", "up"), "weight_tried"] == pytest.approx(0.375)
    assert (moved["changed_share"] == 0.5).all()
    assert (moved["best_left_share"] == 0.5).all()
    assert (moved["n_customers"] == 2).all() and (moved["n_not_graded"] == 0).all()


@pytest.mark.parametrize("by_quota", [False, True])
@pytest.mark.parametrize("i", [0, 2])
def test_it_is_what_a_card_with_those_weights_would_say(by_quota, i):
    """Independent of the module: a new card is written and applied from the start."""
    old = card(by_quota, a=0.5, b=0.3, c=0.2)
    measures = drawn(400)
    measures["c"] = measures["c"].mask(measures["b"] > 70)  # missing, yet enough is known
    shares = np.array([0.5, 0.3, 0.2])
    shares[i] *= 1.25
    shares[np.arange(3) != i] *= (1 - shares[i]) / shares[np.arange(3) != i].sum()
    new = card(by_quota, **dict(zip("abc", shares, strict=True)))
    before, after = (_graded(each, measures) for each in (old, new))
    row = weights.sensitivity(old, points.assign_points(old, measures)).iloc[2 * i + 1]
    assert (
        row["changed_share"] == pytest.approx((before != after).mean()) and row["changed_share"] > 0
    )
    assert row["best_left_share"] == pytest.approx((after[before == "A"] != "A").mean())


def _graded(each, measures):
    found = points.score(each, measures)
    return grade.assign(found, grade.thresholds(each, found))


def test_a_weight_never_exceeds_the_whole():
    given = drawn(50, "ab")
    moved = weights.sensitivity(card(a=0.9, b=0.1), given)
    assert moved["weight_tried"].tolist() == pytest.approx([0.675, 1.0, 0.075, 0.125])


def test_without_their_only_indicator_customers_have_no_grade():
    given = pd.DataFrame({"a": [90.0, 90], "b": [90.0, np.nan]}, ["x", "y"])
    row = weights.sensitivity(card(a=0.6, b=0.4), given, by=1).iloc[0]
    assert row["weight_tried"] == 0 and row["changed_share"] == 0.5


def test_equal_points_in_all_indicators_are_the_same_under_any_weights():
    given = pd.DataFrame({c: [70.0, 40.0, 0.0, 100.0] for c in "abc"}, list("wxyz"))
    three = card(a=1 / 3, b=1 / 3, c=1 / 3)
    assert (weights.sensitivity(three, given)["changed_share"] == 0).all()
    stable = weights.stability(three, given)
    assert stable["grade"].tolist() == ["A", "B", "C", "A"]
    assert (stable["same_share"] == 1).all()


def test_dirichlet_weights_deviate_by_the_spread_asked_for():
    """The mean is the card's; for equal weights every one's relative deviation is the spread."""
    equal = weights._drawn(card(a=0.25, b=0.25, c=0.25, d=0.25), 20_000, 0.2, 0)
    assert equal.sum(axis=1) == pytest.approx(np.ones(20_000))
    assert equal.mean(axis=0) == pytest.approx([0.25] * 4, abs=0.001)
    assert equal.std(axis=0) / 0.25 == pytest.approx([0.2] * 4, rel=0.02)
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    uneven = weights._drawn(card(a=0.5, b=0.3, c=0.15, d=0.05), 20_000, 0.2, 0)
    assert uneven.mean(axis=0) == pytest.approx(shares, abs=0.001)
    assert np.sqrt(((uneven / shares - 1) ** 2 @ shares).mean()) == pytest.approx(0.2, rel=0.02)


def test_the_share_of_draws_is_the_probability():
    """Two weights, points 100 and 0: the score is 100 x weight, the grade A from 0.7 on.

    The weight of a is Beta(0.75 c, 0.25 c) with c = 1 / 0.2**2 - 1 = 24.
    """
    from scipy.stats import beta

    given = pd.DataFrame({"a": [100.0], "b": [0.0]}, ["x"])
    stable = weights.stability(card(a=0.75, b=0.25), given, draws=4000, spread=0.2)
    expected = beta(18, 6).sf(0.7)
    assert stable.loc["x", "same_share"] == pytest.approx(expected, abs=0.025)


def test_the_wider_the_draws_the_fewer_stay():
    given, three = drawn(500), card(a=0.5, b=0.3, c=0.2)
    shares = [
        weights.stability(three, given, spread=s)["same_share"].mean() for s in (0.05, 0.2, 0.6)
    ]
    assert shares[0] > shares[1] > shares[2]


@pytest.mark.parametrize("by_quota", [False, True])
def test_rows_ids_and_the_order_of_indicators_do_not_matter(by_quota):
    given = drawn(200, missing=0.2)
    one, other = card(by_quota, a=0.5, b=0.3, c=0.2), card(by_quota, c=0.2, a=0.5, b=0.3)
    stable = weights.stability(one, given, draws=50)
    shuffled = given.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(
        weights.stability(other, shuffled, draws=50).loc[stable.index], stable
    )
    renamed = weights.stability(one, given.set_axis(given.index[::-1]), draws=50)
    assert renamed["same_share"].tolist() == pytest.approx(
        stable["same_share"].tolist(), nan_ok=True
    )
    moved = weights.sensitivity(one, given)
    pd.testing.assert_frame_equal(weights.sensitivity(one, shuffled), moved)


def test_ungraded_customers_are_left_out_and_counted():
    given = drawn(300, missing=0.9)
    three = card(a=0.5, b=0.3, c=0.2)
    graded = points.contributions(three, given).notna().any(axis=1)
    moved = weights.sensitivity(three, given)
    assert (moved["n_customers"] == graded.sum()).all() and 0 < graded.sum() < 150
    assert (moved["n_customers"] + moved["n_not_graded"] == 300).all()
    stable = weights.stability(three, given, draws=20)
    assert (stable["grade"] == "not_graded").equals(~graded)
    assert stable["same_share"].isna().equals(~graded)
    summed = weights.summary(three, stable)
    assert summed.index.tolist() == ["A", "B", "C", "not_graded", "all"]
    assert summed.loc["all", "n_customers"] == graded.sum()
    assert summed.loc["not_graded", ["mean_same_share", "stable_share"]].isna().all()


def test_the_summary_counts_customers_who_keep_their_grade_nearly_always():
    stable = pd.DataFrame(
        {"grade": ["A", "A", "B", "not_graded"], "same_share": [0.9, 0.89, 1.0, np.nan]}
    )
    summed = weights.summary(card(a=1.0), stable)
    assert summed.loc["A"].tolist() == pytest.approx([2, 0.895, 0.5])
    assert summed.loc["all"].tolist() == pytest.approx([3, 2.79 / 3, 2 / 3])
    assert summed.loc["C", "n_customers"] == 0 and np.isnan(summed.loc["C", "stable_share"])


@pytest.mark.parametrize("by_quota", [False, True])
@pytest.mark.parametrize(
    "given",
    [
        drawn(1),
        drawn(0),
        drawn(30) * 0 + 55,
        drawn(30).assign(a=np.nan),
        drawn(60, missing=0.9),
    ],
    ids=["one", "none", "identical", "empty indicator", "90 % missing"],
)
def test_any_table_of_points_gets_an_answer(by_quota, given):
    three = card(by_quota, a=0.4, b=0.3, c=0.3)
    moved = weights.sensitivity(three, given)
    assert len(moved) == 6
    assert moved["changed_share"].dropna().between(0, 1).all()
    assert weights.stability(three, given, draws=5)["same_share"].dropna().between(0, 1).all()


def test_a_single_indicator_has_no_other_weight_to_trade_with():
    given = drawn(40, "a")
    assert (weights.sensitivity(card(a=1.0), given)["changed_share"] == 0).all()
    assert (weights.stability(card(a=1.0), given, draws=5)["same_share"] == 1).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6), st.floats(0.01, 1), st.booleans())
def test_weights_always_sum_to_one(shares, by, by_quota):
    shares = np.array(shares) / sum(shares)
    for i in range(len(shares)):
        for factor in (1 - by, 1 + by):
            moved = weights._changed(shares, i, factor)
            assert moved.sum() == pytest.approx(1) and (moved >= 0).all()


@pytest.mark.parametrize("by", [0, -0.1, 1.01, np.nan])
def test_a_share_out_of_range_is_an_error(by):
    with pytest.raises(InputError, match="`by` must be above 0"):
        weights.sensitivity(card(a=0.5, b=0.5), drawn(3, "ab"), by)


@pytest.mark.parametrize("wrong", [{"spread": 0}, {"spread": 1}, {"draws": 0}])
def test_draws_out_of_range_are_an_error(wrong):
    with pytest.raises(InputError, match="`spread` must be between"):
        weights.stability(card(a=0.5, b=0.5), drawn(3, "ab"), **wrong)


def test_nothing_given_is_changed():
    given, three = drawn(20, missing=0.3), card(a=0.5, b=0.3, c=0.2)
    kept = given.copy()
    weights.sensitivity(three, given)
    weights.stability(three, given, draws=3)
    pd.testing.assert_frame_equal(given, kept)
    assert three == replace(three)
