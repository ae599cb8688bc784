"""Actions added up by class; sums by hand, intervals from the normal distribution."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from cvm_analysis.strategy import effects, segment_strategies
from cvm_analysis.strategy.effects import Effect

EFFECTS = {
    "call": Effect(0.10, 0.02, "assumed"),
    "mail": Effect(0.01, 0.005, "assumed"),
}
DRAWS = effects.draw(EFFECTS, 0.5, 20_000, 1)
CLASSES = {
    "segment": pd.Series({"a": "loyal", "b": "loyal", "c": "lost", "d": "lost", "e": "new"}),
}


def actions(**change):
    """Two calls and a mail; `a` gets both, and only the larger gain counts; `d` is a control."""
    rows = [
        ("a", "call", 1000.0, 20.0, True, True, ""),
        ("a", "mail", 1000.0, 1.0, True, False, ""),
        ("b", "call", 500.0, 20.0, True, True, "treated"),
        ("c", "mail", 100.0, 1.0, False, True, ""),
        ("d", "mail", 100.0, 1.0, True, True, "control"),
    ]
    columns = ["customer_id", "action", "base", "cost", "in_plan", "counts_gain", "arm"]
    table = pd.DataFrame(rows, columns=columns)
    gain = table["base"] * table["action"].map({k: e.mean for k, e in EFFECTS.items()})
    due = pd.Timestamp("2026-01-08")
    table = table.assign(
        expected_gain=gain, owner="sales", kind="marketing", due_on=due, evidence="assumed"
    )
    return table.assign(**change).set_index(["customer_id", "action"])


def test_what_is_not_planned_or_a_control_neither_costs_nor_gains():
    total = segment_strategies.add_up(actions(), DRAWS)
    assert total.n_contacts == 3
    assert total.cost == 41.0
    assert total.gain == pytest.approx(150.0)  # 1,000 and 500 x .10; the mail of `a` is not added
    assert total.net_gain == pytest.approx(109.0)


def test_the_range_is_that_of_the_effect_however_many_customers():
    total = segment_strategies.add_up(actions(), DRAWS)
    sd = 1500 * 0.02
    assert total.net_gain_low == pytest.approx(109 - norm.ppf(0.9) * sd, abs=1.0)
    assert total.net_gain_high == pytest.approx(109 + norm.ppf(0.9) * sd, abs=1.0)
    assert total.p_gain == pytest.approx(norm.cdf(109 / sd), abs=0.005)


def test_classes_list_their_actions_best_first_and_say_where_there_is_none():
    found = segment_strategies.summarize(actions(), CLASSES, DRAWS, least=1)
    loyal = found.loc["segment", "loyal"]
    assert list(loyal["action"]) == [segment_strategies.TOGETHER, "call", "mail"]
    assert list(loyal["net_gain"]) == pytest.approx([109.0, 110.0, -1.0])
    assert found.loc[("segment", "new", 1), "action"] == segment_strategies.NO_ACTION
    assert found.loc[("segment", "lost", 1), "n_contacts"] == 0
    assert found.loc[("segment", "lost", 1), "n_members"] == 2


def test_small_classes_are_left_out():
    found = segment_strategies.summarize(actions(), CLASSES, DRAWS, least=2)
    assert set(found.index.get_level_values("class")) == {"loyal", "lost"}
    nobody = segment_strategies.summarize(actions(), CLASSES, DRAWS, least=9)
    assert nobody.empty and list(nobody.columns) == list(found.columns)


def test_the_actions_of_classes_add_up_to_those_of_all():
    found = segment_strategies.summarize(actions(), CLASSES, DRAWS, least=1)
    found = found[found.index.get_level_values("rank") > 0]
    by_action = segment_strategies.add_up_by_action(actions(), DRAWS)
    total = segment_strategies.add_up(actions(), DRAWS)
    for column in ("n_contacts", "cost", "net_gain"):
        assert found[column].sum() == pytest.approx(getattr(total, column))
        assert by_action[column].sum() == pytest.approx(getattr(total, column))
    assert list(by_action.index) == ["call", "mail"]


def test_without_actions_the_total_is_nothing():
    total = segment_strategies.add_up(actions().iloc[:0], DRAWS)
    assert total == (0, 0, 0, 0, 0, 0, 0)
    assert len(segment_strategies.add_up_by_action(actions(in_plan=False), DRAWS)) == 0


def test_grades_are_named_with_their_type():
    columns = {scheme: "x" for scheme in segment_strategies.SCHEMES[:-1]}
    table = pd.DataFrame({"customer_type": ["dealer"], "grade": ["A"], **columns}, index=["a"])
    assert list(segment_strategies.list_classes(table)["grade"]) == ["dealer.A"]
    assert list(segment_strategies.list_classes(table)["all"]) == ["all"]
    assert np.array_equal(segment_strategies.list_classes(table)["loyalty"], ["x"])
