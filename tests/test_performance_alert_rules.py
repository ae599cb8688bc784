"""Rules of alerts name a figure that exists and one limit."""

import pytest

from cvm_analysis.performance.alert_rules import HIGH_IS_GOOD, Alerts, Rule, find_problems
from cvm_analysis.performance.figures import FIGURES


def test_every_figure_of_the_year_may_have_a_rule():
    assert set(HIGH_IS_GOOD) == set(FIGURES)


def test_without_a_block_five_figures_are_watched_for_getting_worse_beyond_chance():
    assert [(rule.figure, rule.beyond_chance) for rule in Alerts().rules] == [
        ("net_sales", True),
        ("margin", True),
        ("kept_share", True),
        ("late_share", True),
        ("complaints_per_100", True),
    ]
    assert list(find_problems(Alerts())) == []


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (
            [{"figure": "late_shares", "above": 0.1}],
            (("rules", "0", "figure"), "no figure 'late_shares'; did you mean 'late_share'?"),
        ),
        (
            [{"figure": "nps"}],
            (
                ("rules", "0"),
                "the rule of nps has no limit; give one of below, above, falls_by, rises_by, "
                "beyond_chance: true",
            ),
        ),
        (
            [{"figure": "nps", "below": 0.0, "beyond_chance": True}],
            (("rules", "0"), "the rule of nps has below and beyond_chance; keep one"),
        ),
        (
            [{"figure": "nps", "below": 0.0}, {"figure": "nps", "below": 10.0}],
            (("rules", "1"), "a rule of nps with below stands above; keep one"),
        ),
    ],
)
def test_a_rule_that_cannot_be_used_is_said_with_its_place(rules, problem):
    assert list(find_problems(Alerts(rules=tuple(Rule(**each) for each in rules)))) == [problem]


def test_a_limit_of_nothing_is_a_limit():
    assert list(find_problems(Alerts(rules=(Rule("nps", below=0.0),)))) == []
