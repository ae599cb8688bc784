"""Rules of clusters read as a sentence, in every language."""

import pandas as pd
import pytest

from cvm_analysis.report import groups
from cvm_analysis.report.manager import Manager
from cvm_analysis.texts import languages, words

RULE = (("days_since_last", "<=", 45.0), ("orders_per_year", ">", 6.0))


@pytest.mark.parametrize(
    ("conditions", "says"),
    [
        (RULE, "Days since last order up to 45 and purchase days per year above 6"),
        ((("orders_per_year", ">", 1.78),), "Purchase days per year above 1.8"),
        ((("spend_mean", "<=", 1470.0),), "Spend per order up to CN¥1,470"),
        ((("return_share", ">", 0.084),), "Share returned above 8.4%"),
        ((("late_share", "<=", 0.321),), "Share delivered late up to 32%"),
        ((("n_categories", ">", 3.0),), "Number of categories above 3"),
        ((), "All customers"),
    ],
)
def test_a_rule_in_english(conditions, says):
    assert groups.rule(conditions, words("en"), "CNY") == says


def test_a_rule_in_chinese():
    assert groups.rule(RULE, words("zh"), "CNY") == "距上次下单天数不超过45，且年均购买天数高于6"


@pytest.mark.parametrize("language", languages())
def test_the_panel_shows_rule_size_and_money(language):
    manager = Manager(language, "CNY")
    index = pd.Index(["c1"], name="cluster")
    described = pd.DataFrame({"n_customers": [1234], "revenue": [5e6]}, index=index)
    rules = pd.DataFrame({"conditions": [RULE], "precision": [0.87]}, index=index)
    html = manager.clusters(described, rules).html
    assert groups.rule(RULE, manager.say, "CNY") in html
    assert "1,234" in html and "5,000,000" in html and "87%" in html
    assert manager.say("columns.value_12m") not in html
    worth = manager.clusters(described.assign(value_12m=99.0), rules).html
    assert manager.say("columns.value_12m") in worth


def test_a_cut_is_a_caution_and_a_structure_a_note():
    manager = Manager("en", "CNY")
    cut, real = manager.structure(0.27, 0.29).html, manager.structure(0.6, 0.29).html
    assert "convenient cut" in cut and "0.27" in cut and "0.29" in cut and "Caution" in cut
    assert "more than a cut of one cloud: their silhouette is 0.60" in real and "Note" in real


def test_measures_of_no_use_are_named():
    manager = Manager("en", "CNY")
    both = ["spend_mean", "return_share"]
    assert "formed by spend per order, share returned." in manager.formed_by(both, both).html
    assert "left out: share returned." in manager.formed_by(both, both[:1]).html
