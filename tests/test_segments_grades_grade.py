"""Grades: quotas are kept exactly, equal scores get the same grade, missing data no grade."""

import datetime as dt
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvm_analysis.segments.grades import grade
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard

X = (Indicator("x", "x", 1.0, scale=(0, 100)),)
ABC = {"A": 0.1, "B": 0.3, "C": 0.6}


def card(grades, by_quota=True):
    return Scorecard("retail", dt.date(2024, 1, 1), X, grades, by_quota)


def graded(grades, scores, by_quota=True):
    scores = pd.Series(scores, dtype=float)
    return grade.assign(scores, grade.thresholds(card(grades, by_quota), scores)).tolist()


def impossible(thresholds):
    return [code for code, least in thresholds.items() if np.isnan(least)]


def test_a_score_at_the_limit_has_the_grade():
    fixed = {"A": 70, "B": 40, "C": 0}
    scores = [100, 70, 69.999999999, 40, 39.9, 0, np.nan]
    assert graded(fixed, scores, by_quota=False) == [*"AABBCC", "not_graded"]
    assert grade.thresholds(card(fixed, False), pd.Series([1.0])) == fixed


@pytest.mark.parametrize("n", [10, 20, 100, 1000])
def test_without_ties_quotas_are_kept_to_the_customer(n):
    counts = pd.Series(graded(ABC, range(n))).value_counts()
    assert counts.to_dict() == {"A": n // 10, "B": 3 * n // 10, "C": 6 * n // 10}


def test_thirds_written_in_floats_are_thirds():
    third = {"A": 1 / 3, "B": 1 / 3, "C": 1 / 3}
    assert graded(third, range(9)) == [*"CCCBBBAAA"]
    assert graded({"A": 4 / 9, "B": 5 / 9}, range(9)) == [*"BBBBBAAAA"]


def test_a_tie_at_the_edge_goes_to_the_lower_grade_together():
    scores = [*range(8), 50, 50]
    assert graded(ABC, scores) == [*"CCCCCCBBBB"]
    limits = grade.thresholds(card(ABC), pd.Series(scores, dtype=float))
    assert np.isnan(limits["A"]) and limits["B"] == 6
    assert impossible(limits) == ["A"]


def test_a_grade_between_two_that_ties_join_is_impossible_and_named():
    scores = pd.Series([1.0] * 9 + [2.0])
    limits = grade.thresholds(card(ABC), scores)
    assert list(limits) == ["A", "B", "C"]
    assert limits["A"] == 2 and np.isnan(limits["B"]) and limits["C"] == 0
    assert impossible(limits) == ["B"]
    assert grade.assign(scores, limits).tolist() == [*"CCCCCCCCCA"]


@pytest.mark.parametrize("scores", [[50.0], [50.0] * 20])
def test_customers_with_equal_scores_get_the_last_grade(scores):
    limits = grade.thresholds(card(ABC), pd.Series(scores))
    assert impossible(limits) == ["A", "B"]
    assert graded(ABC, scores) == ["C"] * len(scores)


@pytest.mark.parametrize("scores", [[], [np.nan, np.nan]])
def test_without_scores_all_are_not_graded(scores):
    assert graded(ABC, scores) == ["not_graded"] * len(scores)


def test_ungraded_customers_do_not_count_in_a_quota():
    scores = [*range(10), *[np.nan] * 90]
    assert graded(ABC, scores)[:10] == [*"CCCCCCBBBA"]


def test_thresholds_of_the_company_grade_a_region():
    limits = grade.thresholds(card(ABC), pd.Series(range(100), dtype=float))
    assert limits == {"A": 90, "B": 60, "C": 0}
    assert grade.assign(pd.Series([95.0, 92.0]), limits).tolist() == ["A", "A"]


quotas = st.lists(st.integers(1, 97), min_size=1, max_size=4).map(
    lambda parts: {f"G{i}": part / (sum(parts) + 3) for i, part in enumerate([*parts, 3])}
)
scored = st.lists(st.one_of(st.integers(0, 12).map(float), st.just(np.nan)), max_size=60)


@given(quotas, scored)
def test_no_more_customers_than_asked_for_reach_a_grade_or_better(quota, values):
    scores = pd.Series(values, dtype=float)
    limits = grade.thresholds(card(quota), scores)
    codes = grade.assign(scores, limits)
    known = scores.dropna()
    names = list(quota)
    for i, name in enumerate(names[:-1]):
        better = codes.isin(names[: i + 1])
        share = sum(Fraction(str(quota[each])) for each in names[: i + 1])
        assert better.sum() <= float(share) * len(known) + 1e-6
        reached = [v for v in known if (known < v).sum() >= (1 - float(share)) * len(known) - 1e-6]
        assert sorted(scores[better]) == sorted(reached), name
    assert set(impossible(limits)).isdisjoint(codes)
    assert codes.groupby(scores).nunique().le(1).all()
    assert (codes[scores.isna()] == grade.NOT_GRADED).all()
    shuffled = scores.sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(
        grade.assign(shuffled, grade.thresholds(card(quota), shuffled)).sort_index(), codes
    )
