"""Differences between arms: by hand, by regression, by a slow bootstrap, as Newcombe printed."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cvm_analysis.strategy import arm_difference


def draw(n=400, seed=1, effect=0.0, sigma=1.0, control_share=0.3):
    """One customer per row; with sigma 0.7 the margin before explains half of the one after."""
    rng = np.random.default_rng(seed)
    before = rng.normal(50, 10, n)
    treated = rng.random(n) >= control_share
    outcome = before + 10 * rng.lognormal(0, sigma, n) + np.where(treated, effect, 0.0)
    columns = {"treated": treated, "outcome": outcome, "before": before, "cluster": np.arange(n)}
    return pd.DataFrame(columns)


def shares(treated, n_treated, control, n_control):
    """Customers of whom `treated` and `control` bought."""
    return pd.DataFrame(
        {
            "treated": [True] * n_treated + [False] * n_control,
            "outcome": [1.0] * treated + [0.0] * (n_treated - treated) + [1.0] * control
            + [0.0] * (n_control - control),
            "before": 0.0,
            "cluster": np.arange(n_treated + n_control),
        }
    )  # fmt: skip


def estimate(rows, measure="margin", n_resamples=299, seed=1):
    return arm_difference.estimate(rows, measure, n_resamples, seed)


def test_without_a_figure_from_before_it_is_the_difference_of_two_means():
    rows = draw().assign(before=7.0)
    found = estimate(rows)
    y, x = rows.loc[rows["treated"], "outcome"], rows.loc[~rows["treated"], "outcome"]
    assert found.mean_treated == pytest.approx(y.mean())
    assert found.mean_control == pytest.approx(x.mean())
    assert found.effect == pytest.approx(y.mean() - x.mean())
    assert found.se == pytest.approx(np.sqrt(y.var() / len(y) + x.var() / len(x)))  # Welch


def test_cuped_is_the_coefficient_of_the_arm_in_a_regression_on_arm_and_before():
    rows = draw(sigma=0.7)
    design = np.column_stack([np.ones(len(rows)), rows["treated"], rows["before"]])
    coefficient = np.linalg.lstsq(design.astype(float), rows["outcome"], rcond=None)[0][1]
    found = estimate(rows)
    assert found.effect == pytest.approx(coefficient)
    assert found.se < 0.85 * estimate(rows.assign(before=0.0)).se


def test_customers_of_an_account_who_do_the_same_count_once():
    rows = draw(60)
    again = pd.concat([rows] * 4)
    assert estimate(again)[:6] == pytest.approx(estimate(rows)[:6])
    apart = estimate(again.assign(cluster=np.arange(len(again))))
    assert apart.se == pytest.approx(estimate(rows).se / 2, rel=0.02)


@pytest.mark.parametrize("by_account", [True, False])
def test_clustered_errors_are_those_of_a_slow_bootstrap_of_accounts(by_account):
    """Whether accounts were assigned as a whole, or customers within them."""
    rng = np.random.default_rng(5)
    account = np.repeat(np.arange(120), rng.integers(1, 6, 120))
    common, arm = rng.normal(0, 3, 120), rng.random(120) < 0.5
    n = len(account)
    rows = pd.DataFrame(
        {
            "treated": arm[account] if by_account else rng.random(n) < 0.5,
            "outcome": 5 * common[account] + rng.exponential(3, n),
            "before": rng.normal(size=n) + common[account],
            "cluster": account,
        }
    )
    accounts = [np.flatnonzero(account == each) for each in range(120)]
    design = np.column_stack([np.ones(n), rows["treated"], rows["before"]]).astype(float)
    outcome, drawn = rows["outcome"].to_numpy(), []
    for _resample in range(1000):
        chosen = np.concatenate([accounts[i] for i in rng.integers(0, 120, 120)])
        drawn.append(np.linalg.lstsq(design[chosen], outcome[chosen], rcond=None)[0][1])
    assert estimate(rows).se == pytest.approx(np.std(drawn), rel=0.08)


def test_the_interval_of_margins_is_symmetric_and_wider_than_a_normal_one():
    found = estimate(draw(60, sigma=1.5), n_resamples=1999)
    assert found.high - found.effect == pytest.approx(found.effect - found.low)
    assert found.high - found.low > 2 * 1.96 * found.se
    many = estimate(draw(4000, sigma=0.2), n_resamples=1999)
    assert (many.high - many.low) / many.se == pytest.approx(2 * 1.96, rel=0.06)


def test_the_interval_excludes_zero_when_p_is_below_five_percent():
    for seed in range(20):
        found = estimate(draw(80, seed, effect=4.0))
        if abs(found.p_value - 0.05) > 0.01:
            assert (found.low > 0 or found.high < 0) == (found.p_value < 0.05)


@pytest.mark.parametrize("measure", ["margin", "purchase"])
def test_without_an_effect_p_values_are_uniform(measure):
    p = []
    for seed in range(300):
        rows = draw(120, seed, sigma=0.7)
        if measure == "purchase":
            rows = rows.assign(outcome=(rows["outcome"] > 60).astype(float))
        p.append(estimate(rows, measure, 199, seed).p_value)
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.035)
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_swapped_arms_turn_the_sign():
    rows = draw(effect=3.0)
    here, there = estimate(rows), estimate(rows.assign(treated=~rows["treated"]))
    assert there.effect == pytest.approx(-here.effect)
    assert there.se == pytest.approx(here.se)


def test_draws_are_seeded_and_made_in_parts(monkeypatch):
    once = estimate(draw(), seed=3)
    assert estimate(draw(), seed=3) == once
    assert estimate(draw(), seed=4) != once
    monkeypatch.setattr(arm_difference, "_CHUNK", 1)
    assert estimate(draw(), seed=3).low == pytest.approx(once.low, rel=0.1)


def test_too_few_customers_or_margins_without_a_difference_have_no_effect():
    rows = draw(40)
    few = pd.concat([rows[rows["treated"]], rows[~rows["treated"]].head(9)])
    assert estimate(few) is None
    assert estimate(rows[rows["treated"]]) is None
    assert estimate(rows.assign(outcome=0.0)) is None
    assert estimate(rows.assign(cluster=np.where(rows["treated"], rows["cluster"], -1))) is None


# Newcombe (1998), Table II, method 10: hybrid score interval without continuity correction.
@pytest.mark.parametrize(
    ("counts", "printed"),
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((6, 7, 2, 7), (0.0582, 0.8062)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((0, 10, 0, 10), (-0.2775, 0.2775)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
        ((10, 10, 0, 10), (0.6075, 1.0)),
    ],
)
def test_few_purchases_have_newcombes_interval(counts, printed):
    found = arm_difference.newcombe_interval(
        counts[0] / counts[1], counts[1], counts[2] / counts[3], counts[3]
    )
    assert found == pytest.approx(printed, abs=6e-5)


def test_purchases_are_compared_by_the_normal_approximation_from_ten_of_each_kind():
    enough = estimate(shares(30, 100, 10, 80), "purchase")
    error = np.sqrt(0.3 * 0.7 / 99 + 0.125 * 0.875 / 79)
    assert enough.effect == pytest.approx(0.175) and enough.se == pytest.approx(error)
    assert enough.low == pytest.approx(0.175 - 1.959964 * error)
    few = estimate(shares(30, 100, 9, 80), "purchase")
    assert (few.low, few.high) == pytest.approx(
        arm_difference.newcombe_interval(0.3, 100, 9 / 80, 80)
    )
    nobody = estimate(shares(0, 100, 0, 80), "purchase")
    assert nobody.effect == 0 and nobody.p_value == 1 and nobody.low < 0 < nobody.high


def test_few_purchases_in_accounts_count_by_their_design_effect():
    few = shares(16, 100, 4, 80)
    doubled = estimate(pd.concat([few, few]), "purchase")  # accounts of two who do the same
    alone = estimate(few, "purchase")
    assert (doubled.low, doubled.high) == pytest.approx((alone.low, alone.high), rel=0.02)


@pytest.mark.parametrize(("measure", "n"), [("margin", 400), ("purchase", 400), ("purchase", 40)])
def test_effect_and_error_alone_are_those_of_the_estimate(measure, n):
    rows = draw(n, effect=0.3)
    if measure == "purchase":
        rows["outcome"] = (rows["outcome"] > rows["outcome"].median()).astype(float)
    full = estimate(rows, measure)
    assert arm_difference.find_effect(rows, measure) == pytest.approx((full.effect, full.se))
    assert arm_difference.find_effect(rows[rows["treated"]], measure) is None
    assert arm_difference.find_effect(rows.assign(outcome=5.0), "margin") is None
