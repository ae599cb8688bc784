"""The cheapest change reaches the next grade, a step less does not, and no other is cheaper."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cvm_analysis.segments.grades import grade, next_grade, points, policy
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard

FIXED = {"A": 70.0, "B": 40.0, "C": 0.0}
SPEND = Indicator(
    "spend", "spend", 0.5, bands=((0, 20), (1000, 60), (5000, 100)), unit_cost=0.1, step=100
)
LATE = Indicator("late", "late", 0.3, better="low", scale=(0.5, 0.0), unit_cost=1000)
TARGET = Indicator("target", "sales", 0.2, per="goal", scale=(0, 1), unit_cost=1)


def card(*indicators, grades=FIXED, **setting):
    return Scorecard("dealer", dt.date(2024, 1, 1), indicators, grades, **setting)


NOBODY = pd.Series(dtype=object)  # no customer has a grade yet


def cheapest(made, measures, limits=FIXED, last=NOBODY, margin=0.0):
    """The next grade, the points to it and the cheapest change, for each graded customer."""
    score = points.score(made, measures)
    above = next_grade.find_next(score.dropna(), last, limits, margin)
    missing = (above["score_needed"] - score.dropna()).rename("points_to_next")
    change = next_grade.cheapest(made, measures, score, above["score_needed"])
    return above[["next_grade"]].join(missing).join(change)


def customer(**values):
    return pd.DataFrame({name: [float(value)] for name, value in values.items()}, index=["a"])


def test_a_worked_example():
    """Points 20, 60, 50: score 10 + 18 + 10 = 38, two short of B.

    spend needs 20 + 2 / 0.5 = 24 points, the band from 1,000 on: 950 -> 1,050 by steps of 100,
    cost 10. late needs 60 + 2 / 0.3 = 66.67 points: 0.2 -> 0.1667, cost 33.33. sales against a
    goal of 200 needs 60 points: 100 -> 120, cost 20.
    """
    measures = customer(spend=950, late=0.2, sales=100, goal=200)
    found = cheapest(card(SPEND, LATE, TARGET), measures).loc["a"]
    assert found.tolist() == ["B", 2.0, "spend", 950.0, 1050.0, 10.0]
    found = cheapest(card(SPEND, LATE, TARGET), measures.assign(spend=150)).loc["a"]
    assert found.tolist() == ["B", 2.0, "target", 100.0, 120.0, 20.0]
    free = [each for each in (SPEND, LATE, TARGET) if each.code != "target"]
    unpriced = Indicator("target", "sales", 0.2, per="goal", scale=(0, 1))
    found = cheapest(card(*free, unpriced), measures.assign(spend=150)).loc["a"]
    assert found["indicator"] == "late"
    assert found["to_value"] == pytest.approx(0.2 - 0.5 * 2 / 0.3 / 100)
    assert found["cost"] == pytest.approx(100 / 3)


def test_the_weight_known_of_the_customer_counts():
    """late missing: known weight 0.7, score (0.5 x 20 + 0.2 x 50) / 0.7 = 28.57; sales need

    50 + 11.43 x 0.7 / 0.2 = 90 points.
    """
    measures = customer(spend=0, late=np.nan, sales=100, goal=200)
    found = cheapest(card(SPEND, LATE, TARGET), measures).loc["a"]
    assert found["indicator"] == "target"
    assert found["to_value"] == pytest.approx(180)
    assert found["points_to_next"] == pytest.approx(40 - 20 / 0.7)


def test_the_best_grade_needs_nothing_and_ungraded_customers_are_left_out():
    measures = pd.DataFrame({"late": [0.0, np.nan]}, index=["best", "unknown"])
    found = cheapest(card(Indicator("late", "late", 1.0, better="low", scale=(1, 0))), measures)
    assert found.index.tolist() == ["best"]
    assert found.isna().all(axis=None)


def test_no_single_change_may_be_enough():
    measures = customer(spend=0, late=0.5, sales=0, goal=200)
    found = cheapest(card(LATE, TARGET, SPEND), measures, {"A": 95.0, "C": 0.0}).loc["a"]
    assert found["next_grade"] == "A" and found["points_to_next"] == 85
    assert found[["indicator", "value", "to_value", "cost"]].isna().all()


def test_a_missing_value_is_no_change_even_if_it_has_points():
    made = card(
        Indicator("x", "x", 0.5, scale=(0, 1), unit_cost=1, missing=0),
        Indicator("y", "y", 0.5, scale=(0, 1)),
    )
    found = cheapest(made, customer(x=np.nan, y=0.5)).loc["a"]
    assert found["next_grade"] == "B" and found.isna()["indicator"]
    assert cheapest(made, customer(y=0.5)).loc["a"].isna()["indicator"]


def test_a_grade_that_ties_make_impossible_is_passed_over():
    made = card(Indicator("x", "x", 1.0, scale=(0, 100), unit_cost=1))
    limits = {"A": 70.0, "B": float("nan"), "C": 0.0}
    assert cheapest(made, customer(x=10), limits).loc["a", "next_grade"] == "A"
    limits = {"A": float("nan"), "B": 40.0, "C": 0.0}
    assert cheapest(made, customer(x=50), limits).loc["a"].isna().all()


def test_an_indicator_left_out_for_all_cannot_be_improved():
    made = card(
        Indicator("x", "x", 0.3, bins=5, unit_cost=0.001),
        Indicator("y", "y", 0.7, scale=(0, 1), unit_cost=1),
    )
    measures = pd.DataFrame({"x": 1.0, "y": [0.1, 0.2]})
    assert cheapest(points.fit_bins(made, measures), measures)["indicator"].tolist() == ["y", "y"]


def test_of_equal_costs_the_first_is_taken():
    parts = [Indicator(c, c, 0.5, scale=(0, 1), unit_cost=1) for c in "ba"]
    assert cheapest(card(*parts), customer(a=0.3, b=0.3)).loc["a", "indicator"] == "b"


def test_no_customers_have_no_rows():
    measures = customer(spend=0, late=0.5, sales=0, goal=200).head(0)
    found = cheapest(card(SPEND, LATE, TARGET), measures)
    assert found.empty
    assert list(found) == ["next_grade", "points_to_next", "indicator", "value", "to_value", "cost"]


def random_case(seed):
    rng = np.random.default_rng(seed)
    n = 80
    measures = pd.DataFrame(
        {
            "orders": rng.poisson(3, n).astype(float),
            "late": rng.beta(1, 4, n),
            "sales": rng.gamma(2, 500, n),
            "goal": rng.uniform(-50, 2000, n),
            "days": rng.integers(0, 400, n).astype(float),
        },
        index=[f"C{i}" for i in range(n)],
    )
    measures = measures.mask(rng.random(measures.shape) < 0.15)
    weights, cost = rng.dirichlet(np.full(4, 3.0)), rng.uniform(0.01, 10, 4)
    made = card(
        Indicator("orders", "orders", weights[0], bins=6, unit_cost=cost[0], step=1),
        Indicator(
            "late", "late", weights[1], better="low", scale=(0.6, 0.05), unit_cost=cost[1] * 100
        ),
        Indicator("sales", "sales", weights[2], per="goal", unit_cost=cost[2] / 100,
                  bands=((0.3, 10), (0.7, 55), (1.1, 100))),
        Indicator("days", "days", weights[3], better="low", bins=9, unit_cost=cost[3] / 10, step=7,
                  missing=5),
        grades={"A": 0.1, "B": 0.3, "C": 0.6} if seed % 2 else FIXED,
        by_quota=bool(seed % 2),
        min_weight=0.4,
    )  # fmt: skip
    return points.fit_bins(made, measures), measures


def reaches(made, changed, column, values, least):
    """Whether each customer reaches a score with another value of one column."""
    return points.score(made, changed.assign(**{column: values})) >= least


def changes(seed):
    made, measures = random_case(seed)
    limits = grade.thresholds(made, points.score(made, measures))
    found = cheapest(made, measures, limits)
    assert list(found.index) == list(points.score(made, measures).dropna().index)
    found = found[found["next_grade"].notna()]
    return made, measures.loc[found.index], found, found["next_grade"].map(limits)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
def test_the_change_reaches_the_grade_and_a_smaller_one_does_not(seed):
    made, measures, found, least = changes(seed)
    assert found["indicator"].notna().any()
    for each in made.indicators:
        own = found[found["indicator"] == each.code]
        before, sign = measures.loc[own.index], 1 if each.better == "high" else -1
        apart = sign * (own["to_value"] - own["value"])
        assert (apart > 0).all() and (own["value"] == before[each.column]).all()
        assert own["cost"].to_numpy() == pytest.approx((apart * each.unit_cost).to_numpy())
        assert reaches(made, before, each.column, own["to_value"], least[own.index]).all()
        less = each.step or 1e-6 * own["to_value"].abs().clip(lower=1)
        if each.step:
            assert (apart / less).to_numpy() == pytest.approx((apart / less).round().to_numpy())
        short = own["to_value"] - sign * less
        assert not reaches(made, before, each.column, short, least[own.index]).any()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
@example(579)  # a limit that rounding put above the very score it was taken from
def test_nothing_cheaper_reaches_the_grade(seed):
    made, measures, found, least = changes(seed)
    budget = (0.999 * found["cost"]).fillna(1e6)
    for each in made.indicators:
        change = budget / each.unit_cost
        change = np.floor(change / each.step) * each.step if each.step else change
        tried = measures[each.column] + (change if each.better == "high" else -change)
        assert not reaches(made, measures, each.column, tried, least).any()


def test_order_of_customers_changes_nothing():
    made, measures = random_case(7)
    limits = grade.thresholds(made, points.score(made, measures))
    found = cheapest(made, measures, limits)
    shuffled = measures.sample(frac=1, random_state=1)
    again = cheapest(made, shuffled, limits)
    pd.testing.assert_frame_equal(again.loc[found.index], found)


def test_a_step_that_floats_miss_by_a_hair_is_one_step():
    made = card(Indicator("x", "x", 1.0, bands=((0.7, 10), (0.8, 50)), unit_cost=1, step=0.1))
    assert 0.7 + 0.1 < 0.8
    assert cheapest(made, customer(x=0.7)).loc["a", "to_value"] == 0.8


def test_the_next_grade_is_the_one_above_the_effective_grade():
    """Scores 71, 71, 71, 30; A from 70, B from 40; the margin is 2.

    C and B wait for the margin: B is reached (71 >= 42), A needs 72. A customer without a grade
    is graded by the score alone; one with A, whose score is low, has no next grade.
    """
    scores = pd.Series([71.0, 71.0, 71.0, 30.0, 30.0], list("abcde"))
    last = pd.Series({"a": "C", "b": "B", "d": "A", "e": "not_graded"})
    found = next_grade.find_next(scores, last, FIXED, 2.0)
    assert found["next_grade"].tolist() == ["B", "A", None, None, "B"]
    assert found["score_needed"].fillna(0).tolist() == [42, 72, 0, 0, 40]


def test_a_grade_beyond_100_points_with_its_margin_cannot_be_reached():
    found = next_grade.find_next(
        pd.Series({"a": 99.0}), pd.Series({"a": "C"}), {"A": 99.0, "C": 0.0}, 2.0
    )
    assert found["next_grade"].tolist() == ["A"] and found["score_needed"].isna().all()


def test_a_grade_that_the_scorecard_no_longer_has_counts_as_none():
    found = next_grade.find_next(pd.Series({"a": 50.0}), pd.Series({"a": "D"}), FIXED, 2.0)
    assert found.loc["a"].tolist() == ["A", 70.0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.sampled_from([0.0, 0.1, 2.0]), st.integers(0, 2))
def test_the_next_review_lifts_those_with_the_score_needed_and_nobody_with_less(
    seed, margin, min_stay
):
    """The reviews replayed with one more, at the score needed and a little below it."""
    rng = np.random.default_rng(seed)
    rules = policy.Policy(min_stay=min_stay, protection=2, notice=1, margin=margin)
    limits = {"A": round(rng.uniform(60, 90), 9), "B": round(rng.uniform(30, 59), 9), "C": 0.0}
    days = pd.date_range("2024-03-31", periods=5, freq="QE")
    scores = pd.DataFrame(rng.uniform(0, 100, (60, 4)).round(9), columns=days[:4])
    scores = scores.mask(rng.random(scores.shape) < 0.1)
    history = policy.replay(scores, [limits] * 4, rules).reset_index()
    last = history.groupby("customer_id")["grade"].last()
    wait = policy.reviews_to_rise(history, rules)
    above = next_grade.find_next(scores[days[3]].dropna(), last, limits, margin)
    above = above[above["score_needed"].notna()]
    for less in (0.0, 1e-6):
        again = scores.loc[above.index].assign(**{"next": above["score_needed"] - less})
        after = policy.replay(again, [limits] * 5, rules)["grade"].xs("next", level="day")
        rises = (wait[above.index] == 1) & (less == 0)
        held = last[above.index] != "not_graded"  # the first grade is the one by score
        expected = above["next_grade"].where(rises, last)
        assert (after[held] == expected[held]).all()
