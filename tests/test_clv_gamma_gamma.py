"""Gamma-Gamma against Fader, Hardie & Lee (2005), note 025, and CLVTools 0.12.1."""

import derivatives
import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from cvm_analysis.clv import gamma_gamma
from cvm_analysis.errors import FitError, InputError

NOTE = gamma_gamma.Params(6.25, 3.74, 15.44)


@pytest.fixture(scope="module")
def fitted(cdnow):
    return gamma_gamma.fit(cdnow)


def model(params):
    nothing = gamma_gamma.Independence(0, 1, 1)
    return gamma_gamma.GammaGamma(params, params, np.eye(3), 0.0, 1, True, "", nothing)


def test_parameters_are_the_published_ones(fitted):
    assert fitted.params == pytest.approx(NOTE, abs=0.006)
    assert fitted.log_likelihood == pytest.approx(-4055.9177, abs=6e-5)
    assert fitted.n_customers == 946
    assert fitted.identified


def test_parameters_and_errors_at_the_maximum_are_those_of_clvtools(fitted):
    """CLVTools' likelihood, maximised to a gradient of 4e-8; errors by its Hessian."""
    assert fitted.params == pytest.approx((6.24957225, 3.74422466, 15.44352100), rel=1e-6)
    assert fitted.std_errors == pytest.approx((1.19005533, 0.29013307, 4.15942276), rel=1e-5)
    assert fitted.log_likelihood == pytest.approx(-4055.91769480, abs=6e-8)


def test_expected_spend_of_the_first_ten_customers(cdnow):
    """Hardie's spreadsheet, as quoted by lifetimes (to .1)."""
    printed = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    first = cdnow.loc[[f"{i:04d}" for i in range(1, 11)]]
    assert model(NOTE).expected_spend(first).tolist() == pytest.approx(printed, abs=0.1)


def test_without_repeat_purchase_the_population_mean(fitted):
    p, q, gamma = fitted.params
    rows = pd.DataFrame({"x": [0, np.nan, 2], "spend_per_repeat_day": [np.nan] * 3})
    assert fitted.expected_spend(rows).tolist() == pytest.approx([p * gamma / (q - 1)] * 3)
    assert fitted.population_mean == pytest.approx(p * gamma / (q - 1))


def test_the_more_purchases_the_nearer_to_the_own_mean(fitted):
    rows = pd.DataFrame({"x": [0, 1, 5, 50, 10_000], "spend_per_repeat_day": 100.0})
    distance = 100 - fitted.expected_spend(rows)
    assert distance.is_monotonic_decreasing
    assert distance.iloc[-1] == pytest.approx(0, abs=0.05)


def test_customers_without_repeat_change_nothing(fitted, cdnow):
    buyers = cdnow[cdnow["x"] > 0]
    assert gamma_gamma.fit(buyers).params == fitted.params


def test_a_weight_is_as_good_as_repeated_rows(cdnow):
    some = cdnow[cdnow["x"] > 0].iloc[::5]
    n = np.arange(len(some)) % 3 + 1
    repeated = gamma_gamma.fit(some.loc[some.index.repeat(n)])
    weighted = gamma_gamma.fit(some.assign(n=n))
    assert weighted.params == pytest.approx(repeated.params, rel=1e-6)
    assert weighted.n_customers == repeated.n_customers == n.sum()
    assert weighted.independence == pytest.approx(repeated.independence)


def test_a_start_from_a_sample_leads_to_the_same_maximum(fitted, cdnow, monkeypatch):
    monkeypatch.setattr(gamma_gamma, "_MANY", 100)
    assert gamma_gamma.fit(cdnow).params == pytest.approx(fitted.params, rel=1e-6)


def test_another_currency_changes_gamma_and_nothing_else(fitted, cdnow):
    p, q, gamma = fitted.params
    dear = gamma_gamma.fit(cdnow.assign(spend_per_repeat_day=cdnow["spend_per_repeat_day"] * 7.1))
    assert dear.params == pytest.approx((p, q, 7.1 * gamma), rel=1e-6)


def test_independence_is_spearmans_correlation_and_a_ratio_of_fifths(fitted, cdnow):
    buyers = cdnow[cdnow["x"] > 0]
    rho = spearmanr(buyers["x"], buyers["spend_per_repeat_day"]).statistic
    assert fitted.independence.correlation == pytest.approx(rho, rel=1e-12)
    assert fitted.independence.n_customers == 946
    # 439 of 946 bought once again: they are the lowest fifth together; 80 % have x of 4 or less.
    top = buyers.loc[buyers["x"] > 3, "spend_per_repeat_day"].mean()
    bottom = buyers.loc[buyers["x"] == 1, "spend_per_repeat_day"].mean()
    assert fitted.independence.spend_ratio == pytest.approx(top / bottom)


def test_spend_that_never_varies_within_a_customer_diverges_and_still_forecasts():
    rng = np.random.default_rng(1)
    means = 1 / rng.gamma(5, 1 / 100, 2000)
    rows = pd.DataFrame({"x": rng.integers(1, 100, 2000), "spend_per_repeat_day": means})
    found = gamma_gamma.fit(rows)
    assert found.reason == "parameters_diverged"
    assert np.isnan(found.std_errors.p)
    assert found.expected_spend(rows).to_numpy() == pytest.approx(
        rows["spend_per_repeat_day"].to_numpy(), rel=0.02
    )


@pytest.mark.parametrize("spend", [[], [5.0], [5.0, 5.0, 5.0]])
def test_too_little_to_model_is_refused(spend):
    rows = pd.DataFrame({"x": np.ones(len(spend)), "spend_per_repeat_day": spend})
    with pytest.raises(FitError, match="cannot be modelled"):
        gamma_gamma.fit(rows)


def test_a_mean_without_limit_is_refused():
    rng = np.random.default_rng(2)
    wild = pd.DataFrame({"x": 1, "spend_per_repeat_day": np.exp(4 * rng.normal(size=500))})
    with pytest.raises(FitError, match="no finite mean"):
        gamma_gamma.fit(wild)


def test_missing_columns_are_named():
    with pytest.raises(InputError, match="spend_per_repeat_day"):
        gamma_gamma.fit(pd.DataFrame({"x": [1, 2]}))


def related(share, n=4000):
    """Spend that rises with the number of purchases; `share` 0 not at all."""
    rng = np.random.default_rng(5)
    x = 1 + rng.geometric(0.2, n)
    spend = np.exp(0.4 * rng.normal(size=n)) * x**share * 20
    return pd.DataFrame({"x": x, "spend_per_repeat_day": spend})


def test_independence_is_judged_by_size_not_by_the_number_of_customers(fitted, cdnow):
    """At 4,000 customers any relation is significant; only a strong one is worth a word."""
    weak, strong = (gamma_gamma.fit(related(share)) for share in (0.1, 0.6))
    test = spearmanr(related(0.1)["x"], related(0.1)["spend_per_repeat_day"])
    assert test.pvalue < 1e-6 and not weak.independence.is_violated and weak.notes() == []
    assert strong.independence.is_violated
    (note,) = strong.notes()
    assert note.code == "spend_depends_on_purchases"
    assert note.have == pytest.approx(100 * strong.independence.spend_ratio, abs=0.5)
    assert not fitted.independence.is_violated


@pytest.mark.parametrize(
    ("correlation", "ratio", "broken"),
    [
        (0.29, 1.49, False), (0.31, 1.0, True), (-0.31, 1.0, True), (0.0, 1.51, True),
        (0.0, 0.66, True), (0.0, 0.67, False), (np.nan, 1.0, False), (np.nan, np.nan, False),
    ],
)  # fmt: skip
def test_the_bound_of_independence(correlation, ratio, broken):
    assert gamma_gamma.Independence(correlation, ratio, 9).is_violated is broken


def test_aic_and_bic_count_three_parameters(fitted):
    assert fitted.aic == pytest.approx(2 * 3 + 2 * 4055.917695)
    assert fitted.bic == pytest.approx(3 * np.log(946) + 2 * 4055.917695)


def test_spend_is_ones_own_after_a_repeat_purchase():
    rows = pd.DataFrame(
        {"x": [0, np.nan, 2, 3], "spend_per_repeat_day": [np.nan, 5.0, np.nan, 9.0]}
    )
    assert gamma_gamma.is_individual(rows).tolist() == [False, False, False, True]


def test_gradient_and_curvature_are_those_of_the_likelihood():
    rng = np.random.default_rng(0)
    x, n = rng.integers(1, 30, 50).astype(float), rng.integers(1, 5, 50).astype(float)
    rows = x, rng.gamma(3, 20, 50), n
    for params in ((2.0, 3.0, 20.0), (150.0, 400.0, 55.0), (1e6, 1e6, 20.0), (0.13, 1.6, 2.7)):
        derivatives.check(lambda logs: gamma_gamma._derivatives(logs, *rows), np.log(params))
