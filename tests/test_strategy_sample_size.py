"""Sample sizes as printed in textbooks, and by simulation."""

import math

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.strategy import sample_size


def test_two_means_as_printed():
    """Chow, Shao & Wang (2008), section 3.2: difference 5 %, sd 10 %: 63 in each arm."""
    assert math.ceil(sample_size.needed("margin", 10, 5, 0.5) / 2) == 63


def test_two_shares_as_printed():
    """Chow, Shao & Wang (2008), section 4.2: 65 % against 85 %: 70 in each arm."""
    assert math.ceil(sample_size.needed("purchase", 0.65, 0.2, 0.5) / 2) == 70


@pytest.mark.parametrize(("d", "printed"), [(0.2, 393), (0.5, 64), (0.8, 26)])
def test_small_medium_and_large_effects_are_cohens(d, printed):
    """Cohen (1992), "A Power Primer", Table 2, for a t test, which needs up to 2 more in an arm."""
    assert sample_size.needed("margin", 1.0, d, 0.5) / 2 == pytest.approx(printed, abs=1.5)


def test_a_small_control_group_costs_customers():
    """With one in five a control, 1 / (4 x 0.2 x 0.8) as many are needed in all."""
    equal = sample_size.needed("margin", 100, 1.0, 0.5)
    assert sample_size.needed("margin", 100, 1.0, 0.2) == pytest.approx(equal / 0.64, rel=1e-4)


def test_the_effect_is_found_as_often_as_planned():
    n = int(sample_size.needed("purchase", 0.1, 0.04, 0.3))
    rng = np.random.default_rng(1)
    n_c = round(0.3 * n)
    p_c = rng.binomial(n_c, 0.10, 20_000) / n_c
    p_t = rng.binomial(n - n_c, 0.14, 20_000) / (n - n_c)
    error = np.sqrt(p_c * (1 - p_c) / n_c + p_t * (1 - p_t) / (n - n_c))
    assert np.mean(np.abs(p_t - p_c) > 1.959964 * error) == pytest.approx(0.8, abs=0.02)


def test_what_cannot_be_found_needs_infinitely_many():
    assert sample_size.needed("margin", 10, 0.0, 0.5) == math.inf
    assert sample_size.needed("margin", 10, 1.0, 0.0) == math.inf


def test_cuped_leaves_the_residual_of_a_regression():
    rng = np.random.default_rng(1)
    before = pd.Series(rng.normal(size=500))
    outcome = 3 * before + rng.normal(size=500)
    slope, level = np.polyfit(before, outcome, 1)
    residual = np.sqrt(((outcome - level - slope * before) ** 2).sum() / 499)
    assert sample_size.find_residual_sd(outcome, before) == pytest.approx(residual)
    assert sample_size.find_residual_sd(outcome, 0 * before) == pytest.approx(outcome.std())
    assert sample_size.find_residual_sd(0 * outcome, before) == 0


@pytest.mark.parametrize(
    ("needed", "per_round", "rounds"),
    [(100, 100, 1), (101, 100, 2), (1200, 100, 12), (1201, 100, None), (10, 0, None),
     (math.inf, 100, None), (1, 100, 1)],
)  # fmt: skip
def test_rounds_are_pooled_for_a_year_at_most(needed, per_round, rounds):
    assert sample_size.count_rounds(needed, per_round, 12) == rounds
