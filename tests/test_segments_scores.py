"""Scores against slow obvious code: ties share a score, quantiles are those of R's type 7."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvm_analysis.errors import InputError
from cvm_analysis.segments import scores

NAN, INF = float("nan"), float("inf")
numbers = st.lists(st.one_of(st.integers(-5, 5).map(float), st.just(NAN)), max_size=40)


def parts(n):
    return [(i, n) for i in range(1, n)]


def test_cut_points_by_hand():
    values = pd.Series([1, 1, 2, 3, 4, 5, 6, 7, 8, 9.0])
    assert scores.cut_points(values, parts(5)) == [2, 4, 6, 8]
    assert list(scores.score(values, [2, 4, 6, 8])) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


@settings(max_examples=100, deadline=None)
@given(numbers, st.integers(2, 100))
def test_a_cut_point_is_the_least_value_with_enough_strictly_worse(values, n):
    known = [v for v in values if v == v]
    enough = [
        [v for v in known if sum(w < v for w in known) * n >= i * len(known)] for i, n in parts(n)
    ]
    slow = [min(each, default=NAN) for each in enough]
    np.testing.assert_array_equal(scores.cut_points(pd.Series(values, dtype=float), parts(n)), slow)


@settings(max_examples=100, deadline=None)
@given(numbers, st.lists(st.sampled_from([-3.0, 0.0, 0.5, 4.0, INF, NAN]), max_size=6))
def test_a_score_counts_the_cut_points_reached_and_an_empty_value_reaches_none(values, cuts):
    slow = [1 + sum(v >= cut for cut in cuts) for v in values]
    assert list(scores.score(pd.Series(values, dtype=float), cuts)) == slow


@settings(max_examples=100, deadline=None)
@given(numbers, st.integers(2, 10))
def test_quantiles_are_the_linear_ones_of_numpy(values, n):
    found = scores.quantiles(pd.Series(values, dtype=float), parts(n))
    known = [v for v in values if v == v]
    asked = [i / n for i in range(1, n)]
    numpy = np.quantile(known, asked, method="linear") if known else [NAN] * (n - 1)
    np.testing.assert_allclose(found, numpy, atol=1e-12)


def test_a_quantile_on_a_value_is_exactly_that_value():
    values = pd.Series(np.arange(996) / 7)  # 0.2 x 995 is 199
    assert scores.quantiles(values, parts(5)) == [values[199 * i] for i in range(1, 5)]


def test_nullable_columns_are_scored_like_floats():
    values = pd.Series([1, None, 3], dtype="Int64")
    assert scores.cut_points(values, [(1, 2)]) == [3]
    assert list(scores.score(values, [3])) == [1, 1, 2]


def test_empty_and_infinite_measures_are_one_error_that_counts_them():
    table = pd.DataFrame({"a": [1.0, NAN, INF], "b": [1, 2, 3], "c": [-INF, 0.0, 0.0]})
    with pytest.raises(InputError, match="a: 2 of 3 customers; c: 1 of 3 customers"):
        scores.check_finite(table)
    scores.check_finite(table[["b"]])
    with pytest.raises(InputError, match="d: 1 of 2 customers"):
        scores.check_finite(pd.DataFrame({"d": pd.Series([1, None], dtype="Int64")}))
