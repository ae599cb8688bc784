"""Limits of customers and of totals hold what comes as often as they say."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from test_clv_numerics_simulation import HORIZON, lives

from cvm_analysis.clv import gamma_gamma, intervals, naive, pareto_nbd, value
from cvm_analysis.errors import InputError

CODE = "pareto_nbd"


@pytest.fixture(scope="module")
def people():
    """4,000 customers, days whole; `came` and `brought` are true of nearly these histories."""
    rows = lives(CODE, 4000, 21).set_axis([f"C{i:04d}" for i in range(4000)])
    T, t_x = ((rows[name] * 7).round() / 7 for name in ("T", "t_x"))
    return rows.assign(T=T, t_x=np.minimum(t_x, T))


@pytest.fixture(scope="module")
def fitted(people):
    return pareto_nbd.fit(people), gamma_gamma.fit(people)


@pytest.fixture(scope="module")
def worth(people, fitted):
    return value.estimate(people, *fitted, HORIZON, 0.0, 0.3)


@pytest.fixture(scope="module")
def limits(people, worth, fitted):
    return intervals.customer_intervals(people, worth, *fitted, HORIZON)


def test_one_in_ten_customers_brings_more_than_the_upper_end(people, limits):
    earned = 0.3 * people["brought"]
    hopes = limits["expected_margin_high"] > 0  # who will most likely buy nothing has the limit 0
    assert (earned > limits["expected_margin_high"])[hopes].mean() == pytest.approx(0.1, abs=0.015)
    assert (earned > 0)[~hopes].mean() < 0.1
    buys = limits["expected_margin_low"] > 0
    below = (earned < limits["expected_margin_low"])[buys]
    assert len(below) > 50
    assert below.mean() == pytest.approx(0.1, abs=2.5 * np.sqrt(0.09 / len(below)))
    inside = people["came"].between(limits["expected_orders_low"], limits["expected_orders_high"])
    assert inside.mean() >= 0.8


def test_interval_ends_are_in_order_and_purchases_whole(limits):
    assert (limits["expected_orders_low"] <= limits["expected_orders_high"]).all()
    assert (limits["expected_margin_low"] <= limits["expected_margin_high"]).all()
    assert (limits >= 0).all(axis=None)
    assert (limits[["expected_orders_low", "expected_orders_high"]] % 1 == 0).all(axis=None)


def test_a_higher_level_is_wider(people, worth, fitted, limits):
    wider = intervals.customer_intervals(people, worth, *fitted, HORIZON, level=0.95)
    assert (wider["expected_margin_high"] >= limits["expected_margin_high"]).all()
    assert (wider["expected_margin_low"] <= limits["expected_margin_low"]).all()


def test_one_time_buyers_value_is_the_less_certain(worth, fitted):
    """Of two who buy as often, the one whose own spend is not known has the wider interval."""
    two = pd.DataFrame(
        {
            "x": 10,
            "t_x": 40.0,
            "T": 41.0,
            "spend_per_repeat_day": [np.nan, fitted[1].population_mean],
        },
        ["unknown", "known"],
    )
    table = value.estimate(two, *fitted, HORIZON, 0.1, 0.3)
    found = intervals.customer_intervals(two, table, *fitted, HORIZON, draws=4000)
    assert table["expected_margin"]["unknown"] == pytest.approx(
        table["expected_margin"]["known"], rel=0.01
    )
    width = found["expected_margin_high"] - found["expected_margin_low"]
    assert width["unknown"] > 1.1 * width["known"]


def test_order_and_ids_do_not_matter(people, worth, fitted, limits):
    order = people.sample(frac=1, random_state=3).index
    new = {old: f"new {i}" for i, old in enumerate(order)}
    renamed = people.loc[order].rename(index=new)
    mixed = worth.sample(frac=1, random_state=4).rename(index=new)
    again = intervals.customer_intervals(renamed, mixed, *fitted, HORIZON)
    pd.testing.assert_frame_equal(again.loc[[new[i] for i in limits.index]].set_axis(limits.index),
                                  limits)  # fmt: skip
    by = pd.Series(np.where(people["x"] > 0, "more", "once"), people.index)
    pd.testing.assert_frame_equal(
        intervals.total_intervals(renamed, mixed, *fitted, HORIZON, by.rename(index=new), [0.1]),
        intervals.total_intervals(people, worth, *fitted, HORIZON, by, [0.1]),
        rtol=1e-12,
    )


def test_totals_of_simulated_groups_lie_between_their_limits_four_times_in_five(fitted):
    """The truth of 40 groups of 100 other customers, forecast by the model of the first."""
    held = []
    for seed in range(2):
        rows = lives(CODE, 2000, 100 + seed)
        rows = rows.assign(T=(rows["T"] * 7).round() / 7)
        rows = rows.assign(t_x=np.minimum((rows["t_x"] * 7).round() / 7, rows["T"]))
        by = pd.Series(np.arange(2000) % 20, rows.index)
        table = value.estimate(rows, *fitted, HORIZON, 0.0, 1.0)
        found = intervals.total_intervals(rows, table, *fitted, HORIZON, by)
        came, brought = (rows[name].groupby(by).sum() for name in ("came", "brought"))
        held += [*came.between(found["expected_orders_low"], found["expected_orders_high"])]
        held += [*brought.between(found["expected_margin_low"], found["expected_margin_high"])]
    assert np.mean(held) == pytest.approx(0.8, abs=0.12)


def test_sums_are_those_of_the_forecasts_and_lie_within(people, worth, fitted):
    by = pd.Series(np.where(people["x"] > 0, "more", "once"), people.index)
    found = intervals.total_intervals(people, worth, *fitted, HORIZON, by)
    assert (
        found["n_customers"].to_dict()
        == (people["x"] > 0).map({True: "more", False: "once"}).value_counts().to_dict()
    )
    assert found["expected_orders"].sum() == pytest.approx(worth["expected_orders"].sum())
    assert found["expected_margin"].sum() == pytest.approx(worth["expected_margin"].sum())
    for name in ("expected_orders", "expected_margin"):
        assert found[name].between(found[f"{name}_low"], found[f"{name}_high"]).all()


def test_past_errors_multiply_a_total_by_students_t(people, worth, fitted):
    """A large total is nearly certain by the model; its limits become those of the errors."""
    by = pd.Series("all", people.index)
    errors = [0.3, -0.2, 0.25, -0.1]
    found = intervals.total_intervals(people, worth, *fitted, HORIZON, by, errors, draws=2000).iloc[
        0
    ]
    plain = intervals.total_intervals(people, worth, *fitted, HORIZON, by).iloc[0]
    spread = np.sqrt(np.mean(np.square(errors))) * student.ppf(0.9, 4)
    assert np.log(found["expected_orders_high"] / found["expected_orders"]) == pytest.approx(
        spread, rel=0.1
    )
    assert np.log(found["expected_orders_low"] / found["expected_orders"]) == pytest.approx(
        -spread, rel=0.1
    )
    assert plain["expected_orders_high"] - plain["expected_orders_low"] < 0.3 * (
        found["expected_orders_high"] - found["expected_orders_low"]
    )


def test_a_group_does_not_depend_on_the_others(people, worth, fitted):
    by = pd.Series(np.where(np.arange(4000) % 4, "a", "b"), people.index)
    both = intervals.total_intervals(people, worth, *fitted, HORIZON, by)
    one = intervals.total_intervals(people, worth, *fitted, HORIZON, by.where(by == "b"))
    pd.testing.assert_frame_equal(one, both.loc[["b"]])


def test_a_naive_forecast_has_no_interval(people, worth, fitted):
    empty = intervals.customer_intervals(people, worth, naive.OwnRate(), fitted[1], HORIZON)
    assert empty.isna().all(axis=None) and empty.index.equals(worth.index)
    by = pd.Series("all", people.index)
    totals = intervals.total_intervals(people, worth, naive.OwnRate(), fitted[1], HORIZON, by)
    assert totals["expected_margin"].notna().all() and totals["expected_margin_low"].isna().all()


def test_a_negative_margin_swaps_the_interval_ends(people, worth, fitted, limits):
    losing = worth.assign(expected_margin=-worth["expected_margin"])
    found = intervals.customer_intervals(people, losing, *fitted, HORIZON)
    assert found["expected_margin_low"].to_numpy() == pytest.approx(
        -limits["expected_margin_high"].to_numpy(), rel=0.5, abs=5
    )
    assert (found["expected_margin_high"] <= 0).all()


@pytest.mark.parametrize("wrong", [{"level": 1.0}, {"level": 0}, {"draws": 10}])
def test_what_cannot_be_answered_is_refused(people, worth, fitted, wrong):
    with pytest.raises(InputError):
        intervals.customer_intervals(people, worth, *fitted, HORIZON, **wrong)
    with pytest.raises(InputError, match="past errors"):
        intervals.total_intervals(people, worth, *fitted, HORIZON, people["x"], [np.nan])


def test_the_table_of_totals_has_every_segment_and_all(people, worth, fitted):
    by = pd.Series(np.where(people["x"] > 0, "more", "once"), people.index)
    by.iloc[0] = None  # in no segment
    found = intervals.tabulate_totals(people, worth, *fitted, HORIZON, by, [0.1])
    assert found.index.tolist() == ["more", "once", "all"] and found.index.name == "segment"
    parts = intervals.total_intervals(people, worth, *fitted, HORIZON, by, [0.1])
    pd.testing.assert_frame_equal(found.loc[["more", "once"]], parts, check_names=False)
    assert found.loc["all", "n_customers"] == len(people) - 1
    assert found.loc["all", "expected_margin"] == pytest.approx(parts["expected_margin"].sum())
