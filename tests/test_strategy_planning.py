"""Limits of a region and of the company, and the plan entered into the table of actions."""

import pandas as pd

from cvm_analysis.strategy import planning
from cvm_analysis.strategy.budget import Reduction
from cvm_analysis.strategy.catalogue import Owner

OWNERS = {
    "sales": Owner(capacity={"default": 10.0, "east": 30.0}),
    "fair": Owner(capacity={"east": 5.0}),
}
BUDGET = {"default": 100.0, "east": 300.0}
REGIONS = ["east", "west"]


def test_a_region_has_its_own_limit_or_the_default():
    assert planning.find_limits(BUDGET, OWNERS, "east", REGIONS) == (
        300.0,
        {"sales": 30, "fair": 5},
    )
    assert planning.find_limits(BUDGET, OWNERS, "west", REGIONS) == (100.0, {"sales": 10})


def test_the_company_has_the_sum_and_none_where_a_region_has_none():
    whole = planning.find_limits(BUDGET, OWNERS, "all", REGIONS)
    assert whole == (400.0, {"sales": 40})
    assert planning.find_limits(None, OWNERS, "all", REGIONS).budget is None


def test_candidates_have_priority_segment_and_value_class():
    actions = pd.DataFrame(
        {"expected_gain": [5.0], "owner": ["sales"], "kind": ["marketing"], "cost": [1.0]},
        index=pd.MultiIndex.from_tuples([("a", "call")], names=["customer_id", "action"]),
    )
    segments = pd.DataFrame({"segment": ["loyal"], "amount": ["high"]}, index=["a"])

    class Call:
        code, priority = "call", 3

    (row,) = planning.as_candidates(actions, [Call], segments).to_dict("records")
    assert (row["gain"], row["priority"], row["segment"], row["amount"]) == (
        5.0,
        3,
        "loyal",
        "high",
    )


def test_of_a_customers_actions_only_what_they_add_counts():
    rows = [
        ("a", "fix", "recovery", 5.0),
        ("a", "mend", "service", 8.0),
        ("b", "fix", "recovery", 5.0),
        ("b", "call", "marketing", 7.0),
        ("c", "call", "marketing", 7.0),
        ("c", "mail", "marketing", 3.0),
        ("d", "fix", "recovery", 5.0),
        ("d", "call", "marketing", 4.0),
    ]
    table = pd.DataFrame(rows, columns=["customer_id", "action", "kind", "expected_gain"])
    segments = pd.DataFrame({"segment": "any", "amount": "high"}, index=list("abcd"))
    found = planning.as_candidates(table.set_index(["customer_id", "action"]), [], segments)
    assert list(found["gain"]) == [0.0, 8.0, 5.0, 2.0, 7.0, 3.0, 5.0, 0.0]


def test_gain_counts_once_for_a_customer_and_not_for_controls():
    index = pd.MultiIndex.from_tuples(
        [("a", "call"), ("a", "mail"), ("b", "mail"), ("c", "mail")],
        names=["customer_id", "action"],
    )
    actions = pd.DataFrame({"expected_gain": [5.0, 9.0, 9.0, 9.0], "rank": [1, 2, 1, 1]}, index)
    in_plan = pd.Series([True, True, True, False])
    arm = pd.Series(["", "treated", "control", ""])
    found = planning.complete(actions, in_plan, arm)
    assert list(found["counts_gain"]) == [False, True, False, False]


def test_reductions_become_notes_with_their_figures():
    (note,) = planning.notes([Reduction("fixed_not_taken", 3, 8)])
    assert (note.part, note.code, note.have, note.need) == ("actions", "fixed_not_taken", 3, 8)


def test_without_limits_there_are_none():
    for region in ("all", "east"):
        assert planning.find_limits(None, {}, region, REGIONS) == (None, {})
