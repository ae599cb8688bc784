"""Assumptions updated by campaigns and by earlier lists: the mean weighted by precision."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.strategy import known_effects
from cvm_analysis.strategy.catalogue import Action, Effect, Success
from cvm_analysis.strategy.conditions import read
from cvm_analysis.tables import empty

HALF = 1.2815515655446004  # standard deviations between the middle and the ends of 80 %


def action(code, on="purchase"):
    measure = "purchase" if on == "purchase" else "margin"
    return Action(
        code=code,
        when=read({"column": "n_orders", "at_least": 1}),
        owner="sales",
        channel=("phone",),
        cost=1.0,
        success=Success(measure=measure, within_days=60),
        effect=Effect(on=on, low=0.02 - 0.01 * HALF, likely=0.02, high=0.02 + 0.01 * HALF),
    )


def campaign(effect, sd, status="measured", code="mail"):
    row = {"campaign_id": "1", "segment": "all", "action": code, "status": status}
    row |= {"effect_of_base": effect, "effect_of_base_sd": sd, "n_treated": 800, "n_control": 200}
    return pd.DataFrame([row]).set_index(["campaign_id", "segment"])


NO_LISTS = empty("ledger_results").set_index(["as_of", "action"])


def test_without_measurements_the_assumption_stands():
    known = known_effects.update([action("mail")], campaign(0.5, 0.1, "open"), NO_LISTS)
    assert known["mail"] == (pytest.approx(0.02), pytest.approx(0.01), "assumed", 0, 0)


def test_a_measurement_as_precise_as_the_assumption_counts_as_much():
    known = known_effects.update([action("mail")], campaign(0.06, 0.01), NO_LISTS)
    assert known["mail"].mean == pytest.approx(0.04)
    assert known["mail"].sd == pytest.approx(0.01 / np.sqrt(2))
    assert known["mail"].evidence == "measured_with_control"
    assert (known["mail"].n_treated, known["mail"].n_control) == (800, 200)


def test_a_campaign_says_nothing_of_other_actions():
    known = known_effects.update([action("call")], campaign(0.06, 0.01), NO_LISTS)
    assert known["call"].mean == pytest.approx(0.02)


def test_the_table_and_the_json_hold_the_same_effects():
    catalogue = [action("mail"), action("call", "margin_at_stake")]
    known = known_effects.update(catalogue, campaign(0.06, 0.01), NO_LISTS)
    table = known_effects.to_table(catalogue, known)
    assert known_effects.from_table(table) == known
    assert known_effects.from_json(known_effects.to_json(known)) == known
    assert list(table["assumed"]) == pytest.approx([0.02, 0.02])
    assert table.loc["mail", "effect"] == pytest.approx(0.04)
    assert list(table["on"]) == ["purchase", "margin_at_stake"]


def test_criteria_are_those_of_the_catalogue():
    found = known_effects.criteria([action("mail"), action("call", "margin_at_stake")])
    assert found["mail"] == ("purchase", 60, "purchase")
    assert found["call"] == ("margin", 60, "margin_at_stake")
