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


def test_probabilities_are_those_of_the_negative_binomial():
    mean, _ = drawn(50)
    found = Dispersion(0.1, np.log(0.7), 0.5).probabilities(mean.to_numpy(), 1.0, 20)
    k = 0.7 * mean**0.5
    for n in range(20):
        expected = nbinom.pmf(n, k, k / (k + mean))
        assert found[:, n] == pytest.approx(expected.tolist(), rel=1e-9)
    assert found[:, 20] == pytest.approx(nbinom.sf(19, k, k / (k + mean)).tolist(), rel=1e-6)


def test_a_longer_horizon_is_wider_than_the_same_scatter_goes_on():
    """Twice the period: the mean doubles, 1 / k grows by half of .5; beyond it the limit is .5."""
    one, mean = Dispersion(0.1, np.log(2.0), 0.7), np.array([1.0])
    for periods, k in ((1.0, 2.0), (2.0, 1 / 0.75), (1e9, 1.0)):
        expected = nbinom.pmf(0, k, k / (k + periods))
        assert one.probabilities(mean, periods, 1)[0, 0] == pytest.approx(expected, rel=1e-6)


def test_draws_have_the_mean_and_the_variance_of_the_distribution():
    one, mean = Dispersion(0.1, np.log(2.0), 0.0), np.array([3.0, 0.0])
    found = one.draw(mean, 1.0, 40_000, np.random.default_rng(1))
    assert found.mean(axis=1) == pytest.approx([3.0, 0.1], rel=0.05)
    assert found[0].var() == pytest.approx(3 + 9 / 2, rel=0.05)


def test_a_forecast_of_nothing_is_the_mean_of_those_it_was_made_for():
    mean = pd.Series([0.0] * 99 + [2.0] * 50)
    actual = pd.Series([1.0] * 20 + [0.0] * 79 + [1.0, 3.0] * 25)
    found = dispersion.fit(mean, actual)
    assert found.mean_if_zero == pytest.approx(20.5 / 100)
    assert found.replace_zero(np.array([0.0, 2.0])).tolist() == [found.mean_if_zero, 2.0]


@pytest.mark.parametrize("mean", [1e-12, 1e-3, 1.0, 1e6])
def test_probabilities_are_finite_everywhere(mean):
    for log_size in (-12.0, 0.0, 12.0):
        for power in (-3.0, 3.0):
            found = Dispersion(0.1, log_size, power).probabilities(np.array([mean]), 2.0, 5)
            assert np.isfinite(found).all() and found.sum() == pytest.approx(1, abs=1e-6)


def test_neither_the_order_nor_the_ids_count():
    mean, actual = drawn(300)
    other = np.random.default_rng(3).permutation(300)
    names = [f"c{i}" for i in range(300)]
    mixed = dispersion.fit(mean[other].set_axis(names), actual[other].set_axis(names))
    assert mixed == dispersion.fit(mean, actual)
