"""The budget curve marks what today's budget brings."""

import pandas as pd
import pytest

from cvm_analysis import charts

CURVE = pd.DataFrame({"budget": [0.0, 500.0, 800.0, 1_000.0], "net_gain": [0.0, 4e3, 4.9e3, 5e3]})


@pytest.mark.parametrize(
    ("budget", "said"),
    [(800.0, "€800 brings €4,900"), (None, "€1,000 brings €5,000"), (9e9, "€1,000 brings €5,000")],
)
def test_it_says_what_the_budget_brings(budget, said):
    picture = charts.budget_curve(CURVE, "EUR", budget)
    assert said in picture.alt
    (ax,) = picture.figure.axes
    assert ax.texts[0].get_text() == said


def test_from_which_budget_on_more_money_adds_nothing():
    flat = CURVE.assign(net_gain=[0.0, 5e3, 5e3, 5e3])
    assert "from €500 on, more money adds nothing" in charts.budget_curve(flat, "EUR").alt


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_same_table_gives_the_same_bytes(language):
    one, other = (charts.budget_curve(CURVE, "CNY", 800.0, language).svg() for _ in range(2))
    assert one == other and "{" not in one.partition("<style")[0]


def test_a_curve_of_one_point_is_not_drawn():
    assert "not enough data" in charts.budget_curve(CURVE.head(1), "EUR").alt
