"""Eight schools: Rubin (1981), as printed in Gelman et al., Bayesian Data Analysis (3rd ed.)."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.strategy import shrinkage

Y = pd.Series([28.0, 8, -3, 7, -1, 1, 18, 12], index=list("ABCDEFGH"))
S = pd.Series([15.0, 10, 16, 11, 9, 11, 10, 18], index=list("ABCDEFGH"))


def test_the_schools_are_those_of_the_book():
    """Table 5.3, made from 200 draws: medians, and the interval of 95 % of the first school."""
    found = shrinkage.shrink(Y, S)
    medians = pd.Series([10, 8, 7, 8, 5, 6, 10, 8], index=Y.index)
    assert (found["mean"] - medians).abs().max() < 1.5
    assert found.loc["A", ["low", "high"]].tolist() == pytest.approx([-2, 31], abs=1.5)


def test_it_is_the_posterior_that_sampling_finds():
    """Gibbs sampler of the same model, 20,000 draws; tau by its conditional distribution."""
    rng = np.random.default_rng(2)
    y, s = Y.to_numpy(), S.to_numpy()
    tau, mu, kept = 10.0, 8.0, []
    for step in range(22_000):
        precision = s**-2 + tau**-2
        theta = rng.normal((y / s**2 + mu / tau**2) / precision, precision**-0.5)
        mu = rng.normal(theta.mean(), tau / np.sqrt(len(y)))
        # A flat prior on tau: sum of squares / tau^2 is chi-square with J - 1 degrees of freedom.
        tau = np.sqrt(((theta - mu) ** 2).sum() / rng.chisquare(len(y) - 1))
        if step >= 2000:
            kept.append(theta)
    found = shrinkage.shrink(Y, S)
    assert found["mean"].tolist() == pytest.approx(np.mean(kept, axis=0), abs=0.5)
    assert found["sd"].tolist() == pytest.approx(np.std(kept, axis=0), abs=0.5)
    assert found["low"].tolist() == pytest.approx(np.quantile(kept, 0.025, axis=0), abs=1.5)


def test_equal_effects_become_the_common_mean():
    """Nothing tells the segments apart, so each borrows from all: closer than its own estimate."""
    found = shrinkage.shrink(pd.Series([5.0] * 6), pd.Series([1.0, 2, 3, 4, 5, 6]))
    assert found["mean"].tolist() == pytest.approx([5.0] * 6)
    assert (found["sd"][1:] < np.array([2, 3, 4, 5, 6])).all()


def test_effects_far_apart_stay_where_they_are():
    far = pd.Series([0.0, 100.0, 200.0, 300.0])
    found = shrinkage.shrink(far, pd.Series(1.0, far.index))
    assert found["mean"].tolist() == pytest.approx(far, abs=0.1)
    assert found["sd"].tolist() == pytest.approx([1.0] * 4, rel=0.01)


def test_the_less_certain_a_segment_the_more_it_is_shrunk():
    found = shrinkage.shrink(
        pd.Series([10.0, 10.0, 0.0, 0.0, 0.0]), pd.Series([2.0, 6.0, 2.0, 2.0, 2.0])
    )
    assert 10 > found["mean"][0] > found["mean"][1] > 0


def test_the_unit_does_not_matter():
    once, cents = shrinkage.shrink(Y, S), shrinkage.shrink(100 * Y, 100 * S)
    pd.testing.assert_frame_equal(100 * once, cents)


def test_two_segments_are_not_shrunk():
    found = shrinkage.shrink(Y.head(2), S.head(2))
    assert found["mean"].tolist() == [28, 8]
    assert found.loc["A", ["low", "high"]].tolist() == pytest.approx(
        [28 - 29.4, 28 + 29.4], abs=0.01
    )
