"""Value and probability of no purchase, by a model fitted to the data of a past day."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import backtest_value, bg_nbd, forecasts, histories, nbd, pareto_nbd, value
from cvm_analysis.clv.forecasts import FITTED
from cvm_analysis.clv.numerics import predictive_distribution

DAYS = [90, 180, 365]


@pytest.fixture(scope="module")
def people(cdnow):
    return cdnow.assign(
        customer_type="retail",
        n_orders=cdnow["x"] + 1,
        gross_sales=10.0 * (cdnow["x"] + 1),
        net_sales=10.0 * (cdnow["x"] + 1),
    )


def test_it_is_the_value_of_the_model_fitted_to_that_day(people):
    (models,), notes = backtest_value.fit_on_days([people], {"retail": "pareto_nbd"})
    found = backtest_value.estimate_margin(people, models, 52, 0.1, 0.35)
    assert notes == []
    model = pareto_nbd.fit(histories.distinct(people)[0])
    spend, _ = forecasts.fit_spend(people)
    right = value.estimate(people, model, spend, 52, 0.1, 0.35, 0.0)
    no_median = right.assign(expected_orders_median=np.nan)
    pd.testing.assert_frame_equal(found, no_median)


def test_where_nothing_can_be_fitted_nobody_is_valued(people):
    none = backtest_value.estimate_margin(people.head(0), {}, 52, 0.1, 0.35)
    assert none.empty and "margin_at_stake" in none
    assert backtest_value.estimate_margin(people, {}, 52, 0.1, 0.35).empty


def test_each_type_has_its_own_model_and_one_with_few_customers_that_of_the_largest(people):
    """Half of the customers are dealers; three are in a project."""
    kinds = np.where(np.arange(len(people)) % 2, "dealer", "retail").astype(object)
    kinds[:3] = "project"
    mixed = people.assign(customer_type=kinds)
    codes = {"retail": "pareto_nbd", "dealer": "nbd", "project": "nbd"}
    (models,), _ = backtest_value.fit_on_days([mixed], codes)
    assert models["retail"].code == "pareto_nbd" and models["dealer"].code == "nbd"
    assert models["project"] is models[mixed["customer_type"].mode()[0]]
    dealers = mixed[kinds == "dealer"]
    alone = nbd.fit(histories.distinct(dealers)[0])
    assert models["dealer"].params == pytest.approx(alone.params)
    (p,) = backtest_value.forecast_no_purchase([mixed], [models], DAYS)
    own = backtest_value.no_purchase_probabilities(alone, dealers, DAYS)
    pd.testing.assert_frame_equal(p[kinds == "dealer"], own)
    assert p.notna().all(axis=None)
    found = backtest_value.estimate_on_days([mixed], [models], 52, 0.1, 0.35)[0]
    assert set(found.index) == set(mixed.index)


def test_the_forecast_in_use_of_each_type_is_read_from_the_table():
    values = pd.DataFrame({"model": ["pool", "pool", "nbd"]}, index=list("abc"))
    kinds = pd.DataFrame({"customer_type": ["retail", "retail", "dealer", "dealer"]}, list("abcd"))
    assert backtest_value.codes_in_use(values, kinds) == {"retail": "pool", "dealer": "nbd"}
    assert backtest_value.codes_in_use(values.head(0), kinds) == {}


def draw_customers(n=3_000, seed=0, r=0.8, alpha=9.0, T=52.0):
    """Customers who buy by an NBD and never leave, as of a day."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(r, 1 / alpha, n)
    x = rng.poisson(rate * T).astype(float)
    t_x = np.where(x > 0, np.round(T * 7 * x / (x + 1)) / 7, 0.0)
    table = pd.DataFrame(
        {"x": x, "t_x": t_x, "T": T, "n_orders": x + 1}, [f"c{i}" for i in range(n)]
    )
    return table.assign(customer_type="retail"), rate, rng


def forecast(customers, code):
    """The probabilities from one day on, and the notes."""
    models, notes = backtest_value.fit_on_days([customers], {"retail": code})
    (table,) = backtest_value.forecast_no_purchase([customers], models, DAYS)
    return table, notes


def test_it_is_the_negative_binomials_chance_of_none():
    customers, _, _ = draw_customers()
    model = nbd.fit(histories.distinct(customers)[0])
    p = backtest_value.no_purchase_probabilities(model, customers, DAYS)
    r, alpha = model.params
    for days in DAYS:
        own = (alpha + customers["T"]) / (alpha + customers["T"] + days / 7)
        expected = own ** (r + customers["x"])
        assert p[f"p_no_purchase_{days}d"].to_numpy() == pytest.approx(
            expected.to_numpy(), rel=1e-6
        )


def test_the_share_without_purchase_is_as_forecast():
    customers, rate, rng = draw_customers()
    p, notes = forecast(customers, "nbd")
    assert notes == []
    assert p.index.equals(customers.index)
    assert list(p) == [f"p_no_purchase_{d}d" for d in DAYS]
    for days in DAYS:
        silent = rng.poisson(rate * days / 7) == 0
        error = np.sqrt(silent.mean() * (1 - silent.mean()) / len(p))
        assert abs(p[f"p_no_purchase_{days}d"].mean() - silent.mean()) < 4 * error


def test_it_falls_with_the_horizon_and_is_a_probability():
    p, _ = forecast(draw_customers()[0], "pareto_nbd")
    assert (p.diff(axis=1).iloc[:, 1:] < 0).all(axis=None)
    assert p.gt(0).all(axis=None)
    assert p.lt(1).all(axis=None)


def test_it_is_not_one_less_the_chance_of_being_alive(cdnow):
    model = bg_nbd.fit(histories.distinct(cdnow)[0])
    found = backtest_value.no_purchase_probabilities(model, cdnow, [364])["p_no_purchase_364d"]
    more = found - (1 - model.p_alive(cdnow))
    assert more.min() > -1e-9
    assert more.mean() > 0.1
    assert found.to_numpy() == pytest.approx(
        predictive_distribution.p_no_purchase(model, cdnow, 52).to_numpy()
    )


@pytest.mark.parametrize("code", ["rescaled", "boosted", "own_rate", "no_such_model"])
def test_a_forecast_without_probabilities_gives_way_to_the_default(cdnow, code):
    customers = cdnow.assign(customer_type="retail", n_orders=1)
    given, _ = forecast(customers, code)
    default, _ = forecast(customers, next(iter(FITTED)))
    pd.testing.assert_frame_equal(given, default)


def test_one_that_finds_no_drop_out_gives_way_to_one_rate(monkeypatch):
    customers, _, _ = draw_customers()
    given, _ = forecast(customers, "pareto_nbd")
    plain, _ = forecast(customers, "nbd")
    found = backtest_value.fit(customers, "pareto_nbd")
    assert found.reason != "no_drop_out_found"
    if found.code == "nbd":
        pd.testing.assert_frame_equal(given, plain)


@pytest.mark.parametrize("n", [0, 1, 40])
def test_too_few_customers_give_no_column_and_a_note(n):
    p, notes = forecast(draw_customers()[0].head(n), "pareto_nbd")
    assert p.shape == (n, 0)
    assert [note.code for note in notes] == ["no_value_model"]


def test_the_order_of_the_rows_does_not_count(cdnow):
    customers = cdnow.assign(customer_type="retail", n_orders=1)
    p, _ = forecast(customers, "bg_nbd")
    again, _ = forecast(customers.sample(frac=1, random_state=1), "bg_nbd")
    pd.testing.assert_frame_equal(again.loc[p.index], p)


def test_each_landmark_is_forecast_by_the_data_of_its_day():
    customers, _, _ = draw_customers(600)
    few = customers.iloc[:5]
    models, notes = backtest_value.fit_on_days([customers, few], {"retail": "nbd"})
    tables = backtest_value.forecast_no_purchase([customers, few], models, DAYS)
    pd.testing.assert_frame_equal(tables[0], forecast(customers, "nbd")[0])
    assert tables[1].shape == (5, 0)
    assert [note.code for note in notes] == ["no_value_model"]
    assert backtest_value.fit_on_days([few, customers], {"retail": "nbd"})[1] == []
