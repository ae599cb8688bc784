"""Predictive power: scipy's correlation, and properties of a best fifth."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from cvm_analysis.backtest.choice import captured_share
from cvm_analysis.errors import InputError
from cvm_analysis.segments.grades import predictive_power
from cvm_analysis.segments.grades.predictive_power import rank_indicators

NAN = np.nan


def customers(n=200, seed=0):
    rng = np.random.default_rng(seed)
    index = pd.Index([f"C{i:05d}" for i in range(n)], name="customer_id")
    margin = pd.Series(rng.gamma(1.0, 100, n), index)
    noise = rng.normal(size=(3, n))
    then = {
        "spend": margin * np.exp(noise[0]),
        "orders": np.round(margin / 80 + noise[1]),
        "days": -margin + 200 * noise[2],
        "noise": rng.normal(size=n),
    }
    return pd.DataFrame(then, index), margin


def test_the_correlation_is_that_of_scipy():
    then, later = customers()
    then.loc[then.index[::5], "spend"] = NAN
    table = rank_indicators(then, later)
    for column in then:
        known = then[column].notna()
        expected = spearmanr(then.loc[known, column], later[known]).statistic
        assert table.loc[column, "correlation"] == pytest.approx(expected, abs=1e-12)
        assert table.loc[column, "n_customers"] == known.sum()
    strength = table["correlation"].abs()
    assert strength.is_monotonic_decreasing and table.index[-1] == "noise"


def test_each_resample_is_ranked_anew():
    """A customer drawn twice counts as two with equal ranks: scipy on the rows written out."""
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 6, 50), rng.integers(0, 9, 50)
    times = np.bincount(rng.integers(0, 50, 50), minlength=50)
    found = predictive_power._rank_correlation(
        predictive_power._codes(x), predictive_power._codes(y), times
    )
    rows = np.repeat(np.arange(50), times)
    assert found == pytest.approx(spearmanr(x[rows], y[rows]).statistic, abs=1e-12)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    """Two normal variables with correlation 0.5 have Spearman's 6 / pi x asin(0.25) = 0.483."""
    truth, held = 6 / np.pi * np.arcsin(0.25), 0
    for seed in range(40):
        x, e = np.random.default_rng(seed).normal(size=(2, 150))
        row = rank_indicators(pd.DataFrame({"x": x}), pd.Series(0.5 * x + np.sqrt(0.75) * e)).loc[
            "x"
        ]
        held += row["low"] <= truth <= row["high"]
    assert 34 <= held <= 40


def test_positive_means_as_the_scorecard_assumes():
    then, later = customers()
    plain = rank_indicators(then, later).loc["days"]
    turned = rank_indicators(then, later, {"days": "low"}).loc["days"]
    assert plain["correlation"] < 0 < turned["correlation"] == -plain["correlation"]
    assert plain["best_fifth_share"] < 0.2 < turned["best_fifth_share"]


def test_the_best_fifth_by_the_margin_itself_brings_what_the_best_fifth_brings():
    _, later = customers(200)
    table = rank_indicators(pd.DataFrame({"itself": later}), later)
    expected = later.nlargest(40).sum() / later.sum()
    assert table.loc["itself", "best_fifth_share"] == pytest.approx(expected)
    assert table.loc["itself", "correlation"] == pytest.approx(1)


def test_ties_at_the_edge_count_in_part():
    """Of all orders of customers with equal values, the mean of what the first 2 of 10 bring."""
    x = np.array([3.0, 2, 2, 2, 1, 1, 1, 1, 1, 1])
    y = np.array([10.0, 1, 4, 7, 3, 3, 3, 3, 3, 3])
    ways = [10 + y[list(order)][0] for order in itertools.permutations([1, 2, 3])]
    found = captured_share(pd.Series(x), pd.Series(y), predictive_power.BEST_FIFTH)
    assert found == pytest.approx(np.mean(ways) / 40)


def test_a_fifth_that_is_no_whole_number_counts_in_part():
    seven, equal = pd.Series(np.arange(7.0)), pd.Series(np.ones(7))
    assert captured_share(seven, equal, predictive_power.BEST_FIFTH) == pytest.approx(0.2)


def test_an_indicator_that_says_nothing_captures_a_fifth():
    _, later = customers(300)
    rng = np.random.default_rng(5)
    then = pd.DataFrame({f"x{i}": rng.permutation(300) for i in range(200)}, later.index)
    table = rank_indicators(then, later, resamples=1)
    assert table["best_fifth_share"].mean() == pytest.approx(0.2, abs=0.005)
    assert table["correlation"].mean() == pytest.approx(0, abs=0.01)


def test_rows_and_ids_do_not_matter_nor_do_the_other_columns():
    then, later = customers()
    table = rank_indicators(then, later)
    shuffled = then.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(rank_indicators(shuffled, later), table)
    names = then.index[::-1]
    pd.testing.assert_frame_equal(
        rank_indicators(then.set_axis(names), later.set_axis(names)), table
    )
    pd.testing.assert_frame_equal(rank_indicators(then[["orders"]], later), table.loc[["orders"]])


def test_only_the_customers_of_then_count():
    """Who came later has a margin too; it must not be seen."""
    then, later = customers()
    more = pd.concat([later, pd.Series([1e9], ["new"])])
    pd.testing.assert_frame_equal(rank_indicators(then, more), rank_indicators(then, later))


def test_constant_and_nearly_empty_columns_are_said_and_kept():
    then, later = customers()
    then = then.assign(
        same=1.0, empty=NAN, nearly=then["spend"].where(np.arange(len(then)) < 29), object=None
    )
    table = rank_indicators(then, later)
    assert set(table.index) == set(then)
    assert np.isnan(table.loc["same", "correlation"]) and np.isnan(table.loc["same", "low"])
    assert table.loc["same", "best_fifth_share"] == pytest.approx(0.2)
    assert table.loc[["empty", "nearly", "object"], "n_customers"].tolist() == [0, 29, 0]
    assert table.loc[["empty", "nearly"]].drop(columns="n_customers").isna().all(axis=None)
    assert table.index[-4:].tolist() == ["empty", "nearly", "object", "same"]
    (note,) = predictive_power.notes(table)
    assert (note.code, note.have, note.need) == ("screening_few_customers", 0, 30)
    assert predictive_power.notes(rank_indicators(then[["spend"]], later)) == []
    assert predictive_power.notes(rank_indicators(then[[]], later)) == []


def test_infinite_values_count_as_missing():
    then, later = customers()
    holes = then["spend"].mask(np.arange(len(then)) % 4 == 0)
    infinite = holes.fillna(np.inf).where(np.arange(len(then)) % 8 > 0, -np.inf)
    table = rank_indicators(pd.DataFrame({"holes": holes, "infinite": infinite}), later)
    assert table.loc["holes"].equals(table.loc["infinite"].rename("holes"))
    assert (
        rank_indicators(then, later.replace(later.max(), np.inf)).loc["spend", "n_customers"] == 199
    )


def test_most_values_missing():
    then, later = customers(400)
    table = rank_indicators(then.mask(np.random.default_rng(1).random(then.shape) < 0.9), later)
    assert table["n_customers"].between(30, 60).all()
    assert (table["high"] - table["low"] > 0.2).all()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_customers(n):
    then, later = customers(n)
    table = rank_indicators(then, later)
    assert (table["n_customers"] == n).all() and len(table) == 4
    assert table["correlation"].isna().all()


def test_identical_customers_and_margins_without_a_sum():
    then, later = customers()
    table = rank_indicators(then, later * 0)
    assert table[["correlation", "low", "high", "best_fifth_share"]].isna().all(axis=None)
    assert rank_indicators(then, -later)["best_fifth_share"].isna().all()


def test_a_customer_without_a_later_margin_is_an_error():
    then, later = customers()
    with pytest.raises(InputError, match="3 of 200 have no later margin; give 0 where none"):
        rank_indicators(then, later[3:])
    with pytest.raises(InputError, match="listed twice"):
        rank_indicators(pd.concat([then, then]), later)
    with pytest.raises(InputError, match="'down' is neither high nor low"):
        rank_indicators(then, later, {"days": "down"})


def test_directions_for_columns_that_are_not_there_are_fine():
    then, later = customers()
    pd.testing.assert_frame_equal(
        rank_indicators(then, later, {"x": "low"}), rank_indicators(then, later)
    )


def test_margin_since_is_margin_if_every_cost_is_known():
    then = pd.DataFrame({"net_sales": [10.0, 5.0], "margin_total": [4.0, 2.0]}, ["a", "b"])
    now = pd.DataFrame(
        {"net_sales": [30.0, 5.0, 9.0], "margin_total": [9.0, 2.0, 3.0]}, ["a", "b", "c"]
    )
    assert predictive_power.margin_since(then, now).to_dict() == {"a": 5, "b": 0}
    assert predictive_power.margin_since(then, now.drop(columns="margin_total")).to_dict() == {
        "a": 20,
        "b": 0,
    }
    now.loc["b", "margin_total"] = None
    assert predictive_power.margin_since(then, now).to_dict() == {"a": 20, "b": 0}
