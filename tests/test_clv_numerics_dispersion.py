"""How purchases scatter around a mean: against scipy's distribution and what was planted."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom

from cvm_analysis.clv.numerics import dispersion
from cvm_analysis.clv.numerics.dispersion import Dispersion


def drawn(n=20_000, size=0.7, power=0.5, seed=0):
    rng = np.random.default_rng(seed)
    mean = rng.gamma(0.8, 2.0, n)
    k = size * mean**power
    return pd.Series(mean), pd.Series(rng.negative_binomial(k, k / (k + mean)).astype(float))


def test_the_planted_scatter_is_found():
    found = dispersion.fit(*drawn())
    assert np.exp(found.log_size) == pytest.approx(0.7, rel=0.04)
    assert found.power == pytest.approx(0.5, abs=0.04)


def test_scores_and_medians_are_those_of_the_negative_binomial():
    mean, actual = drawn(500)
    one = Dispersion(0.1, np.log(0.7), 0.5)
    k = 0.7 * mean**0.5
    expected = nbinom.logpmf(actual, k, k / (k + mean))
    assert one.log_score(mean, actual).to_numpy() == pytest.approx(expected, rel=1e-9)
    assert one.median(mean).tolist() == nbinom.median(k, k / (k + mean)).tolist()


def test_a_forecast_of_nothing_is_the_mean_of_those_it_was_made_for():
    mean = pd.Series([0.0] * 99 + [2.0] * 50)
    actual = pd.Series([1.0] * 20 + [0.0] * 79 + [1.0, 3.0] * 25)
    found = dispersion.fit(mean, actual)
    assert found.mean_if_zero == pytest.approx(20.5 / 100)
    scores = found.log_score(mean, actual)
    assert np.isfinite(scores).all() and scores[0] < scores[30]
    assert (found.median(mean)[:99] == 0).all()


@pytest.mark.parametrize("mean", [1e-12, 1e-3, 1.0, 1e6])
@pytest.mark.parametrize("actual", [0.0, 1.0, 1e5])
def test_scores_are_finite_everywhere(mean, actual):
    for log_size in (-12.0, 0.0, 12.0):
        for power in (-3.0, 3.0):
            one = Dispersion(0.1, log_size, power)
            score = one.log_score(pd.Series([mean]), pd.Series([actual]))[0]
            assert -690 <= score <= 1e-6


def test_neither_the_order_nor_the_ids_count():
    mean, actual = drawn(300)
    other = np.random.default_rng(3).permutation(300)
    names = [f"c{i}" for i in range(300)]
    mixed = dispersion.fit(mean[other].set_axis(names), actual[other].set_axis(names))
    assert mixed == dispersion.fit(mean, actual)
