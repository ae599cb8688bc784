"""Everybody goes on as before: checked by counting, and as the limit of what is discounted."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import holdout, naive, value
from cvm_analysis.errors import InputError

H = pd.DataFrame(
    {"x": [0, 4, 1], "t_x": [0.0, 20.0, 2.0], "T": [10.0, 40.0, 2.0]}, index=["a", "b", "c"]
)
RATE = naive.OwnRate()


def test_purchases_go_on_at_each_customers_own_pace():
    found = RATE.expected_purchases(H, 20)
    assert found.to_dict() == {"a": 0, "b": 4 / 40 * 20, "c": 1 / 2 * 20}


def test_who_came_today_is_expected_to_do_nothing():
    today = pd.DataFrame({"x": [0], "t_x": [0.0], "T": [0.0]})
    assert RATE.expected_purchases(today, 52).tolist() == [0]


def test_it_is_the_naive_forecast_that_others_are_measured_by(cdnow):
    pd.testing.assert_series_equal(
        RATE.expected_purchases(cdnow, 39), naive_of(cdnow, 39), check_names=False
    )


def naive_of(h, horizon):
    return h["x"] / h["T"] * horizon


def test_it_knows_no_drop_out():
    assert RATE.p_alive(H).isna().all() and list(RATE.p_alive(H).index) == list(H.index)


def test_discounting_equals_a_sum_over_small_steps():
    rate, horizon, steps = 0.01, 52, 100_000
    middle = (np.arange(steps) + 0.5) * horizon / steps
    expected = 4 / 40 * np.exp(-rate * middle).sum() * horizon / steps
    assert RATE.discounted_purchases(H, rate, horizon)["b"] == pytest.approx(expected, rel=1e-9)


def test_discounting_at_its_limits():
    plain = RATE.expected_purchases(H, 52)
    assert RATE.discounted_purchases(H, 0, 52).to_numpy() == pytest.approx(plain.to_numpy())
    tiny = RATE.discounted_purchases(H, 1e-12, 52).to_numpy()
    assert tiny == pytest.approx(plain.to_numpy(), rel=1e-9)
    forever = RATE.discounted_purchases(H, 0.01)
    assert forever.to_dict() == pytest.approx({"a": 0, "b": 0.1 / 0.01, "c": 0.5 / 0.01})
    far = RATE.discounted_purchases(H, 0.01, 1e6).to_numpy()
    assert far == pytest.approx(forever.to_numpy())


def test_impossible_histories_are_refused():
    with pytest.raises(InputError, match="not 0 <= t_x <= T"):
        RATE.expected_purchases(H.assign(T=1.0), 10)


def test_spend_is_the_own_mean_else_that_of_all():
    people = pd.DataFrame(
        {
            "n_days": [3, 1, 0],
            "spend_gross": [90.0, 10.0, 0.0],
            "spend_repeat_mean": [35.0, np.nan, np.nan],
        },
        index=["a", "b", "c"],
    )
    spend = naive.own_mean(people)
    assert spend.population_mean == 100 / 4  # per purchase day, not per customer
    assert spend.expected_spend(people).to_dict() == {"a": 35, "b": 25, "c": 25}


def test_nobody_spends_nothing():
    nobody = pd.DataFrame({"n_days": [], "spend_gross": [], "spend_repeat_mean": []})
    assert naive.own_mean(nobody).population_mean == 0


def test_both_stand_in_for_fitted_models(cdnow):
    people = cdnow.assign(spend_gross=1.0)
    worth = value.of(people, RATE, naive.own_mean(people), 52, 0.10, 0.5)
    assert (worth["model"] == "own_rate").all() and worth["p_alive"].isna().all()
    assert (worth.loc[cdnow["x"] == 0, "value_12m"] == 0).all()
    assert (worth.loc[cdnow["x"] > 0, "value_12m"] > 0).all()
    assert worth["orders_12m"].sum() == pytest.approx(naive_of(cdnow, 52).sum())


def test_its_score_is_that_of_a_count(cdnow):
    scored = holdout.score({"own_rate": RATE.expected_purchases(cdnow, 39)}, cdnow["holdout"])
    mae = scored.set_index("metric")["value"]["mae"]
    assert mae == pytest.approx((naive_of(cdnow, 39) - cdnow["holdout"]).abs().mean())
