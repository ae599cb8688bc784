"""Draws of what customers do, against lives simulated one purchase at a time, and exact chances."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from cvm_analysis.clv import (
    bg_nbd,
    gamma_gamma,
    mbg_nbd,
    naive,
    nbd,
    pareto_nbd,
    zero_truncated_nbd,
)
from cvm_analysis.clv.numerics import simulation

HORIZON = 52.0
SPEND = gamma_gamma.Params(6.25, 3.74, 15.44)
NAN = float("nan")


def model(module, name, *params, **more):
    at = module.Params(*params)
    k = len(params)
    return getattr(module, name)(at, at, np.eye(k), 0.0, 1, False, "", **more)


MODELS = {
    "pareto_nbd": model(pareto_nbd, "ParetoNbd", 0.55, 10.6, 0.6, 11.7),
    "bg_nbd": model(bg_nbd, "BgNbd", 0.8, 9.0, 0.8, 2.4),
    "mbg_nbd": model(mbg_nbd, "MbgNbd", 0.8, 9.0, 0.8, 2.4),
    "nbd": model(nbd, "Nbd", 0.8, 9.0),
}


def spend():
    nothing = gamma_gamma.Independence(0, 1, 1)
    return gamma_gamma.GammaGamma(SPEND, SPEND, np.eye(3), 0.0, 1, False, "", nothing)


def lives(code, n, seed):
    """Customers of a model, purchase by purchase: the history up to T, and the outcome after."""
    rng = np.random.default_rng(seed)
    r, alpha, *drop_out = MODELS[code].params
    p, q, gamma = SPEND
    rows = []
    for _ in range(n):
        T, rate, nu = rng.uniform(10, 80), rng.gamma(r, 1 / alpha), rng.gamma(q, 1 / gamma)
        leaving = rng.beta(*drop_out) if code in ("bg_nbd", "mbg_nbd") else 0.0
        end = (
            rng.exponential(1 / rng.gamma(drop_out[0], 1 / drop_out[1])) if code[0] == "p" else 1e9
        )
        at, days = 0.0, []
        stays = not (code == "mbg_nbd" and rng.random() < leaving)
        while stays and (at := at + rng.exponential(1 / rate)) < min(T + HORIZON, end):
            days.append(at)
            stays = rng.random() >= leaving
        before = [day for day in days if day <= T]
        money = rng.gamma(p, size=len(days)) / nu
        x = len(before)
        rows.append((x, max(before, default=0.0), T, money[:x].mean() if x else NAN,
                     len(days) - x, money[x:].sum()))  # fmt: skip
    return pd.DataFrame(rows, columns=[*simulation.HISTORY, "came", "brought"])


def pit(draws, actual, seed=1):
    """Where the actual lies among the draws, ties at random: even in [0, 1] if these are right."""
    u = np.random.default_rng(seed).random(len(actual))
    less = (draws < actual[:, None]).mean(axis=1)
    return less + u * (draws == actual[:, None]).mean(axis=1)


@pytest.mark.parametrize("code", MODELS)
def test_the_outcome_is_uniform_among_the_draws(code):
    people = lives(code, 3000, 11)
    ahead = simulation.Forecast(people[simulation.HISTORY], np.full(len(people), 0.3))
    orders, money = simulation.simulate(ahead, (MODELS[code], spend()), HORIZON, 400)
    assert kstest(pit(orders, people["came"].to_numpy()), "uniform").pvalue > 0.01
    earned = 0.3 * people["brought"].to_numpy()
    assert kstest(pit(money, earned), "uniform").pvalue > 0.01
    often = people["x"].to_numpy() >= 2
    assert kstest(pit(money, earned)[often], "uniform").pvalue > 0.01


HISTORIES = pd.DataFrame(
    {
        "x": [0, 0, 1, 3, 8, 30],
        "t_x": [0, 0, 20.0, 30, 39, 10],
        "T": [5.0, 60, 40, 40, 40, 40],
        "spend_per_repeat_day": [NAN, NAN, 30, 40, 50, 20],
    }
)


@pytest.mark.parametrize("code", [*MODELS, "zero_truncated_nbd"])
def test_draws_have_the_exact_probabilities(code):
    ztnbd = model(zero_truncated_nbd, "ZeroTruncatedNbd", 0.8, 9.0, window=60.0)
    one = MODELS.get(code, ztnbd)
    n = 4000
    rows = HISTORIES.loc[np.repeat(HISTORIES.index, n // 40)]
    ahead = simulation.Forecast(rows, np.ones(len(rows)))
    orders, _ = simulation.simulate(ahead, (one, spend()), HORIZON, 400)
    exact = one.purchase_probabilities(HISTORIES, HORIZON, 6)
    for row, p in zip(orders.reshape(len(HISTORIES), -1), exact, strict=True):
        share = np.bincount(np.minimum(row, 6).astype(int), minlength=7) / len(row)
        assert share == pytest.approx(p, abs=0.012)


def test_sums_of_spend_are_the_expected_ones():
    rows = HISTORIES.loc[np.repeat(HISTORIES.index, 100)]
    ahead = simulation.Forecast(rows, np.full(len(rows), 2.0))
    _, money = simulation.simulate(ahead, (MODELS["nbd"], spend()), HORIZON, 400)
    expected = MODELS["nbd"].expected_purchases(HISTORIES, HORIZON)
    each = 2 * expected * spend().expected_spend(HISTORIES)
    assert money.reshape(len(HISTORIES), -1).mean(axis=1) == pytest.approx(
        each.to_numpy(), rel=0.03
    )
    bought, plain = simulation.simulate(ahead, (MODELS["nbd"], naive.OwnMean(7.0)), HORIZON, 400)
    mean = rows["spend_per_repeat_day"].fillna(7).to_numpy()
    assert np.allclose(plain, bought * 2 * mean[:, None])


def test_uncertain_parameters_widen_the_draws_of_all_customers_together():
    rows = HISTORIES.loc[np.repeat(HISTORIES.index, 200)]
    ahead = simulation.Forecast(rows, np.ones(len(rows)))
    fixed = MODELS["pareto_nbd"]
    sure = replace(fixed, identified=True, covariance_log=np.eye(4) * 1e-12)
    unsure = replace(fixed, identified=True, covariance_log=np.eye(4) * 0.04)
    unknown = replace(fixed, identified=True, covariance_log=np.full((4, 4), NAN))
    spread = {
        name: simulation.simulate(ahead, (one, spend()), HORIZON, 400)[0].sum(axis=0).std()
        for name, one in (
            ("fixed", fixed), ("sure", sure), ("unsure", unsure), ("unknown", unknown),
            ("off", replace(unsure, identified=False)),
        )
    }  # fmt: skip
    assert spread["unsure"] > 2 * spread["fixed"]
    assert spread["sure"] == pytest.approx(spread["fixed"], rel=1e-3)
    assert spread["unknown"] == spread["fixed"] == spread["off"]


def test_customers_who_never_drop_out_and_who_surely_have():
    gone = pd.DataFrame({"x": [40], "t_x": [10.0], "T": [400.0], "spend_per_repeat_day": [10.0]})
    ahead = simulation.Forecast(gone, np.ones(1))
    for code in ("pareto_nbd", "bg_nbd", "mbg_nbd"):
        orders, money = simulation.simulate(ahead, (MODELS[code], spend()), HORIZON, 400)
        assert not orders.any() and not money.any()
    assert simulation.simulate(ahead, (MODELS["nbd"], spend()), HORIZON, 400)[0].mean() > 1


def test_only_models_with_a_distribution_can_be_drawn():
    assert all(simulation.has_distribution(one) for one in MODELS.values())
    assert not simulation.has_distribution(naive.OwnRate())
