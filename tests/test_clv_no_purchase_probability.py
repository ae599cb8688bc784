"""The chance of no purchase for some time, by the model of purchases fitted at a landmark."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import bg_nbd, histories, nbd, no_purchase_probability
from cvm_analysis.clv.forecasts import FITTED
from cvm_analysis.clv.numerics import predictive_distribution

DAYS = [90, 180, 365]


def people(n=3_000, seed=0, r=0.8, alpha=9.0, T=52.0):
    """Customers who buy by an NBD and never leave, as of a day."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(r, 1 / alpha, n)
    x = rng.poisson(rate * T).astype(float)
    t_x = np.where(x > 0, np.round(T * 7 * x / (x + 1)) / 7, 0.0)
    table = pd.DataFrame(
        {"x": x, "t_x": t_x, "T": T, "n_orders": x + 1}, [f"c{i}" for i in range(n)]
    )
    return table.assign(customer_type="retail"), rate, rng


def test_it_is_the_negative_binomials_chance_of_none():
    customers, _, _ = people()
    model = nbd.fit(histories.distinct(customers)[0])
    p = no_purchase_probability.forecast(model, customers, DAYS)
    r, alpha = model.params
    for days in DAYS:
        own = (alpha + customers["T"]) / (alpha + customers["T"] + days / 7)
        expected = own ** (r + customers["x"])
        assert p[f"p_no_purchase_{days}d"].to_numpy() == pytest.approx(
            expected.to_numpy(), rel=1e-6
        )


def test_as_many_stay_silent_as_it_says():
    customers, rate, rng = people()
    p, notes = no_purchase_probability.for_landmark(customers, "nbd", DAYS)
    assert notes == []
    assert p.index.equals(customers.index)
    assert list(p) == [f"p_no_purchase_{d}d" for d in DAYS]
    for days in DAYS:
        silent = rng.poisson(rate * days / 7) == 0
        error = np.sqrt(silent.mean() * (1 - silent.mean()) / len(p))
        assert abs(p[f"p_no_purchase_{days}d"].mean() - silent.mean()) < 4 * error


def test_it_falls_with_the_horizon_and_is_a_probability():
    p, _ = no_purchase_probability.for_landmark(people()[0], "pareto_nbd", DAYS)
    assert (p.diff(axis=1).iloc[:, 1:] < 0).all(axis=None)
    assert p.gt(0).all(axis=None)
    assert p.lt(1).all(axis=None)


def test_it_is_not_one_less_the_chance_of_being_alive(cdnow):
    model = bg_nbd.fit(histories.distinct(cdnow)[0])
    found = no_purchase_probability.forecast(model, cdnow, [364])["p_no_purchase_364d"]
    more = found - (1 - model.p_alive(cdnow))
    assert more.min() > -1e-9
    assert more.mean() > 0.1
    assert found.to_numpy() == pytest.approx(
        predictive_distribution.p_none(model, cdnow, 52).to_numpy()
    )


@pytest.mark.parametrize("code", ["rescaled", "boosted", "own_rate", "no_such_model"])
def test_a_forecast_without_probabilities_gives_way_to_the_default(cdnow, code):
    customers = cdnow.assign(customer_type="retail", n_orders=1)
    given, _ = no_purchase_probability.for_landmark(customers, code, DAYS)
    default, _ = no_purchase_probability.for_landmark(customers, next(iter(FITTED)), DAYS)
    pd.testing.assert_frame_equal(given, default)


def test_one_that_finds_no_drop_out_gives_way_to_one_rate(monkeypatch):
    customers, _, _ = people()
    given, _ = no_purchase_probability.for_landmark(customers, "pareto_nbd", DAYS)
    plain, _ = no_purchase_probability.for_landmark(customers, "nbd", DAYS)
    found = no_purchase_probability.fit(customers, "pareto_nbd")
    assert found.reason != "no_drop_out_found"
    if found.code == "nbd":
        pd.testing.assert_frame_equal(given, plain)


@pytest.mark.parametrize("n", [0, 1, 40])
def test_too_few_customers_give_no_column_and_a_note(n):
    p, notes = no_purchase_probability.for_landmark(people()[0].head(n), "pareto_nbd", DAYS)
    assert p.shape == (n, 0)
    assert [note.code for note in notes] == ["no_value_model"]


def test_the_order_of_the_rows_does_not_count(cdnow):
    customers = cdnow.assign(customer_type="retail", n_orders=1)
    p, _ = no_purchase_probability.for_landmark(customers, "bg_nbd", DAYS)
    again, _ = no_purchase_probability.for_landmark(
        customers.sample(frac=1, random_state=1), "bg_nbd", DAYS
    )
    pd.testing.assert_frame_equal(again.loc[p.index], p)


def test_each_landmark_is_forecast_by_what_was_known_on_it():
    customers, _, _ = people(600)
    tables, notes = no_purchase_probability.forecast_at_landmarks(
        [customers, customers.iloc[:5]], "nbd", DAYS
    )
    pd.testing.assert_frame_equal(
        tables[0], no_purchase_probability.for_landmark(customers, "nbd", DAYS)[0]
    )
    assert tables[1].shape == (5, 0)
    assert [note.code for note in notes] == ["no_value_model"]
    assert (
        no_purchase_probability.forecast_at_landmarks([customers.iloc[:5], customers], "nbd", DAYS)[
            1
        ]
        == []
    )
