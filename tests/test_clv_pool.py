"""The pool is the mixture that its weights say, and the weights are those of the best mixture."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar

from cvm_analysis.clv import dispersed, naive, nbd, pareto_nbd, pool
from cvm_analysis.clv.numerics import predictive_distribution, simulation
from cvm_analysis.clv.numerics.dispersion import Dispersion
from cvm_analysis.errors import InputError

H = pd.DataFrame(
    {"x": [0, 4, 4, 9], "t_x": [0.0, 20.0, 20.0, 39.0], "T": [10.0, 40.0, 40.0, 40.0]},
    index=list("abcd"),
)


def model(module, name, *params):
    at = module.Params(*params)
    return getattr(module, name)(at, at, np.eye(len(params)), 0.0, 1, False, "")


PARETO = model(pareto_nbd, "ParetoNbd", 0.55, 10.6, 0.6, 11.7)
NBD = model(nbd, "Nbd", 0.8, 9.0)
RATES = naive.LastPeriod(pd.Series([0.0, 0.1, 0.3, 0.2], H.index))
LAST = dispersed.Dispersed(RATES, Dispersion(0.3, np.log(2.0), 0.0), 10.0)
MODELS = {"pareto_nbd": PARETO, "nbd": NBD, "last_period": LAST}
POOL = pool.mix(MODELS, {"pareto_nbd": 0.5, "nbd": 0.3, "last_period": 0.2})


def mixed(call):
    return 0.5 * call(PARETO) + 0.3 * call(NBD) + 0.2 * call(LAST)


def test_means_and_probabilities_are_weighted():
    expected = mixed(lambda one: one.expected_purchases(H, 26).to_numpy())
    assert POOL.expected_purchases(H, 26).to_numpy() == pytest.approx(expected)
    expected = mixed(lambda one: one.discounted_purchases(H, 0.01, 26).to_numpy())
    assert POOL.discounted_purchases(H, 0.01, 26).to_numpy() == pytest.approx(expected)
    expected = mixed(lambda one: one.purchase_probabilities(H, 26, 5))
    assert POOL.purchase_probabilities(H, 26, 5) == pytest.approx(expected)


def test_median_and_p_none_are_of_the_mixture_not_of_the_members():
    p = mixed(lambda one: one.purchase_probabilities(H, 26, 60))
    median = predictive_distribution.median(POOL, H, 26)
    assert median.tolist() == (p.cumsum(axis=1) < 0.5).sum(axis=1).tolist()
    none = predictive_distribution.p_no_purchase(POOL, H, 26)
    assert none.to_numpy() == pytest.approx(p[:, 0])


def test_drop_out_is_known_from_the_members_that_have_it():
    assert POOL.p_alive(H).to_numpy() == pytest.approx(PARETO.p_alive(H).to_numpy())
    assert POOL.purchase_rate(H).to_numpy() == pytest.approx(PARETO.purchase_rate(H).to_numpy())
    without = pool.mix(MODELS, {"nbd": 0.5, "last_period": 0.5})
    assert without.p_alive(H).isna().all()
    expected = (NBD.purchase_rate(H) + LAST.purchase_rate(H)) / 2
    assert without.purchase_rate(H).to_numpy() == pytest.approx(expected.to_numpy())


def test_small_weights_and_absent_models_are_left_out():
    found = pool.mix(MODELS, {"pareto_nbd": 0.6, "nbd": 0.199, "last_period": 0.001, "bg_nbd": 0.2})
    assert found.members == (PARETO, NBD) and not found.by_customer and POOL.by_customer
    assert found.weights == pytest.approx((0.6 / 0.799, 0.199 / 0.799))
    with pytest.raises(InputError, match="no forecast to mix"):
        pool.mix({}, {"nbd": 1.0})


def scores(n=2_000, share=0.3, seed=0):
    """Log scores of two forecasts; `share` of the customers behave as the second one says."""
    rng = np.random.default_rng(seed)
    p = np.column_stack([rng.uniform(0.05, 0.95, n), rng.uniform(0.05, 0.95, n)])
    second = rng.random(n) < share
    came = rng.random(n) < np.where(second, p[:, 1], p[:, 0])
    return pd.DataFrame(np.log(np.where(came[:, None], p, 1 - p)), columns=["one", "two"])


def test_the_weights_maximise_the_log_score_of_the_mixture():
    """EM against a search along the one free weight."""
    table = scores()
    likelihood = np.exp(table.to_numpy())

    def loss(w):
        return -np.log(likelihood @ [1 - w, w]).mean()

    best = minimize_scalar(loss, bounds=(0, 1), method="bounded", options={"xatol": 1e-9}).x
    found = pool.fit_weights(table)
    assert found["two"] == pytest.approx(best, abs=1e-4) and sum(found.values()) == pytest.approx(1)
    assert found["two"] == pytest.approx(0.3, abs=0.1)


def test_few_customers_keep_the_weights_of_the_company():
    company = {"one": 0.9, "two": 0.1}
    few, many = pool.fit_weights(scores(20), company), pool.fit_weights(scores(50_000), company)
    assert few["two"] == pytest.approx(0.1, abs=0.02)
    assert many["two"] == pytest.approx(pool.fit_weights(scores(50_000))["two"], abs=0.03)
    nobody_likes = pool.fit_weights(scores(20), {"one": 1.0})
    assert nobody_likes["two"] < 0.05, "towards the company, never towards equal weights"


def test_a_forecast_without_all_scores_has_no_weight():
    table = scores(100).assign(three=np.nan)
    table.loc[0, "two"] = np.nan
    assert pool.fit_weights(table) == {"one": 1.0}
    with pytest.raises(InputError, match="no forecast has log scores"):
        pool.fit_weights(table[["three"]])


def test_members_are_drawn_as_often_as_they_weigh():
    members = POOL.allocate(40)
    assert [members.count(one) for one in (PARETO, NBD, LAST)] == [20, 12, 8]
    assert members == POOL.allocate(40)


def test_a_draw_of_the_total_comes_from_one_member_for_all_customers():
    """Two members far apart: totals lie near the one or the other, never in between."""
    ids = [f"c{i}" for i in range(400)]
    h = pd.DataFrame({"x": 4, "t_x": 20.0, "T": 40.0, "spend_per_repeat_day": 1.0}, index=ids)
    parts = [
        dispersed.Dispersed(
            naive.LastPeriod(pd.Series(rate, h.index)), Dispersion(0.1, 9.0, 0), 10.0
        )
        for rate in (0.1, 1.0)
    ]
    both = pool.Pool(tuple(parts), (0.5, 0.5))
    chunks = [h.iloc[:200], h.iloc[200:]]
    totals = sum(
        simulation.simulate(
            simulation.Forecast(chunk, np.ones(len(chunk))), (both, naive.OwnMean(1.0)), 10, 80, i
        )[0].sum(axis=0)
        for i, chunk in enumerate(chunks)
    )
    assert np.isclose(totals, 400, rtol=0.25).sum() == 40
    assert np.isclose(totals, 4000, rtol=0.25).sum() == 40
