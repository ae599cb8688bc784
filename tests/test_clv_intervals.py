"""Limits of customers hold what comes as often as they say."""

import numpy as np
import pandas as pd
import pytest
from test_clv_numerics_simulation import HORIZON, lives

from cvm_analysis.clv import gamma_gamma, intervals, naive, pareto_nbd, value
from cvm_analysis.errors import InputError

CODE = "pareto_nbd"


@pytest.fixture(scope="module")
def people():
    """4,000 customers, days whole; `came` and `brought` are true of nearly these histories."""
    rows = lives(CODE, 4000, 21).set_axis([f"C{i:04d}" for i in range(4000)])
    return in_days(rows).assign(customer_type="retail")


def in_days(rows):
    """Times in whole days; a repeat purchase is on a later day than the first."""
    days = {name: (rows[name] * 7).round() for name in ("T", "t_x")}
    t_x = np.minimum(days["t_x"].clip(lower=rows["x"].clip(upper=1)), days["T"])
    return rows.assign(T=days["T"] / 7, t_x=t_x / 7)


@pytest.fixture(scope="module")
def fitted(people):
    return {"retail": pareto_nbd.fit(people)}, {"retail": gamma_gamma.fit(people)}


@pytest.fixture(scope="module")
def worth(people, fitted):
    everything = people.assign(gross_sales=1.0, net_sales=1.0)
    return value.estimate_by_type(everything, *fitted, HORIZON, 0.0, 0.3)


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
            "customer_type": "retail",
            **{"gross_sales": 1.0, "net_sales": 1.0},
            "spend_per_repeat_day": [np.nan, fitted[1]["retail"].population_mean],
        },
        ["unknown", "known"],
    )
    table = value.estimate_by_type(two, *fitted, HORIZON, 0.1, 0.3)
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


def test_each_type_has_the_intervals_of_its_own_models(people, worth, fitted, limits):
    mixed = people.assign(customer_type=np.where(np.arange(len(people)) % 2, "retail", "dealer"))
    both = {"retail": fitted[0]["retail"], "dealer": naive.OwnRate()}
    found = intervals.customer_intervals(
        mixed, worth, both, dict.fromkeys(both, fitted[1]["retail"]), HORIZON
    )
    dealers = mixed["customer_type"] == "dealer"
    assert found[dealers].isna().all(axis=None)
    ends = found[~dealers]
    assert np.corrcoef(ends["expected_margin_high"], limits["expected_margin_high"][~dealers])[
        0, 1
    ] == pytest.approx(1, abs=0.02)


def test_a_naive_forecast_has_no_interval(people, worth, fitted):
    own = {"retail": naive.OwnRate()}, fitted[1]
    empty = intervals.customer_intervals(people, worth, *own, HORIZON)
    assert empty.isna().all(axis=None) and empty.index.equals(worth.index)


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
