"""NBD against BG/NBD without drop-out, and against what a Gamma mixture must give."""

import derivatives
import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import gamma, nbinom

from cvm_analysis.clv import bg_nbd, histories, nbd
from cvm_analysis.errors import FitError, InputError


@pytest.fixture(scope="module")
def fitted(cdnow):
    return nbd.fit(cdnow)


def test_likelihood_is_that_of_the_counts_up_to_the_order_of_purchases(fitted, cdnow):
    """P(X = x) of the negative binomial is the density of x given times, times T^x / x!."""
    x, T = cdnow["x"].to_numpy(), cdnow["T"].to_numpy()
    r, alpha = fitted.params
    counts = nbinom.logpmf(x, r, alpha / (alpha + T)).sum()
    order = sum(
        k * np.log(t) - np.log(np.arange(1, k + 1)).sum() for k, t in zip(x, T, strict=True)
    )
    assert fitted.log_likelihood == pytest.approx(counts - order, abs=1e-6)


def test_no_other_parameters_are_better(fitted, cdnow):
    r, alpha = fitted.params
    for other in [(r * 1.01, alpha), (r / 1.01, alpha), (r, alpha * 1.01), (r, alpha / 1.01)]:
        assert nbd.log_likelihood(nbd.Params(*other), cdnow) < fitted.log_likelihood


def test_bg_nbd_without_drop_out_is_the_nbd(fitted, cdnow):
    with_none = bg_nbd.Params(*fitted.params, 1e-16, 1.0)
    assert bg_nbd.log_likelihood(with_none, cdnow) == pytest.approx(
        nbd.log_likelihood(fitted.params, cdnow), abs=1e-3
    )


def test_apparel_log_likelihood(apparel):
    """-5910.746, computed independently."""
    found = nbd.fit(apparel)
    assert found.log_likelihood == pytest.approx(-5910.746, abs=6e-4)
    assert found.identified


def test_expected_purchases_are_the_mean_rate_after_what_was_seen():
    model = nbd.Nbd(nbd.Params(0.7, 9.0), nbd.Params(0, 0), np.eye(2), 0.0, 1, True, "")
    h = pd.DataFrame({"x": [0, 4], "t_x": [0.0, 10.0], "T": [12.0, 30.0]}, index=["a", "b"])
    after = [gamma(0.7 + 0, scale=1 / 21), gamma(0.7 + 4, scale=1 / 39)]
    assert model.expected_purchases(h, 26).tolist() == pytest.approx([26 * a.mean() for a in after])
    within = quad(lambda t: np.exp(-0.01 * t), 0, 26)[0]
    assert model.discounted_purchases(h, 0.01, 26).tolist() == pytest.approx(
        [within * a.mean() for a in after]
    )
    assert model.discounted_purchases(h, 0.01).tolist() == pytest.approx(
        [100 * a.mean() for a in after]
    )
    assert model.expected_purchases_new(26.0) == pytest.approx(26 * 0.7 / 9)
    assert model.p_alive(h).isna().all()
    assert list(model.p_alive(h).index) == ["a", "b"]


def test_simulated_rates_are_found_within_their_errors():
    rng = np.random.default_rng(4)
    T = rng.uniform(10, 60, 4000)
    x = rng.poisson(rng.gamma(0.7, 1 / 9, 4000) * T)
    found = nbd.fit(pd.DataFrame({"x": x, "t_x": np.where(x > 0, T, 0.0), "T": T}))
    far = (np.array(found.params) - (0.7, 9.0)) / found.std_errors
    assert (np.abs(far) < 3).all()


def test_one_rate_for_all_diverges_and_still_forecasts():
    T = np.full(400, 20.0)
    x = np.tile([9, 10, 11, 10], 100)  # less spread than chance: no variation of rates
    found = nbd.fit(pd.DataFrame({"x": x, "t_x": T, "T": T}))
    assert not found.identified
    assert found.reason == "parameters_diverged"
    forecast = found.expected_purchases(pd.DataFrame({"x": [10], "t_x": [20.0], "T": [20.0]}), 20)
    assert forecast.item() == pytest.approx(10, rel=1e-3)


def test_without_repeat_purchases_nothing_is_fitted():
    with pytest.raises(FitError, match="none of 2 customers bought again"):
        nbd.fit(pd.DataFrame({"x": [0, 0], "t_x": 0.0, "T": 9.0}))


def test_probabilities_add_up_and_their_mean_is_the_rate(cdnow):
    model = nbd.fit(histories.distinct(cdnow)[0])
    p = np.array([float(model.probability(x, 39.0)) for x in range(3000)])
    assert p.sum() == pytest.approx(1, abs=1e-9)
    assert (p * np.arange(3000)).sum() == pytest.approx(float(model.expected_purchases_new(39.0)))
    assert p[0] == pytest.approx((1 + 39 / model.params.alpha) ** -model.params.r)


def at(r, alpha):
    return nbd.Nbd(nbd.Params(r, alpha), nbd.Params(0, 0), np.eye(2), 0.0, 1, True, "")


def test_probabilities_after_what_was_seen_are_negative_binomial():
    h = pd.DataFrame({"x": [0, 4], "t_x": [0.0, 10.0], "T": [12.0, 30.0]})
    found = at(0.7, 9.0).purchase_probabilities(h, 26, 6)
    for row, (r, alpha) in zip(found, [(0.7, 21.0), (4.7, 39.0)], strict=True):
        distribution = nbinom(r, alpha / (alpha + 26))
        assert row[:6] == pytest.approx(distribution.pmf(np.arange(6)), rel=1e-12)
        assert row[6] == pytest.approx(distribution.sf(5), rel=1e-12)


def test_probabilities_hold_everywhere():
    """They add up, none is 1 - one or more, and a rare second purchase is not lost in rounding."""
    rng = np.random.default_rng(2)
    for _ in range(200):
        r, alpha, T, horizon = 10 ** rng.uniform((-4, -4, -1, -6), (6, 6, 4, 4))
        h = pd.DataFrame({"x": [0], "t_x": [0.0], "T": [T]})
        ratio = horizon / (alpha + T)
        p = at(r, alpha).purchase_probabilities(h, horizon, 50)[0]
        assert np.isfinite(p).all()
        assert p.sum() == pytest.approx(1, abs=1e-11)
        none, some = at(r, alpha).purchase_probabilities(h, horizon, 1)[0]
        assert none == pytest.approx(np.exp(-r * np.log1p(ratio)), rel=1e-11, abs=1e-280)
        assert some == pytest.approx(-np.expm1(-r * np.log1p(ratio)), rel=1e-11, abs=1e-280)
        assert p[2] == pytest.approx(
            p[1] * (r + 1) / 2 * ratio / (1 + ratio), rel=1e-11, abs=1e-280
        )
    once = pd.DataFrame({"x": [0], "t_x": [0.0], "T": [0.0]})
    _, some = at(1e-4, 1e-4).purchase_probabilities(once, 1e4, 1)[0]
    assert some == pytest.approx(-np.expm1(-1e-4 * np.log1p(1e8)), rel=1e-11, abs=1e-280)
    at_once = at(0.7, 9.0).purchase_probabilities(h, 0, 3)
    assert at_once.tolist() == [[1, 0, 0, 0]]


def test_impossible_probabilities_are_refused(fitted, cdnow):
    with pytest.raises(InputError, match="up to 0 purchases"):
        fitted.purchase_probabilities(cdnow, 39, 0)
    with pytest.raises(InputError, match="the horizon is -1"):
        fitted.purchase_probabilities(cdnow, -1, 3)


def test_bic_counts_the_customers(fitted):
    assert fitted.bic == pytest.approx(2 * np.log(2357) - 2 * fitted.log_likelihood)


def test_gradient_and_curvature_are_those_of_the_likelihood(cdnow):
    data = histories.arrays(cdnow.iloc[::20])
    for params in ((0.385, 12.07), (0.02, 300.0), (40.0, 0.3)):
        derivatives.check(lambda logs: nbd.derivatives(logs, data), np.log(params))
