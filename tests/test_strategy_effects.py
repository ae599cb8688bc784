"""Effects by hand: an assumption, its update by measurements, and draws with a common part."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.strategy import effects
from cvm_analysis.strategy.effects import Effect

ASSUMED = Effect(0.08, 0.04, "assumed")


def test_low_to_high_hold_eighty_percent_of_an_assumption():
    found = effects.from_assumption(0.02, 0.08, 0.15, "assumed")
    assert found == (0.08, pytest.approx(0.13 / 2.56310, rel=1e-5), "assumed", 0, 0)
    call = effects.from_assumption(-0.1, 0.0, 0.1, "assumed")
    drawn = effects.draw({"call": call}, 0.5, 40_000, 1)["call"]
    assert drawn.between(-0.1, 0.1).mean() == pytest.approx(0.8, abs=0.01)


def test_an_assumption_always_has_a_spread_and_rises():
    assert effects.from_assumption(0, 0, 0, "assumed").sd == effects.LEAST_SD
    with pytest.raises(ValueError, match="must rise"):
        effects.from_assumption(0.1, 0.05, 0.2, "assumed")


def test_precisions_add_up_and_weigh_the_mean():
    # Precisions 625 and 2,500: mean (625 x 0.08 + 2,500 x 0.02) / 3,125, sd 3,125 ** -0.5.
    measured = Effect(0.02, 0.02, "measured_with_control", 300, 100)
    found = effects.combine(ASSUMED, [measured])
    assert found.mean == pytest.approx(0.032)
    assert found.sd == pytest.approx(0.0178885, abs=1e-7)
    assert found[2:] == ("measured_with_control", 300, 100)


def test_all_at_once_is_the_same_as_one_after_the_other():
    first = Effect(0.02, 0.03, "measured_with_control", 300, 100)
    second = Effect(0.11, 0.05, "measured_without", 80)
    at_once = effects.combine(ASSUMED, [first, second])
    in_turn = effects.combine(effects.combine(ASSUMED, [second]), [first])
    assert at_once[:2] == pytest.approx(in_turn[:2])
    assert at_once[3:] == in_turn[3:] == (380, 100)


@pytest.mark.parametrize(
    ("sds", "evidence"),
    [
        ((0.05, np.nan), "assumed"),  # 400 of 1,025: less than half
        ((0.039, np.nan), "measured_with_control"),
        ((np.nan, 0.039), "measured_without"),
        ((0.05, 0.045), "measured_without"),  # together half; more of it without control
        ((0.05, 0.055), "measured_with_control"),
    ],
)
def test_evidence_is_measured_once_measurements_have_half_of_the_weight(sds, evidence):
    kinds = ("measured_with_control", "measured_without")
    measured = [Effect(0.05, sd, kind, 10) for sd, kind in zip(sds, kinds, strict=True)]
    assert effects.combine(ASSUMED, measured).evidence == evidence


def test_what_has_not_been_measured_changes_nothing():
    nothing = [Effect(np.nan, np.nan, "measured_with_control", 50, 50), Effect(0.1, 0.0, "x")]
    assert effects.combine(ASSUMED, nothing) == ASSUMED
    assert effects.combine(ASSUMED, []) == ASSUMED
    with pytest.raises(ValueError, match="standard deviation above 0"):
        effects.combine(ASSUMED._replace(sd=0.0), nothing)


def test_only_assumptions_share_an_error():
    found = effects.draw(
        {
            "a": ASSUMED,
            "b": Effect(0.2, 0.1, "elsewhere"),
            "c": Effect(0.2, 0.1, "measured_with_control"),
        },
        common_share=0.5,
        n_draws=40_000,
        seed=3,
    )
    correlation = found.corr().to_numpy()[np.triu_indices(3, 1)]
    assert correlation == pytest.approx([0.5, 0, 0], abs=0.02)
    assert found.mean().tolist() == pytest.approx([0.08, 0.2, 0.2], abs=0.002)
    assert found.std().tolist() == pytest.approx([0.04, 0.1, 0.1], rel=0.02)


def test_draws_are_seeded_and_independent_of_other_actions():
    alone = effects.draw({"a": ASSUMED}, 0.5, 100, 3)
    beside = effects.draw({"b": ASSUMED, "a": ASSUMED}, 0.5, 100, 3)
    pd.testing.assert_series_equal(alone["a"], beside["a"])
    assert not np.allclose(beside["a"], beside["b"])
    assert not np.allclose(alone["a"], effects.draw({"a": ASSUMED}, 0.5, 100, 4)["a"])


def test_net_gain_is_base_times_effect_less_cost():
    draws = pd.DataFrame({"a": [0.1, 0.2, -0.1], "b": [0.0, 0.5, 0.1], "unused": 9.0})
    base = pd.DataFrame({"a": [1000.0, 0.0], "b": [100.0, 10.0]}, index=["all", "part"])
    found = effects.draw_net_gain(base, pd.Series({"all": 60.0, "part": 1.0}), draws)
    assert found == pytest.approx(np.array([[40, 190, -150], [-1, 4, 0]]))
    total = effects.summarise(found)
    # Quantiles 0.1 and 0.9 of three values, interpolated: -150 + 0.2 x 190 and 190 - 0.2 x 150.
    assert [each[0] for each in total] == pytest.approx([80 / 3, -112, 160, 2 / 3])


def test_a_larger_number_of_customers_does_not_make_a_gain_surer():
    draws = effects.draw({"a": ASSUMED}, 0.5, 4000, 1)
    base = pd.DataFrame({"a": [1e3, 1e6]})
    total = effects.summarise(effects.draw_net_gain(base, pd.Series([0.0, 0.0]), draws))
    few, many = (total.high - total.low) / total.mean
    assert many == pytest.approx(few)
    assert total.p_positive[0] == total.p_positive[1] < 1
