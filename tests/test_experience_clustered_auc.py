"""The clustered AUC against counting pairs, DeLong's formula written out, and a simulation."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.experience import clustered_auc


def by_pairs(score, is_case):
    cases, controls = score[is_case].to_numpy(), score[~is_case].to_numpy()
    return (cases[:, None] > controls) + 0.5 * (cases[:, None] == controls)


@pytest.fixture
def rows():
    rng = np.random.default_rng(1)
    is_case = pd.Series(rng.random(80) < 0.4)
    return pd.Series(np.rint(rng.normal(is_case * 2.0, 2))), is_case


def test_area_is_the_share_of_pairs_in_order_and_the_error_without_clusters_is_delongs(rows):
    wins = by_pairs(*rows)
    found = clustered_auc.estimate(*rows, clusters=pd.Series(range(80)))
    assert found.auc == pytest.approx(wins.mean())
    expected = wins.mean(1).var(ddof=1) / len(wins) + wins.mean(0).var(ddof=1) / wins.shape[1]
    assert found.std_error == pytest.approx(np.sqrt(expected), rel=0.02)  # factors n / (n - 1)
    assert found.auc - found.low == pytest.approx(1.959964 * found.std_error)


def test_rows_that_are_written_four_times_tell_no_more(rows):
    once = clustered_auc.estimate(*rows, clusters=pd.Series(range(80)))
    score, is_case = (pd.concat([each] * 4, ignore_index=True) for each in rows)
    four = clustered_auc.estimate(score, is_case, pd.Series(np.tile(np.arange(80), 4)))
    assert four.std_error == pytest.approx(once.std_error)
    naive = clustered_auc.estimate(score, is_case, pd.Series(range(320)))
    assert naive.std_error < 0.55 * once.std_error


def test_the_interval_holds_the_truth_where_customers_write_several_texts():
    """AUC of normal scores: Phi(shift / sqrt(2 variance)); 3 texts share half of the variance."""
    rng, truth = np.random.default_rng(2), 0.8413
    hits = 0
    for _ in range(300):
        customer = np.repeat(np.arange(60), 3)
        is_case = pd.Series(rng.random(180) < 0.5)
        noise = rng.normal(size=60)[customer] + rng.normal(size=180)
        score = pd.Series(noise + is_case * 2.0)
        found = clustered_auc.estimate(score, is_case, pd.Series(customer))
        hits += found.low <= truth <= found.high
    assert 0.91 <= hits / 300 <= 0.985


def test_the_error_counts_that_a_customer_writes_cases_and_controls():
    """Texts of one customer, cases and controls, move together: their difference is steadier."""
    rng, found = np.random.default_rng(3), []
    for _ in range(300):
        customer = np.repeat(np.arange(50), 6)
        is_case = pd.Series(np.tile([True, False], 150))
        noise = 2 * rng.normal(size=50)[customer] + rng.normal(size=300)
        score = pd.Series(noise + is_case * 2.0)
        found.append(clustered_auc.estimate(score, is_case, pd.Series(customer)))
    spread = np.std([each.auc for each in found])
    assert np.mean([each.std_error for each in found]) == pytest.approx(spread, rel=0.12)
