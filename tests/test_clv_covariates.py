"""Static covariates against CLVTools 0.12.1 on apparel, and a truth planted in simulated logs."""

import numpy as np
import pandas as pd
import published
import pytest

from cvm_analysis.clv import bg_nbd, covariates, histories, pareto_nbd
from cvm_analysis.errors import FitError, InputError

BOTH = ["Gender", "Channel"]


def model(code, values, trans=BOTH, life=BOTH):
    """A model with stated values: base parameters, then coefficients of trans, then of life."""
    values = np.array(values, float)
    size = len(values)
    wide = np.full((size, size), np.nan)
    trans, life = tuple(trans), tuple(life)
    return covariates.WithCovariates(code, trans, life, values, wide[0], wide, 0.0, 600, True, "")


def stated(code, fit):
    """Estimates, errors and log-likelihood as CLVTools gives them, in our order."""
    found = published.parameters("apparel", f"{code}+static(Gender,Channel)", "CLVTools", fit)
    base = [name for name in found.estimate.index if "." not in name]
    order = [*base, *(f"{of}.{name}" for of in ("trans", "life") for name in BOTH)]
    return found._replace(estimate=found.estimate[order], std_error=found.std_error[order])


def simulated(n_customers, seed, g_trans=0.5, g_life=0.8, s=0.9, weeks=104.0):
    """Pareto/NBD customers, half of whom (z = 1) buy and leave faster."""
    rng = np.random.default_rng(seed)
    z = rng.integers(0, 2, n_customers)
    rate = rng.gamma(1.2, np.exp(g_trans * z) / 8, n_customers)
    leaving = rng.gamma(s, np.exp(g_life * z) / 40, n_customers) if s else np.full(z.size, 1e-9)
    stayed = np.minimum(weeks, rng.exponential(1 / leaving))
    x = rng.poisson(rate * stayed)
    last = np.where(x > 0, stayed * rng.uniform(size=z.size) ** (1 / np.maximum(x, 1)), 0.0)
    return pd.DataFrame({"x": x, "t_x": last, "T": weeks, "z": z})


# Is it right?


def test_the_cohort_is_that_of_the_data(apparel):
    """The published numbers of customers by covariates, all of one day, 104 weeks ago."""
    cohort = published.read("apparel_cohort").set_index(BOTH)
    assert apparel.groupby(BOTH).size().equals(cohort["customers"])
    assert set(apparel["first_order"]) == set(pd.to_datetime(cohort["first"]))
    assert set(apparel["T"]) == set(cohort["weeks"])


def test_pareto_nbd_of_apparel_as_in_clvtools(apparel):
    """Its own likelihood, maximised to a gradient of zero; errors by its Hessian."""
    found, theirs = covariates.fit(apparel, BOTH, BOTH), stated("pnbd", "polished")
    assert found.values == pytest.approx(theirs.estimate.to_numpy(), rel=1e-4)
    assert found.std_errors == pytest.approx(theirs.std_error.to_numpy(), rel=1e-4)
    assert found.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-6)
    assert found.params == pytest.approx(theirs.estimate.to_numpy()[:4], rel=1e-4)
    assert found.coefficients["of"].tolist() == ["trans", "trans", "life", "life"]
    assert found.coefficients["covariate"].tolist() == [*BOTH, *BOTH]
    assert found.n_customers == 600
    assert found.identified
    assert found.aic == pytest.approx(11658.1254, abs=1e-4)
    assert found.bic == pytest.approx(11693.3009, abs=1e-4)


def test_bg_nbd_of_apparel_is_as_likely_as_in_clvtools_and_not_told(apparel):
    """Its a, b and one coefficient diverge; only the likelihood can be compared."""
    theirs = stated("bgnbd", "polished")
    found = covariates.fit(apparel, BOTH, BOTH, "bg_nbd")
    assert found.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-3)
    assert found.reason == "parameters_diverged"
    assert np.isnan(found.std_errors[2:4]).all()
    there = covariates.log_likelihood(model("bg_nbd", theirs.estimate), apparel)
    assert there == pytest.approx(theirs.log_likelihood, rel=1e-9)
    for code, name in (("pareto_nbd", "pnbd"), ("bg_nbd", "bgnbd")):
        theirs = stated(name, "default")
        there = covariates.log_likelihood(model(code, theirs.estimate), apparel)
        assert there == pytest.approx(theirs.log_likelihood, rel=1e-9)


@pytest.mark.parametrize(("code", "theirs"), [("pareto_nbd", "pnbd"), ("bg_nbd", "bgnbd")])
def test_customers_as_in_clvtools(code, theirs):
    """apparel_points.csv, columns *_static, at the parameters CLVTools returns."""
    apparel = published.read("apparel_points")
    at = model(code, stated(theirs, "default").estimate)
    ours = {
        "PAlive": at.p_alive(apparel),
        "CET": at.expected_purchases(apparel, 1450 / 7),
        "DERT_clvdefault": at.discounted_purchases(apparel, np.log(1.1)),
        "DERT_ann10pct": at.discounted_purchases(apparel, np.log(1.1) / 52),
        "DERT_cont0.1": at.discounted_purchases(apparel, 0.1 / 52),
    }
    compared = 0
    for name, values in ours.items():
        column = f"{theirs}_static.{name}"
        if column in apparel:
            compared += 1
            assert values.to_numpy() == pytest.approx(apparel[column].to_numpy(), rel=1e-6), name
    assert compared == {"pnbd": 5, "bgnbd": 2}[theirs]


@pytest.mark.parametrize("plain", [pareto_nbd, bg_nbd])
def test_without_covariates_it_is_the_plain_model(cdnow, plain):
    h, _ = histories.distinct(cdnow.iloc[::4])
    found, expected = covariates.fit(h, [], [], plain.__name__.split(".")[-1]), plain.fit(h)
    assert found.params == pytest.approx(expected.params, rel=1e-5)
    assert found.std_errors == pytest.approx(expected.std_errors, rel=1e-4)
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, abs=1e-7)
    assert found.reason == expected.reason


def test_a_planted_effect_is_found():
    """Of the rate 0.5, of drop-out 0.8, each within 2.5 of its standard errors."""
    found = covariates.fit(simulated(8000, seed=1), ["z"], ["z"])
    off = (found.values - [1.2, 8, 0.9, 40, 0.5, 0.8]) / found.std_errors
    assert found.identified
    assert np.abs(off).max() < 2.5
    assert (found.std_errors[4:] < 0.15).all()


def test_two_kinds_of_customers_are_two_models_if_nothing_else_is_shared():
    """With z on rate and drop-out, alpha and beta of each kind are free; r and s are shared."""
    h = simulated(3000, seed=2)
    found = covariates.fit(h, ["z"], ["z"])
    r, alpha, s, beta, trans, life = found.values
    assert found.with_values(z=1).params == pytest.approx(
        (r, alpha * np.exp(-trans), s, beta * np.exp(-life))
    )
    assert found.with_values(z=0).params == found.params
    apart = sum(pareto_nbd.fit(h[h["z"] == z]).log_likelihood for z in (0, 1))
    together = pareto_nbd.fit(h).log_likelihood
    assert together + 50 < found.log_likelihood < apart < found.log_likelihood + 12


# Does it behave?


def test_another_unit_of_a_covariate_changes_its_coefficient_and_nothing_else():
    h = simulated(2000, seed=3)
    plain = covariates.fit(h, ["z"], ["z"])
    moved = h.assign(z=1e4 * h["z"] + 3e4)
    other = covariates.fit(moved, ["z"], ["z"])
    assert other.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-7)
    assert other.values[4:] * 1e4 == pytest.approx(plain.values[4:], rel=1e-5)
    assert other.std_errors[4:] * 1e4 == pytest.approx(plain.std_errors[4:], rel=1e-4)
    same = plain.expected_purchases(h, 52), other.expected_purchases(moved, 52)
    assert same[0].to_numpy() == pytest.approx(same[1].to_numpy(), rel=1e-5)


def test_order_weights_and_index_do_not_matter():
    h = simulated(1500, seed=4).round({"t_x": 0})
    counted = h.groupby([*h], as_index=False).size().rename(columns={"size": "n"})
    found = covariates.fit(h, ["z"], ["z"])
    for other in (h.sample(frac=1, random_state=0), counted):
        again = covariates.fit(other, ["z"], ["z"])
        assert again.values == pytest.approx(found.values, rel=1e-6)
        assert again.n_customers == 1500
    mixed = h.sample(frac=1, random_state=1)
    for call in ("p_alive", "purchase_rate"):
        pd.testing.assert_series_equal(
            getattr(found, call)(mixed).sort_index(), getattr(found, call)(h)
        )
    p = found.purchase_probabilities(mixed, 26, 200)
    assert p.sum(axis=1) == pytest.approx(1)
    expected = found.expected_purchases(mixed, 26)
    assert expected.index.equals(mixed.index)
    assert p @ np.arange(201) == pytest.approx(expected.to_numpy(), rel=1e-6)


def test_covariates_of_one_side_only():
    h = simulated(2000, seed=5, g_life=0.0)
    found = covariates.fit(h, ["z"], [])
    assert len(found.values) == 5
    assert found.log_likelihood == pytest.approx(
        covariates.fit(h, ["z"], ["z"]).log_likelihood, abs=4
    )
    assert found.with_values(z=1).params.beta == found.with_values(z=0).params.beta


# What if the data do not say it?


def test_without_drop_out_it_says_so():
    found = covariates.fit(simulated(1500, seed=7, s=0), ["z"], ["z"])
    assert found.reason == "no_drop_out_found"
    assert found.coefficients["estimate"][0] == pytest.approx(0.5, abs=0.2)


def test_two_covariates_that_are_one_are_not_told():
    h = simulated(1500, seed=8)
    found = covariates.fit(h.assign(twin=1 - h["z"]), ["z", "twin"], [])
    assert found.reason == "parameters_diverged"
    assert np.isnan(found.std_errors[4:]).all()


def test_what_is_no_covariate_is_refused():
    h = simulated(50, seed=9)
    with pytest.raises(InputError, match="no columns of the histories: age"):
        covariates.fit(h, ["age"], ["z"])
    with pytest.raises(InputError, match=r"sex is missing or no number for 50 of 50 .*first: 0"):
        covariates.fit(h.assign(sex="f"), ["sex"], [])
    with pytest.raises(InputError, match="the same for all customers: one"):
        covariates.fit(h.assign(one=1), ["one"], [])
    with pytest.raises(InputError, match="no covariates of drop-out for the model 'nbd'"):
        covariates.fit(h, [], ["z"], "nbd")
    with pytest.raises(InputError, match="covariates are z, not age"):
        covariates.fit(h, ["z"], []).with_values(age=3)
    with pytest.raises(FitError, match="bought again"):
        covariates.fit(h.assign(x=0, t_x=0.0), ["z"], [])
