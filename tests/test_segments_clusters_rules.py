"""A rule has the accuracy it states, and is the shortest that suffices."""

import numpy as np
import pandas as pd
import pytest
from three_kinds import customers

from cvm_analysis.segments.clusters import measures, rules
from cvm_analysis.segments.clusters.rules import Condition


@pytest.fixture(scope="module")
def people():
    return customers()


@pytest.fixture(scope="module")
def measured(people):
    return measures.build(people)


@pytest.fixture(scope="module")
def labels(people):
    return people["kind"].map({"big": "c1", "regular": "c2", "gone": "c3"}).rename("cluster")


def two(inside):
    return pd.Series(np.where(inside, "c1", "c2"))


def test_the_rule_says_what_its_accuracy_claims(measured, labels):
    table = rules.rules(measured, labels)
    for code, rule in table.iterrows():
        said, inside = rules.holds(rule["conditions"], measured), labels == code
        assert (said == inside).mean() == rule["accuracy"]
        assert inside[said].mean() == rule["precision"]
        assert said[inside].mean() == rule["coverage"]
        assert 1 <= len(rule["conditions"]) <= 3
    assert table["accuracy"].min() > 0.98


def test_a_rule_is_the_shortest_that_will_do():
    measured = pd.DataFrame(
        {"days_since_last": range(100), "net_sales_per_order": 1.0}, dtype=float
    )
    table = rules.rules(measured, two(measured["days_since_last"] <= 45))
    assert table.loc["c1", "conditions"] == (Condition("days_since_last", "<=", 45),)
    assert table.loc["c2", "conditions"] == (Condition("days_since_last", ">", 45),)
    assert (table["accuracy"] == 1).all()


def test_a_cluster_of_one_channel_is_described_by_it():
    channel = np.resize(["web", "store", "dealer"], 90).astype(object)
    measured = pd.DataFrame({"channel": channel, "net_sales_per_order": np.arange(90.0)})
    table = rules.rules(measured, two(measured["channel"] == "web"))
    assert table.loc["c1", "conditions"] == (Condition("channel", "==", "web"),)
    assert table.loc["c2", "conditions"] == (Condition("channel", "!=", "web"),)
    assert (table["accuracy"] == 1).all()


def test_an_unknown_level_is_none_of_the_others():
    measured = pd.DataFrame({"channel": ["web", "store", None] * 20}, dtype=object)
    labels = two(measured["channel"] == "web")
    table = rules.rules(measured, labels)
    assert table.loc["c2", "conditions"] == (Condition("channel", "!=", "web"),)
    assert (table["accuracy"] == 1).all()


def test_a_level_and_a_limit_together():
    measured = pd.DataFrame(
        {"channel": ["store", "web"] * 100, "net_sales_per_order": np.arange(200.0)}
    )
    inside = (measured["channel"] == "web") & (measured["net_sales_per_order"] > 60)
    rule = rules.rules(measured, two(inside)).loc["c1"]
    limit = next(c for c in rule["conditions"] if c.column == "net_sales_per_order")
    assert set(rule["conditions"]) == {Condition("channel", "==", "web"), limit}
    assert limit.comparison == ">" and 59 <= limit.value < 61 and rule["accuracy"] == 1


def test_which_level_it_is_is_said_without_those_it_is_not():
    """The tree first parts off store, then, of the rest, web."""
    channel = pd.Series(["store"] * 60 + ["web"] * 20 + ["dealer"] * 20, dtype=object)
    labels = two([False] * 60 + [True] * 26 + [False] * 14)
    measured = pd.DataFrame({"channel": channel})
    conditions = rules.rules(measured, labels).loc["c1", "conditions"]
    assert conditions == (Condition("channel", "==", "web"),)


def test_a_share_has_a_threshold_like_any_number():
    care = np.linspace(0, 1, 101)
    measured = pd.DataFrame({"category:care": care, "category:tools": 1 - care})
    (only,) = rules.rules(measured, two(care > 0.4)).loc["c1", "conditions"]
    assert only in (
        Condition("category:care", ">", 0.405),
        Condition("category:tools", "<=", 0.595),
    )


def test_a_condition_for_one_customer_in_a_hundred_is_not_worth_it():
    measured = pd.DataFrame({"days_since_last": np.arange(200.0), "net_sales_per_order": 1.0})
    measured.loc[[20, 40], "net_sales_per_order"] = 99.0
    labels = two(measured["days_since_last"] < 100)
    labels[[20, 40]] = "c2"
    rule = rules.rules(measured, labels).loc["c1"]
    assert rule["conditions"] == (Condition("days_since_last", "<=", 99),)
    assert rule["accuracy"] == 0.99


def test_of_two_thresholds_on_one_side_the_narrower_is_given():
    """The tree first parts off who is above 20, then, of the rest, who is above 10."""
    values = np.concatenate(
        [np.linspace(0, 10, 100), np.linspace(10.1, 20, 100), 21 + np.arange(1e3)]
    )
    inside = [True] * 100 + [i % 10 < 3 for i in range(100)] + [False] * 1000
    measured = pd.DataFrame({"net_sales_per_order": values})
    (only,) = rules.rules(measured, two(inside)).loc["c1", "conditions"]
    assert only.comparison == "<=" and 10 <= only.value < 10.5


def test_a_rule_with_two_thresholds_on_one_measure():
    measured = pd.DataFrame({"net_sales_per_order": np.linspace(10, 20, 201)})
    rule = rules.rules(measured, two(measured["net_sales_per_order"].between(13, 16))).loc["c1"]
    assert {c.comparison for c in rule["conditions"]} == {"<=", ">"}
    assert rule["accuracy"] > 0.98


def test_everyone_in_one_cluster_needs_no_rule(measured):
    rule = rules.rules(measured, pd.Series("c1", measured.index)).loc["c1"]
    assert rule["conditions"] == () and rule["accuracy"] == 1


def test_gaps_count_as_the_median_and_infinities_are_not_used():
    measured = pd.DataFrame({"net_sales_per_order": [*range(50), *[np.nan] * 10], "odd": np.inf})
    labels = two([True] * 20 + [False] * 40)
    conditions = rules.rules(measured, labels).loc["c1", "conditions"]
    assert conditions == (Condition("net_sales_per_order", "<=", 19.5),)


def test_rules_come_in_the_order_of_their_numbers():
    measured = pd.DataFrame({"net_sales_per_order": np.arange(60.0)})
    labels = pd.Series([f"c{1 + i // 5}" for i in range(60)])
    assert list(rules.rules(measured, labels).index) == [f"c{i}" for i in range(1, 13)]
