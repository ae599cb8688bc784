"""A new version before it is adopted: small cases by hand, and sums that must add up."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.errors import InputError
from cvm_analysis.segments.grades import versions
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard

NAN = np.nan


def card(grades=None, by_quota=False, kind="dealer", **weights):
    indicators = tuple(Indicator(c, c, w, scale=(0, 100)) for c, w in weights.items())
    grades = grades or {"A": 70.0, "B": 40.0, "C": 0.0}
    return Scorecard(kind, dt.date(2025, 1, 1), indicators, grades, by_quota)


def drawn(n, missing=0.0):
    rng = np.random.default_rng(2)
    index = pd.Index([f"C{i:04d}" for i in range(n)], name="customer_id")
    table = pd.DataFrame(100 * rng.random((n, 3)), index, list("abc"))
    return table.mask(rng.random(table.shape) < missing), pd.Series(rng.gamma(1, 100, n), index)


def test_two_customers_by_hand():
    """Half a, half b becomes 0.9 a, 0.1 b: x (100, 20) 60 -> 92, y (40, 90) 65 -> 45."""
    measures = pd.DataFrame({"a": [100.0, 40], "b": [20.0, 90]}, ["x", "y"])
    net_sales = pd.Series({"x": 5.0, "y": 7.0})
    found = versions.compare(card(a=0.5, b=0.5), card(a=0.9, b=0.1), measures, net_sales)
    assert found.regraded.index.tolist() == ["x"]
    assert found.regraded.loc["x"].tolist() == ["B", "A", "rose", 60.0, 92.0, 5.0]
    moves = found.matrix.set_index(["before", "after"])
    assert moves.loc[("B", "A"), ["move", "n_customers", "net_sales"]].tolist() == ["rose", 1, 5.0]
    assert moves.loc[("B", "B"), ["move", "n_customers", "net_sales"]].tolist() == [
        "stayed",
        1,
        7.0,
    ]
    assert found.indicators.loc["a"].tolist() == pytest.approx([0.5, 0.9, 35, 63, 28])
    assert found.indicators.loc["b"].tolist() == pytest.approx([0.5, 0.1, 27.5, 5.5, -22])
    assert (found.n_customers, found.n_graded) == (2, 2)


@pytest.mark.parametrize("by_quota", [False, True])
@pytest.mark.parametrize("missing", [0.0, 0.4, 0.9])
def test_customers_net_sales_and_points_add_up(by_quota, missing):
    measures, net_sales = drawn(300, missing)
    shares = {"A": 0.1, "B": 0.3, "C": 0.6}
    old = card(shares if by_quota else None, by_quota, a=0.5, b=0.3, c=0.2)
    new = card(shares if by_quota else None, by_quota, a=0.2, b=0.3, c=0.5)
    found = versions.compare(old, new, measures, net_sales)
    assert found.matrix["n_customers"].sum() == 300
    assert found.matrix["net_sales"].sum() == pytest.approx(net_sales.sum())
    apart = found.matrix[found.matrix["before"] != found.matrix["after"]]
    assert len(found.regraded) == apart["n_customers"].sum() > 0
    assert found.regraded["net_sales"].is_monotonic_decreasing
    both = found.indicators[["points_before", "points_after"]].sum()
    scores = _scores(old, measures), _scores(new, measures)
    graded = scores[0].notna() & scores[1].notna()
    assert found.n_graded == graded.sum() > 0
    assert both.tolist() == pytest.approx([each[graded].mean() for each in scores])


def _scores(one, measures):
    """The formula of the score, written out: weighted mean of what is known."""
    weights = np.array([each.weight for each in one.indicators])
    known = measures.notna() @ weights
    return (measures.fillna(0) @ weights / known).where(known >= one.min_weight - 1e-9)


def test_each_version_learns_its_own_bands():
    """Five equal groups of 1..10: two customers each; of the better half asked by a limit of 60."""
    measures = pd.DataFrame({"a": np.arange(1.0, 11)}, [f"C{i}" for i in range(10)])
    old = card(a=1.0)
    binned = replace(old, indicators=(Indicator("a", "a", 1.0, bins=5),))
    found = versions.compare(old, binned, measures, measures["a"])
    counts = found.matrix[found.matrix["n_customers"] > 0].set_index(["before", "after"])
    assert counts["n_customers"].to_dict() == {("C", "A"): 4, ("C", "B"): 2, ("C", "C"): 4}


def test_a_version_against_itself_changes_no_grade():
    measures, net_sales = drawn(100, 0.3)
    one = card(a=0.5, b=0.3, c=0.2)
    found = versions.compare(one, one, measures, net_sales)
    assert found.regraded.empty and (found.indicators["change"] == 0).all()


def test_indicators_that_only_one_version_has():
    measures, net_sales = drawn(50)
    found = versions.compare(card(a=0.5, b=0.5), card(b=0.5, c=0.5), measures, net_sales).indicators
    assert found.index.tolist() == ["a", "b", "c"]
    assert found["weight_before"].tolist() == [0.5, 0.5, 0]
    assert found["weight_after"].tolist() == [0, 0.5, 0.5]
    assert found.loc["c", "points_before"] == 0 == found.loc["a", "points_after"]


@pytest.mark.parametrize(
    ("old", "new", "order"),
    [
        ("ABC", "ABC", "ABC"),
        ("SABC", "ABC", "SABC"),
        ("ABC", "SABC", "SABC"),
        ("ABCD", "ABC", "ABCD"),
        ("ACD", "ABD", "ABCD"),
        ("XY", "AB", "ABXY"),
    ],
)
def test_grades_of_two_versions_in_one_order(old, new, order):
    assert versions.merge_grades(list(old), list(new)) == list(order)


def test_a_grade_that_is_given_up_was_the_best_one():
    measures, net_sales = drawn(60)
    old = card({"S": 90.0, "A": 60.0, "C": 0.0}, a=1.0)
    found = versions.compare(old, card({"A": 60.0, "C": 0.0}, a=1.0), measures, net_sales)
    assert (found.regraded["before"] == "S").all() and (found.regraded["move"] == "fell").all()


def test_a_customer_no_longer_graded_neither_fell_nor_rose():
    measures = pd.DataFrame({"a": [90.0, 90], "b": [NAN, 80]}, ["x", "y"])
    found = versions.compare(card(a=1.0), card(a=0.5, b=0.5), measures, pd.Series({"y": 3.0}))
    assert found.regraded.loc["x", ["before", "after", "move", "net_sales"]].tolist() == [
        "A", "not_graded", "other", 0.0,
    ]  # fmt: skip
    assert np.isnan(found.regraded.loc["x", "score_after"]) and found.n_graded == 1


def test_rows_do_not_matter():
    measures, net_sales = drawn(200, 0.3)
    old, new = card(a=0.5, b=0.3, c=0.2), card(a=0.2, b=0.3, c=0.5)
    found = versions.compare(old, new, measures, net_sales)
    other = versions.compare(old, new, measures.sample(frac=1, random_state=1), net_sales)
    pd.testing.assert_frame_equal(found.matrix, other.matrix)
    pd.testing.assert_frame_equal(found.regraded, other.regraded)
    pd.testing.assert_frame_equal(found.indicators, other.indicators)


@pytest.mark.parametrize(
    "measures",
    [
        drawn(0)[0],
        drawn(1)[0],
        drawn(30)[0] * 0 + 50,
        drawn(30)[0] * NAN,
        drawn(30)[0].assign(c=7.0),
    ],
    ids=["none", "one", "identical", "empty", "constant"],
)
def test_any_customers_get_an_answer(measures):
    bins = Indicator("c", "c", 0.4, bins=5)
    old = card(a=0.5, b=0.5)
    new = replace(card(a=0.3, b=0.3), indicators=(*card(a=0.3, b=0.3).indicators, bins))
    found = versions.compare(old, new, measures, pd.Series(1.0, measures.index))
    assert found.matrix["n_customers"].sum() == len(measures) == found.n_customers
    if measures.isna().all(axis=None):
        assert found.indicators[["points_before", "change"]].isna().all(axis=None)


def test_infinite_values_and_other_customer_types_are_errors():
    measures, net_sales = drawn(10)
    one = card(a=0.5, b=0.5)
    with pytest.raises(InputError, match="1 of 10 values of a are infinite"):
        versions.compare(
            one, one, measures.mask(measures == measures["a"].max(), np.inf), net_sales
        )
    with pytest.raises(InputError, match="one is for dealer customers, one for retail"):
        versions.compare(one, card(kind="retail", a=0.5, b=0.5), measures, net_sales)
    with pytest.raises(InputError, match="net_sales: 10 customers are listed twice"):
        versions.compare(one, one, measures, pd.concat([net_sales, net_sales]))
