"""The reason shown: a column that triggered the action, with its number or its code."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from cvm_analysis.strategy import conditions, reasons

ROWS = pd.DataFrame(
    {
        "customer_type": ["retail", "dealer", "retail"],
        "grade": ["A", "B", "A"],
        "nps": [3.0, np.nan, 9.0],
        "days_overdue": [20.0, 12.0, 15.0],
        "lapsed": np.array([True, False, None], dtype=object),
        "due_on": pd.to_datetime(["2026-01-05", None, "2026-02-01"]),
        "city": ["Rom", "Bonn", None],
    },
    index=pd.Index(list("abc"), name="customer_id"),
)


def found(when, reason=""):
    action = SimpleNamespace(when=conditions.read(when), reason=reason)
    table = reasons.find(action, ROWS)
    assert table.index.equals(ROWS.index)
    return [
        (row.reason, row.reason_text if pd.isna(row.reason_value) else row.reason_value)
        for row in table.itertuples()
    ]


RETAIL, OVERDUE = (
    {"column": "customer_type", "is": "retail"},
    {"column": "days_overdue", "above": 10},
)


def test_the_first_column_that_is_no_class_is_the_reason():
    assert found({"all": [RETAIL, OVERDUE, {"column": "nps", "is_known": True}]})[0] == (
        *("days_overdue", 20),
    )


def test_of_several_ways_the_one_that_applies_to_the_customer():
    both = {"any": [{"column": "nps", "at_most": 6}, OVERDUE]}
    assert found(both) == [("nps", 3), ("days_overdue", 12), ("days_overdue", 15)]


def test_what_must_not_hold_is_no_reason():
    unless = {"not": {"column": "nps", "above": 5}}
    for how in ("all", "any"):
        assert {reason for reason, _ in found({how: [unless, OVERDUE]})} == {"days_overdue"}


def test_a_class_is_the_reason_where_nothing_else_is_asked():
    assert found({"all": [RETAIL, {"column": "grade", "is": "A"}]})[0] == (
        "customer_type",
        "retail",
    )
    assert found({"column": "grade", "is": "A"})[0] == ("grade", "A")


def test_a_stated_reason_is_shown_as_number_code_day_or_yes():
    assert found(RETAIL, "grade") == [("grade", "A"), ("grade", "B"), ("grade", "A")]
    assert found(RETAIL, "nps")[0] == ("nps", 3)
    assert found(RETAIL, "due_on")[0] == ("due_on", "2026-01-05")
    assert found(RETAIL, "lapsed")[:2] == [("lapsed", "yes"), ("lapsed", "no")]
    assert found(RETAIL, "city")[2][0] == "city"
    assert found(RETAIL, "not_there")[0] == ("not_there", None)


def test_the_usual_reason_is_the_stated_one_or_the_first_column_that_is_no_class():
    when = {"all": [{"column": "grade", "is": "A"}, {"column": "nps", "at_most": 6}]}
    only_class = {"column": "grade", "is": "A"}
    actions = [
        SimpleNamespace(code=code, kind="service", when=conditions.read(asked), reason=reason)
        for code, asked, reason in (("a", when, ""), ("b", when, "city"), ("c", only_class, ""))
    ]
    assert reasons.list_usual(actions).to_dict("list") == {
        "action": ["a", "b", "c"],
        "kind": ["service"] * 3,
        "reason": ["nps", "city", "grade"],
    }
