"""Everybody goes on as before: checked by counting, and as the limit of what is discounted."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import naive, value
from cvm_analysis.errors import InputError

H = pd.DataFrame(
    {"x": [0, 4, 1], "t_x": [0.0, 20.0, 2.0], "T": [10.0, 40.0, 2.0]}, index=["a", "b", "c"]
)
RATE = naive.OwnRate()


def test_purchases_go_on_at_each_customers_own_rate():
    found = RATE.expected_purchases(H, 20)
    assert found.to_dict() == {"a": 0, "b": 4 / 40 * 20, "c": 1 / 2 * 20}


def test_a_customer_of_today_is_expected_to_do_nothing():
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
            "n_purchase_days": [3, 1, 0],
            "gross_sales": [90.0, 10.0, 0.0],
            "spend_per_repeat_day": [35.0, np.nan, np.nan],
        },
        index=["a", "b", "c"],
    )
    spend = naive.fit_own_mean(people)
    assert spend.population_mean == 100 / 4  # per purchase day, not per customer
    assert spend.expected_spend(people).to_dict() == {"a": 35, "b": 25, "c": 25}


def test_nobody_spends_nothing():
    nobody = pd.DataFrame({"n_purchase_days": [], "gross_sales": [], "spend_per_repeat_day": []})
    assert naive.fit_own_mean(nobody).population_mean == 0


def test_both_stand_in_for_fitted_models(cdnow):
    people = cdnow.assign(gross_sales=1.0)
    worth = value.estimate(people, RATE, naive.fit_own_mean(people), 52, 0.10, 0.5)
    assert (worth["model"] == "own_rate").all() and worth["p_alive"].isna().all()
    assert (worth.loc[cdnow["x"] == 0, "expected_margin"] == 0).all()
    assert (worth.loc[cdnow["x"] > 0, "expected_margin"] > 0).all()
    assert worth["expected_orders"].sum() == pytest.approx(naive_of(cdnow, 52).sum())


def test_the_same_as_last_period_counts_purchase_days(cdnow_log):
    """By a loop over the log, and a customer the forecast does not know is refused."""
    days = cdnow_log[["customer_id", "date"]].drop_duplicates().rename(columns={"date": "day"})
    until, ids = dt.date(1997, 9, 30), pd.Index(sorted(set(days["customer_id"]))[:200])
    model = naive.count_last_period(days, ids, until, 13)
    h = pd.DataFrame({"x": 0, "t_x": 0.0, "T": 39.0}, index=ids)
    found = model.expected_purchases(h, 26)
    start = pd.Timestamp(until) - pd.Timedelta(weeks=13)
    for each in ids[::7]:
        own = sorted(days.loc[days["customer_id"] == each, "day"])[1:]
        repeats = sum(start < day <= pd.Timestamp(until) for day in own)
        assert found[each] == pytest.approx(2 * repeats)
    assert found.sum() > 0 and model.p_alive(h).isna().all()
    assert model.discounted_purchases(h, 0, 26).to_numpy() == pytest.approx(found.to_numpy())
    with pytest.raises(InputError, match=r"1 of 201 rows \(the first: x\)"):
        model.purchase_rate(pd.concat([h, h.head(1).set_axis(["x"])]))


def test_a_first_purchase_is_no_pace():
    days = pd.DataFrame({"customer_id": list("aab"), "day": pd.to_datetime(
        ["2025-01-01", "2025-03-01", "2025-03-02"])})  # fmt: skip
    model = naive.count_last_period(days, pd.Index(["a", "b"]), dt.date(2025, 3, 31), 10)
    assert model.rates.to_dict() == {"a": 0.1, "b": 0.0}


def test_a_day_on_the_edge_belongs_to_the_period_it_ends():
    days = pd.DataFrame({"customer_id": "a", "day": pd.to_datetime(["2025-01-01", "2025-01-08"])})
    first, second = dt.date(2025, 1, 1), dt.date(2025, 1, 8)
    assert naive.purchases_between(days, pd.Index(["b", "a"]), first, second).to_dict() == {
        "b": 0,
        "a": 1,
    }


def test_the_usual_gap_holds_nine_in_ten_repeat_customers():
    gaps = np.arange(1.0, 101.0)
    h = pd.DataFrame({"x": 2, "t_x": 2 * gaps, "T": 300.0})
    once = pd.DataFrame({"x": [0], "t_x": [0.0], "T": [300.0]})
    assert naive.fit_recency_rule(pd.concat([h, once], ignore_index=True)).gap == 90
    shuffled = h.sample(frac=1, random_state=1)
    assert naive.fit_recency_rule(shuffled).gap == 90
    assert naive.fit_recency_rule(h.iloc[:1].assign(n=7)).gap == 1
    assert naive.fit_recency_rule(once).gap == 0


def test_a_customer_inactive_for_longer_than_usual_is_expected_to_do_nothing():
    rule = naive.RecencyRule(20.0)
    assert rule.expected_purchases(H, 20).to_dict() == {"a": 0, "b": 4 / 40 * 20, "c": 10}
    assert naive.RecencyRule(19.9).expected_purchases(H, 20)["b"] == 0
    forever = rule.discounted_purchases(H, 0.01)
    assert forever.to_dict() == pytest.approx({"a": 0, "b": 0.1 / 0.01, "c": 0.5 / 0.01})
    assert rule.p_alive(H).isna().all()
