"""Corrected shares against the algebra of errors, a hand-computed case, and simulations."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.experience import tone_shares
from cvm_analysis.experience.tone import HeldOut, Tone


def held_out(n_negative, n_positive, sensitivity, specificity, rng=None):
    """A test of independent texts: the shares are exact, or drawn."""
    negative = np.arange(n_negative + n_positive) < n_negative
    chance = np.where(negative, sensitivity, 1 - specificity)
    if rng is None:
        within = np.where(negative, np.arange(len(negative)), np.arange(len(negative)) - n_negative)
        flagged = within < np.rint(chance * np.where(negative, n_negative, n_positive))
    else:
        flagged = rng.random(len(negative)) < chance
    clusters = pd.Series(range(len(negative)))
    return HeldOut(0.9, 0.8, 1, 9, 9, pd.Series(negative), pd.Series(flagged), clusters)


class Marked:
    """A model that calls negative what contains an x."""

    def predict_proba(self, texts):
        bad = texts.str.contains("x").to_numpy(float)
        return np.column_stack([1 - bad, bad])


def test_the_correction_undoes_the_errors():
    """30% negative, of which 80% are found, and a tenth of the others: 0.31 are flagged."""
    flagged = pd.Series(np.arange(1000) < 310)
    found = tone_shares.correct(flagged, 1.0, held_out(500, 500, 0.8, 0.9))
    assert found.share == pytest.approx(0.3)
    assert found.low < 0.3 < found.high


def test_limits_computed_by_hand():
    """31 of 100 flagged; 40 of 50 and 45 of 50 read right: adjusted share 0.2996, shift -0.0032."""
    found = tone_shares.correct(pd.Series(np.arange(100) < 31), 1.0, held_out(50, 50, 0.8, 0.9))
    assert found.share == pytest.approx(0.3)
    assert (found.low, found.high) == pytest.approx((0.1282, 0.4646), abs=6e-5)


def test_fewer_flags_than_false_alarms_are_none_at_all():
    found = tone_shares.correct(pd.Series(np.arange(100) < 5), 1.0, held_out(200, 200, 0.8, 0.9))
    assert found.share == 0 and found.low == 0 and 0 < found.high < 0.1


def test_with_a_perfect_reader_and_endless_tests_it_is_the_interval_of_agresti_and_coull():
    found = tone_shares.correct(pd.Series(np.arange(60) < 12), 1.0, held_out(10**6, 10**6, 1, 1))
    z = 1.959964
    p = (12 + z**2 / 2) / (60 + z**2)
    reach = z * np.sqrt(p * (1 - p) / (60 + z**2))
    assert found == pytest.approx((0.2, p - reach, p + reach), abs=1e-4)


@pytest.mark.parametrize("truth", [0.03, 0.2, 0.6])
def test_the_interval_holds_the_truth_19_times_in_20(truth):
    rng, hits, plain = np.random.default_rng(1), 0, 0
    for _ in range(500):
        negative = rng.random(150) < truth
        flagged = pd.Series(rng.random(150) < np.where(negative, 0.85, 0.12))
        found = tone_shares.correct(flagged, 1.0, held_out(80, 90, 0.85, 0.88, rng))
        hits += found.low <= truth <= found.high
        plain += abs(flagged.mean() - truth) <= 1.96 * flagged.std() / np.sqrt(150)
    assert 0.925 <= hits / 500 <= 0.995
    assert plain < hits


def test_customers_who_write_often_widen_the_interval():
    """Four equal texts of each of 50 customers tell as much as 50 texts."""
    once = pd.Series(np.arange(50) < 20)
    four = once.loc[once.index.repeat(4)].reset_index(drop=True)
    clusters = pd.Series(np.repeat(np.arange(50), 4))
    assert tone_shares.design_effect(four, clusters) == pytest.approx(4)
    assert tone_shares.design_effect(once, pd.Series(range(50))) == pytest.approx(1)
    assert tone_shares.design_effect(four | True, clusters) == 4


def test_months_stand_in_order_and_those_with_few_texts_are_not_shown():
    letters = [chr(0x4E00 + 97 * i) * 9 for i in range(34)]
    days = ["2025-02-03"] * 20 + ["2025-01-31"] * 10 + ["2025-03-01"] * 4
    texts = pd.DataFrame({"customer_id": None, "at": days, "text": letters})
    texts.loc[:4, "text"] += "x"
    found = tone_shares.monthly(texts, Tone(Marked(), held_out(100, 100, 0.9, 0.95)))
    assert list(found["month"]) == [pd.Timestamp("2025-01-01"), pd.Timestamp("2025-02-01")]
    assert list(found["n_texts"]) == [10, 20]
    assert list(found["share_flagged"]) == [0, 0.25]
    assert list(found["share_negative"]) == pytest.approx([0, 0.2 / 0.85])
    assert (found["share_low"] <= found["share_negative"]).all()
