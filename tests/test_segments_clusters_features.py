"""Features: equal weights, outliers clipped, a single purchase is not extreme."""

import numpy as np
import pandas as pd
import pytest
from three_kinds import cloud, customers, once

from cvm_analysis.segments.clusters import features, measures


@pytest.fixture(scope="module")
def people():
    return customers()


@pytest.fixture(scope="module")
def measured(people):
    return measures.build(people)


def shares(n, seed=0):
    care = np.random.default_rng(seed).beta(2, 3, n)
    return pd.DataFrame({"category:care": care, "category:tools": 1 - care})


def test_numbers_are_comparable(people, measured):
    made = features.build(measured, people)
    assert list(made.table) == ["net_sales_per_order", "orders_per_year", "days_since_last"]
    assert made.scales.left_out == {"return_share": "alike"}  # nobody returned
    assert made.table.mean().abs().max() < 1e-9
    assert made.table.std(ddof=0).to_numpy() == pytest.approx(1)
    assert made.table.abs().max().max() <= 3


def test_twice_as_much_is_one_step(people, measured):
    doubled = pd.Series([100.0, 200, 400, 800], people.index[:4])
    some = measured.head(4).assign(net_sales_per_order=doubled)
    steps = np.diff(features.build(some, people).table["net_sales_per_order"])
    assert steps == pytest.approx(steps[0])


def test_outliers_are_clipped(people, measured):
    tables = []
    for much in (1e9, 1e12):
        odd = measured.copy()
        odd.iloc[5, 0] = much
        tables.append(features.build(odd, people).table)
    pd.testing.assert_frame_equal(*tables)


def test_an_attribute_weighs_as_one_number_and_all_levels_are_equally_far():
    measured = pd.DataFrame(
        {"channel": ["web"] * 50 + ["store"] * 30 + ["dealer"] * 20}, dtype=object
    )
    table = features.build(measured, once(measured)).table
    assert list(table) == ["channel=dealer", "channel=store", "channel=web"]
    assert table.var(ddof=0).sum() == pytest.approx(1)
    one_each = table.iloc[[0, 50, 99]].to_numpy()
    apart = [np.linalg.norm(one_each[i] - one_each[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert apart == pytest.approx([apart[0]] * 3)


def test_an_unknown_level_is_the_average_customer():
    measured = pd.DataFrame({"channel": ["web", "store"] * 20 + [None] * 5}, dtype=object)
    table = features.build(measured, once(measured)).table
    assert (table.tail(5) == 0).all(axis=None)
    assert len(table.columns) == 2


def test_compositions_have_the_weight_of_two_numbers():
    measured = shares(200)
    table = features.build(measured, once(measured)).table
    assert table.var(ddof=0).sum() == pytest.approx(features.WHOLE)
    assert table.mean().abs().max() < 1e-9


def test_the_more_purchases_the_further_a_pure_mix_lies_out():
    measured = pd.concat(
        [shares(200), pd.DataFrame({"category:care": [1.0] * 3, "category:tools": 0.0})]
    )
    measured.index = range(203)
    bought = once(measured).assign(n_orders=[5] * 200 + [1, 4, 40])
    out = features.build(measured, bought).table["category:care"].tail(3).to_numpy()
    assert 0 < out[0] < out[1] < out[2]


def test_a_share_is_drawn_by_two_purchases_with_the_average_mix():
    """One purchase of care alone, where care is 40 % on average: (1 + 2 x 0.4) / 3."""
    whole = features.Composition({"category:care": 0.4, "category:tools": 0.6}, {}, 1.0)
    drawn = whole.rooted(np.array([[1.0, 0.0]]), np.array([1.0]))
    assert drawn[0] ** 2 == pytest.approx([1.8 / 3, 1.2 / 3])


def test_unknown_shares_are_the_average_customer():
    measured = shares(50)
    measured.iloc[:5] = np.nan
    table = features.build(measured, once(measured)).table
    assert (table.head(5) == 0).all(axis=None) and np.isfinite(table).all(axis=None)


def test_measures_mostly_missing_or_alike_are_left_out_with_the_reason(people, measured):
    n = len(measured)
    odd = measured.assign(
        late_share=[0.1, 0.4] * 30 + [np.nan] * (n - 60),
        n_categories=[1] * (n - 3) + [2] * 3,
        return_share=np.inf,
        city=pd.Series(["x", None], measured.index[:2], dtype=object).reindex(measured.index),
    )
    made = features.build(odd, people)
    assert list(made.table) == ["net_sales_per_order", "orders_per_year", "days_since_last"]
    assert made.scales.left_out == {
        "return_share": "missing",
        "late_share": "missing",
        "n_categories": "alike",
        "city": "missing",
    }


def test_gaps_and_infinities_are_the_median(people, measured):
    odd = measured.copy()
    odd.iloc[:3, 0] = [np.nan, np.inf, -np.inf]
    values = features.build(odd, people).table["net_sales_per_order"]
    assert np.isfinite(values).all()
    assert values.head(3).to_numpy() == pytest.approx(values.iloc[3:].median(), abs=0.01)


def test_a_spend_of_zero_or_less_counts_as_the_smallest(people, measured):
    odd = measured.copy()
    odd.iloc[:2, 0] = [0.0, -50.0]
    values = features.build(odd, people).table["net_sales_per_order"]
    assert values.iloc[0] == values.iloc[1] == values.min()
    assert values.iloc[2:].std() > 0.95  # and the others stay apart


def test_a_skewed_number_is_transformed_and_a_uniform_one_is_not():
    points = cloud(400, 0).assign(skewed=lambda t: np.exp(2 * t["u"]), even=np.linspace(0, 1, 400))
    how = {
        each.column: each.transformed for each in features.build(points, once(points)).scales.parts
    }
    assert how["skewed"] == "log" and how["even"] == "as_is" and how["u"] == "as_is"


def test_a_share_is_rooted():
    points = pd.DataFrame({"late_share": [0, 0.04, 0.16, 0.36, 0.64, 1.0]})
    steps = np.diff(features.build(points, once(points)).table["late_share"])
    assert steps == pytest.approx([steps[0]] * 5)


def test_scales_of_another_day_are_kept(people, measured):
    made = features.build(measured, people)
    later = features.build(
        measured.assign(net_sales_per_order=measured["net_sales_per_order"] * 2),
        people,
        made.scales,
    )
    step = later.table["net_sales_per_order"] - made.table["net_sales_per_order"]
    assert step.median() > 0.2 and step.median() == pytest.approx(step.quantile(0.3))


def test_a_measure_missing_on_the_other_day_is_the_average_and_a_new_part_is_zero():
    measured = shares(60).assign(channel=["web", "store"] * 30, u=np.arange(60.0))
    made = features.build(measured, once(measured))
    before = measured[["category:tools"]]
    earlier = features.build(before, once(before), made.scales)
    assert list(earlier.table) == list(made.table)
    assert (earlier.table[["channel=web", "channel=store"]] == 0).all(axis=None)
    care = earlier.table["category:care"]
    assert care.nunique() == 1 and care.iloc[0] < made.table["category:care"].min()


def test_rows_and_ids_do_not_matter(people, measured):
    order = np.random.default_rng(0).permutation(len(people))
    made, mixed = features.build(measured, people), features.build(measured.iloc[order], people)
    pd.testing.assert_frame_equal(mixed.table.loc[measured.index], made.table, check_exact=True)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_very_few_customers_raise_no_error(people, n):
    few = people.head(n).assign(channel="web")
    measured = measures.build(few, ["net_sales_per_order", "days_since_last"], ["channel"])
    assert len(features.build(measured, few).table) == n


def test_an_attribute_with_a_value_for_each_customer_is_left_out():
    codes = pd.DataFrame({"code": [f"k{i}" for i in range(20)], "kind": ["a", "b"] * 10})
    scales = features.learn(codes, pd.Series(1.0, codes.index))
    assert dict(scales.left_out) == {"code": "unique"}
