"""Five customers replayed by hand, and properties of every policy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cvm_analysis.segments.grades import grade
from cvm_analysis.segments.grades.policy import Policy, replay

LIMITS = {"A": 70.0, "B": 40.0, "C": 0.0}
SLOW = Policy(min_stay=1, protection=2, notice=1, margin=5)
# With a margin of 5: up to A from 75 and to B from 45; down from A below 65 and from B below 35.
BY_HAND = """
anna  50 B first          the first grade is the one by score
anna  74 B kept_margin    by score A, but less than 75
anna  75 A up
anna  30 A kept_min_stay  the review after a move
anna  30 A kept_protection  the second review after a rise
anna  30 C down           third review below: notice was given; past B at once
ben   80 A first
ben   66 A kept_margin    by score B, but not below 65
ben   64 A kept_notice    the first review below
ben   66 A kept_margin    no longer below: the count starts again
ben   64 A kept_notice
ben   64 B down
cleo   - - not_graded     never graded
cleo   - - not_graded
cleo  20 C first
cleo  90 A up             past B at once
cleo  90 A same
cleo  10 A kept_protection  the second review after a rise
dora  50 B first
dora   - B not_graded     keeps the grade
dora  30 B kept_notice
dora   - B not_graded     neither adds to the reviews below nor interrupts them
dora  30 C down
dora  46 C kept_min_stay  the review after a move
emil  39 C first
emil  45 B up
emil  41 B same
emil  36 B kept_margin
emil  34 B kept_notice    protection is over
emil  20 C down
"""


def by_hand():
    rows = [line.split()[:4] for line in BY_HAND.strip().splitlines()]
    table = pd.DataFrame(rows, columns=["customer_id", "score", "grade", "review_decision"])
    table["day"] = table.groupby("customer_id").cumcount() + 1
    table["score"] = pd.to_numeric(table["score"], errors="coerce")
    table["grade"] = table["grade"].replace("-", grade.NOT_GRADED)
    return table.set_index(["customer_id", "day"])


def test_five_customers_by_hand():
    expected = by_hand()
    scores = expected["score"].unstack()
    found = replay(scores, [LIMITS] * 6, SLOW)
    pd.testing.assert_frame_equal(
        found[["grade", "review_decision"]], expected[["grade", "review_decision"]]
    )
    for day, column in scores.items():
        assert list(found["score_grade"].xs(day, level="day")) == list(grade.assign(column, LIMITS))


RULES = st.builds(
    Policy, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.sampled_from([0.0, 5.0, 30])
)
SCORE = st.one_of(st.integers(0, 100).map(float), st.just(np.nan))


def tables(n_purchase_days=6):
    days = st.lists(SCORE, min_size=n_purchase_days, max_size=n_purchase_days)
    return st.lists(days, min_size=1, max_size=8).map(lambda rows: pd.DataFrame(rows))


@given(tables())
@settings(max_examples=25, deadline=None)
def test_without_rules_the_grade_is_the_one_by_score(scores):
    found = replay(scores, [LIMITS] * 6, Policy())
    scored = found["score_grade"] != grade.NOT_GRADED
    assert (found["grade"] == found["score_grade"])[scored].all()
    assert set(found["review_decision"]) <= {"first", "same", "up", "down", "not_graded"}


@given(RULES, SCORE)
@settings(max_examples=25, deadline=None)
def test_a_constant_score_never_moves(rules, score):
    found = replay(pd.DataFrame([[score] * 6]), [LIMITS] * 6, rules)
    assert found["grade"].nunique() == 1
    assert set(found["review_decision"]) <= {"first", "same", "not_graded"}


@given(RULES, tables(), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_neither_the_order_of_rows_nor_their_names_matter(rules, scores, random):
    found = replay(scores, [LIMITS] * 6, rules)
    order = list(scores.index)
    random.shuffle(order)
    renamed = scores.loc[order].rename(index=lambda i: f"z{i}")
    again = replay(renamed, [LIMITS] * 6, rules).rename(index=lambda z: int(z[1:]), level=0)
    pd.testing.assert_frame_equal(again.sort_index(), found.sort_index(), check_index_type=False)


@given(RULES, tables())
@settings(max_examples=50, deadline=None)
def test_the_rules_hold_of_every_customer(rules, scores):
    """Read off the finished table, one customer and review at a time."""
    rank = {"C": 0, "B": 1, "A": 2}
    found = replay(scores, [LIMITS] * 6, rules).reset_index()
    for customer, rows in found.groupby("customer_id"):
        values, grades, whys = (
            scores.loc[customer],
            list(rows["grade"]),
            list(rows["review_decision"]),
        )
        for day in range(1, 6):
            old, new = grades[day - 1], grades[day]
            moved = whys[day] in ("up", "down")
            assert moved == (old != new and old in rank)
            if not moved:
                continue
            rising = rank[new] > rank[old]
            assert rising == (whys[day] == "up")
            recent = whys[max(0, day - rules.min_stay) : day]
            assert not {"up", "down"} & set(recent)
            if rising:
                assert values[day] >= LIMITS[new] + rules.margin
                continue
            assert "up" not in whys[max(0, day - rules.protection) : day]
            below = [v for v in values[: day + 1].dropna()][-1 - rules.notice :]
            assert len(below) == rules.notice + 1
            assert all(v < LIMITS[old] - rules.margin for v in below)


def test_a_rise_takes_margin_points_more_at_each_limit():
    """74 is by score A and with 5 to spare only B: a customer in C goes to B."""
    found = replay(pd.DataFrame([[10.0, 74.0, 74.0]]), [LIMITS] * 3, Policy(margin=5))
    assert list(found["grade"]) == ["C", "B", "B"]
    assert list(found["review_decision"]) == ["first", "up", "kept_margin"]


def test_each_review_has_its_own_thresholds():
    stricter = {"A": 90.0, "B": 60.0, "C": 0.0}
    found = replay(pd.DataFrame([[75.0, 75.0]]), [LIMITS, stricter], Policy())
    assert list(found["grade"]) == ["A", "B"]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"A": np.nan, "B": 40.0, "C": 0.0}, ["B", "B", "C"]),
        ({"A": 70.0, "B": np.nan, "C": 0.0}, ["A", "C", "C"]),
        ({"A": np.nan, "B": np.nan, "C": 0.0}, ["C", "C", "C"]),
    ],
)
def test_a_grade_that_ties_make_impossible_is_never_assigned(limits, expected):
    scores = pd.Series([80.0, 50.0, 10.0])
    found = replay(scores.to_frame(), [limits], Policy())
    assert list(found["grade"]) == list(grade.assign(scores, limits)) == expected


def test_a_version_with_other_grades_starts_anew_only_for_grades_it_does_not_know():
    new = {"gold": 80.0, "A": 60.0, "C": 0.0}
    scores = pd.DataFrame([[75.0, 75.0], [50.0, 65.0], [75.0, np.nan], [50.0, np.nan]])
    found = replay(scores, [LIMITS, new], Policy()).xs(1, level="day")
    assert list(found["grade"]) == ["A", "A", "A", grade.NOT_GRADED]
    assert list(found["review_decision"]) == ["same", "first", "not_graded", "not_graded"]


def test_no_reviews_and_no_customers():
    assert replay(pd.DataFrame(), [], Policy()).empty
    assert replay(pd.DataFrame({1: pd.Series(dtype=float)}), [LIMITS], Policy()).empty


def test_an_impossible_policy_says_all_that_is_wrong():
    with pytest.raises(ValidationError, match=r"(?s)min_stay.*notice.*margin"):
        Policy(min_stay=-1, notice=1.5, margin=-2)
    with pytest.raises(ValidationError, match="margin"):
        Policy(margin=np.nan)


def test_each_downgrade_has_its_own_notice():
    found = replay(pd.DataFrame([[80.0, 60.0, 60.0, 30.0, 30.0]]), [LIMITS] * 5, Policy(notice=1))
    assert list(found["grade"]) == ["A", "A", "B", "B", "C"]
