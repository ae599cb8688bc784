"""A naive forecast with the dispersion it had: one mean for scores and money."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom

from cvm_analysis.clv import dispersed, naive
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.clv.numerics.dispersion import Dispersion

H = pd.DataFrame({"x": [0, 4], "t_x": [0.0, 20.0], "T": [10.0, 40.0]}, index=["a", "b"])
MODEL = dispersed.Dispersed(naive.OwnRate(), Dispersion(0.3, np.log(2.0), 0.0), 10.0)


def test_a_mean_of_zero_is_what_such_customers_bought():
    assert MODEL.expected_purchases(H, 10).tolist() == pytest.approx([0.3, 1.0])
    assert MODEL.expected_purchases(H, 20).tolist() == pytest.approx([0.6, 2.0])
    assert MODEL.purchase_rate(H).tolist() == pytest.approx([0.03, 0.1])
    assert MODEL.discounted_purchases(H, 0.0, 20).tolist() == pytest.approx([0.6, 2.0])


def test_the_mean_scored_is_the_mean_used():
    """The mean of the distribution, as a sum over numbers of purchases, is the forecast."""
    for horizon in (5.0, 10.0, 30.0):
        p = MODEL.purchase_probabilities(H, horizon, 400)
        assert (p @ np.arange(401)).tolist() == pytest.approx(
            MODEL.expected_purchases(H, horizon).tolist(), rel=1e-6
        )


def test_scores_and_medians_are_those_of_the_negative_binomial():
    actual = pd.Series([1.0, 3.0], H.index)
    found = predictive_distribution.log_score(MODEL, H, 10.0, actual)
    mean = np.array([0.3, 1.0])
    assert found.to_numpy() == pytest.approx(nbinom.logpmf([1, 3], 2.0, 2 / (2 + mean)))
    assert predictive_distribution.median(MODEL, H, 10.0).tolist() == [0, 1]


def test_it_has_the_code_and_the_drop_out_of_its_forecast():
    assert MODEL.code == "own_rate" and not MODEL.by_customer and MODEL.p_alive(H).isna().all()
    assert MODEL.expected_purchases(H, 0).tolist() == [0, 0]
    assert MODEL.purchase_probabilities(H, 0, 1)[:, 0].tolist() == [1, 1]
    drawn = MODEL.draw(H, 10.0, 20_000, np.random.default_rng(1))
    assert drawn.mean(axis=1) == pytest.approx([0.3, 1.0], rel=0.05)
