"""A plan is checked line by line, adds up, and shows how far it has come; by hand."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError

from cvm_analysis.strategy import ledger, plan
from cvm_analysis.tables import TABLES, check, empty

ACTIONS, OWNERS, REGIONS = ("call", "letter", "visit"), ("sales", "service"), ("east", "west")
LINE = {
    "action": "call",
    "owner": "sales",
    "budget": 500,
    "due_on": "2026-03-31",
    "target": {"contacts": 4},
}
NO_LISTS = empty("ledger").set_index(ledger.KEY)
NO_MARGINS = pd.DataFrame({"customer_id": [], "day": [], "amount": [], "purchases": []})
COSTS = {"call": 25.0, "letter": 2.0}


def made(*lines, **content):
    given = {"starts_on": "2026-01-01", "lines": [LINE | each for each in lines], **content}
    return TypeAdapter(plan.ActionPlan).validate_python(given)


def contacts(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "action", "at", "region"])


def advance(given, rows, as_of, region="all", lists=NO_LISTS, margins=NO_MARGINS):
    found = plan.progress(given, region, rows, COSTS, lists, margins, as_of)
    check("plan_progress", found.reset_index())
    return found


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        ({"action": "cal"}, ("lines", "1", "action"), "no action 'cal'; did you mean 'call'?"),
        ({"owner": "sale"}, ("lines", "1", "owner"), "no owner 'sale'; did you mean 'sales'?"),
        ({"region": "eas"}, ("lines", "1", "region"), "no region 'eas'; did you mean 'east'?"),
        ({"region": "east", "action": "visit", "due_on": "2025-12-31"}, ("lines", "1", "due_on"),
         "2025-12-31 is before the plan starts (2026-01-01)"),
        ({"action": "letter"}, ("lines", "1"),
         "line 1 of the plan is also letter for the company; keep one"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(change, place, said):
    found = list(plan.find_problems(made({"action": "letter"}, change), ACTIONS, OWNERS, REGIONS))
    assert found == [(place, said)]


def test_a_good_plan_has_no_problem_and_unknown_regions_are_left_to_the_data():
    good = made({}, {"region": "east"}, {"action": "letter"})
    assert list(plan.find_problems(good, ACTIONS, OWNERS, REGIONS)) == []
    elsewhere = made({"region": "mars"})
    assert list(plan.find_problems(elsewhere, ACTIONS, OWNERS, ())) == []


@pytest.mark.parametrize("target", [{}, {"contacts": 3, "money": 5.0}])
def test_a_target_is_contacts_or_money(target):
    with pytest.raises(ValidationError, match="write contacts or money, one of the two"):
        made({"target": target})


def test_a_budget_that_is_not_the_sum_of_its_lines_is_said():
    lines = [{}, {"action": "letter", "budget": 700.5}]
    said = "the 2 lines add up to 1,200.50, 200.50 more than the plan's budget of 1,000.00"
    assert plan.find_difference(made(*lines, budget=1000)) == said
    assert "99.50 less than" in plan.find_difference(made(*lines, budget=1300))
    assert plan.find_difference(made(*lines, budget=1200.5)) == ""
    assert plan.find_difference(made(*lines)) == ""


ROWS = contacts(
    ("a", "call", "2025-12-31", "east"),  # before the plan
    ("a", "call", "2026-01-01", "east"),
    ("b", "call", "2026-02-01", "east"),
    ("c", "call", "2026-02-01", "west"),
    ("c", "call", "2026-03-31", "west"),
    ("d", "call", "2026-04-01", "west"),  # after the last day
    ("d", "letter", "2026-02-01", "west"),
)


def test_contacts_count_from_the_first_day_to_the_last_and_cost_what_the_catalogue_says():
    row = advance(made({}), ROWS, dt.date(2026, 4, 30)).iloc[0]
    assert (row["contacts"], row["spent"], row["target_share"]) == (4, 100.0, 1.0)
    assert (row["status"], row["budget"]) == ("reached", 500)
    row = advance(made({}), ROWS, dt.date(2026, 2, 28)).iloc[0]
    assert (row["contacts"], row["target_share"], row["status"]) == (3, 0.75, "open")
    late = made({"target": {"contacts": 5}})
    assert advance(late, ROWS, dt.date(2026, 3, 31)).iloc[0]["status"] == "open", "its last day"
    assert advance(late, ROWS, dt.date(2026, 4, 1)).iloc[0]["status"] == "missed"


def test_a_contact_counts_for_the_line_of_its_region_else_for_that_of_the_company():
    both = made({}, {"region": "east"}, {"action": "letter", "region": "west"})
    found = advance(both, ROWS, dt.date(2026, 4, 30))
    assert found["contacts"].to_dict() == {
        ("all", "call"): 2,
        ("east", "call"): 2,
        ("west", "letter"): 1,
    }
    only = advance(both, ROWS, dt.date(2026, 4, 30), region="east")
    assert only.index.tolist() == [("east", "call")]
    assert advance(both, ROWS, dt.date(2026, 4, 30), region="north").empty
    assert advance(None, ROWS, dt.date(2026, 4, 30)).empty


def lists(**amounts):
    """Ledger rows of calls in the east on 1 January, the forecast of each 10; what came of it."""
    row = {
        **dict.fromkeys(TABLES["ledger"].columns, ""),
        "region": "east",
        "as_of": pd.Timestamp("2026-01-01"),
        "action": "call",
        "base": 100.0,
        "forecast": 10.0,
        "measure": "margin",
        "window_days": 60.0,
        "forecast_error": 0.1,
    }
    rows = pd.DataFrame([{**row, "customer_id": each} for each in amounts])
    paid = pd.DataFrame({"customer_id": amounts.keys(), "amount": amounts.values()})
    return rows.set_index(ledger.KEY), paid.assign(day="2026-02-01", purchases=1)


def test_a_target_in_money_is_what_the_lists_gained_as_far_as_measured():
    """Two customers brought 30 and 50 instead of 10 each: 60 of the 80 aimed at."""
    given, paid = lists(a=30.0, b=50.0)
    aim = made({"target": {"money": 80}})
    row = advance(aim, ROWS, dt.date(2026, 3, 2), lists=given, margins=paid).iloc[0]
    assert row["gained"] == pytest.approx(60) and row["target_share"] == pytest.approx(0.75)
    assert row["status"] == "open" and np.isnan(row["target_contacts"])
    row = advance(aim, ROWS, dt.date(2026, 3, 1), lists=given, margins=paid).iloc[0]
    assert np.isnan(row["gained"]) and row["status"] == "open", "the window is open"
    row = advance(aim, ROWS, dt.date(2026, 4, 1)).iloc[0]
    assert row["status"] == "not_measured"
    before = made({"target": {"money": 80}}, starts_on="2026-01-02")
    row = advance(before, ROWS, dt.date(2026, 4, 1), lists=given, margins=paid).iloc[0]
    assert np.isnan(row["gained"]), "a list from before the plan"
    reached = made({"target": {"money": 60}})
    row = advance(reached, ROWS, dt.date(2026, 4, 1), lists=given, margins=paid).iloc[0]
    assert row["status"] == "reached"


def test_lines_add_up_by_owner_and_in_total():
    several = made(
        {}, {"action": "letter", "owner": "service"}, {"region": "east", "target": {"contacts": 9}}
    )
    found = plan.add_up(advance(several, ROWS, dt.date(2026, 4, 30)))
    assert found.index.tolist() == ["sales", "service", "all"]
    assert found["budget"].tolist() == [1000, 500, 1500]
    assert found["contacts"].tolist() == [4, 1, 5] and found["spent"].tolist() == [100, 2, 102]
    assert found["n_lines"].tolist() == [2, 1, 3] and found["n_reached"].tolist() == [0, 0, 0]
    assert found["gained"].isna().all()
    assert plan.add_up(advance(None, ROWS, dt.date(2026, 4, 30)))["n_lines"].tolist() == [0]
