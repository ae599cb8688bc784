"""Medians, chances of none and log scores, against distributions that are known."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom

from cvm_analysis.clv import bg_nbd, histories, mbg_nbd, nbd
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.errors import InputError


def model(r, alpha):
    return nbd.Nbd(nbd.Params(r, alpha), nbd.Params(0, 0), np.eye(2), 0.0, 1, True, "")


@pytest.fixture
def h():
    rng = np.random.default_rng(1)
    x, T = rng.integers(0, 300, 400), rng.uniform(1, 60, 400)
    ids = [f"C{i}" for i in rng.permutation(400)]
    return pd.DataFrame({"x": x, "t_x": np.where(x > 0, T / 2, 0.0), "T": T}, index=ids)


def after(h, r, alpha, horizon):
    return nbinom(r + h["x"], (alpha + h["T"]) / (alpha + h["T"] + horizon))


def test_medians_are_those_of_the_negative_binomial(h):
    found = predictive_distribution.median(model(0.7, 9.0), h, 26)
    assert found.tolist() == after(h, 0.7, 9.0, 26).median().tolist()
    assert found.index.equals(h.index)
    assert found.max() > 100


@pytest.mark.parametrize("module", [nbd, bg_nbd, mbg_nbd])
def test_a_median_is_exceeded_by_half_at_most(cdnow, module):
    h, _ = histories.distinct(cdnow.iloc[::10])
    fitted = module.fit(h)
    median = predictive_distribution.median(fitted, h, 39).to_numpy()
    cumulative = fitted.purchase_probabilities(h, 39, 200).cumsum(axis=1)
    row = np.arange(len(h))
    assert (cumulative[row, median] >= 0.5).all()
    assert (cumulative[row, np.maximum(median - 1, 0)] < 0.5)[median > 0].all()


class GoneOrTwenty:
    """Buys 20 times with probability .55, else never: the median is far above the mean of 11."""

    def expected_purchases(self, h, horizon):
        return pd.Series(11.0, h.index)

    def purchase_probabilities(self, h, horizon, most):
        p = np.zeros((len(h), most + 1))
        p[:, 0], p[:, min(20, most)] = 0.45, 0.55
        return p


def test_a_median_above_the_mean_is_not_cut_off(h):
    assert (predictive_distribution.median(GoneOrTwenty(), h, 26) == 20).all()


def test_the_median_errs_least_on_cdnow(cdnow):
    """Of counts that came: the mean is .785 off, the median .666."""
    fitted = bg_nbd.fit(histories.distinct(cdnow)[0])
    mean = (fitted.expected_purchases(cdnow, 39) - cdnow["holdout"]).abs().mean()
    median = (predictive_distribution.median(fitted, cdnow, 39) - cdnow["holdout"]).abs().mean()
    assert median < mean - 0.1


def test_none_is_no_purchase_at_all(h):
    found = predictive_distribution.p_no_purchase(model(0.7, 9.0), h, 26)
    assert found.tolist() == pytest.approx(after(h, 0.7, 9.0, 26).pmf(0).tolist(), rel=1e-9)
    assert found.index.equals(h.index)
    assert (predictive_distribution.p_no_purchase(model(0.7, 9.0), h, 0) == 1).all()


def test_log_scores_are_those_of_the_negative_binomial(h):
    actual = pd.Series(np.random.default_rng(2).integers(0, 90, 400), h.index)
    found = predictive_distribution.log_score(model(0.7, 9.0), h, 26, actual)
    assert found.tolist() == pytest.approx(
        after(h, 0.7, 9.0, 26).logpmf(actual.to_numpy()).tolist(), rel=1e-9
    )
    assert found.index.equals(h.index)


def test_order_and_repeated_customers_do_not_change_a_score(h):
    actual = pd.Series(np.random.default_rng(3).integers(0, 90, 400), h.index)
    once = predictive_distribution.log_score(model(0.7, 9.0), h, 26, actual)
    mixed = h.sample(frac=1, random_state=1)
    again = predictive_distribution.log_score(model(0.7, 9.0), mixed, 26, actual)
    assert again.loc[h.index].tolist() == pytest.approx(once.tolist(), rel=1e-12)
    twice = pd.concat([h, h.set_axis(h.index + "b")])
    both = pd.concat([actual, actual.set_axis(actual.index + "b")])
    doubled = predictive_distribution.log_score(model(0.7, 9.0), twice, 26, both)
    assert doubled.tolist() == pytest.approx([*once, *once], rel=1e-12)


def test_on_average_the_truth_scores_best():
    rng = np.random.default_rng(4)
    T = rng.uniform(10, 60, 4000)
    rate = rng.gamma(0.7, 1 / 9, 4000)
    x, actual = rng.poisson(rate * T), pd.Series(rng.poisson(rate * 26))
    h = pd.DataFrame({"x": x, "t_x": np.where(x > 0, T, 0.0), "T": T})
    truth = predictive_distribution.log_score(model(0.7, 9.0), h, 26, actual).mean()
    for other in (model(2.0, 9.0), model(0.7, 3.0), model(0.2, 3.0)):
        assert predictive_distribution.log_score(other, h, 26, actual).mean() < truth


def test_what_a_model_holds_impossible_costs_much_and_is_finite():
    h = pd.DataFrame({"x": [0], "t_x": [0.0], "T": [1000.0]})
    found = predictive_distribution.log_score(model(0.01, 1e-3), h, 1, pd.Series([5000]))
    assert found.item() == pytest.approx(np.log(1e-300))


def test_what_cannot_be_scored_is_refused(h):
    actual = pd.Series(1, h.index)
    for wrong in (actual * 0.5, -actual, actual.where(actual.index != h.index[7])):
        with pytest.raises(InputError, match="no whole numbers for"):
            predictive_distribution.log_score(model(0.7, 9.0), h, 26, wrong)
    with pytest.raises(InputError, match="399 outcomes"):
        predictive_distribution.log_score(model(0.7, 9.0), h, 26, actual.iloc[1:])
    with pytest.raises(InputError, match="shorter horizon"):
        predictive_distribution.median(model(1e6, 1e-3), h, 1e4)
