"""What to do, in words: the plan, each group's strategy, reasons, and the list for the desk."""

import datetime as dt
import re

import pandas as pd
import pytest

from cvm_analysis.report import desk_lists, strategy
from cvm_analysis.report.blocks import Step
from cvm_analysis.report.writer import Writer
from cvm_analysis.strategy.budget import Plan, Reduction
from cvm_analysis.strategy.segment_strategies import Total
from cvm_analysis.tables import TABLES
from cvm_analysis.texts import words

OWN = {
    "en": {
        "actions.call": "Call them",
        "actions.mail": "Send a letter",
        "actions.fix": "Close the complaint",
        "action_steps.call": "Ask what changed",
        "action_steps.mail": "Print it",
        "action_steps.fix": "Apologise",
        "action_messages.call": "=HYPERLINK()",
        "action_messages.mail": "Hello",
        "action_messages.fix": "Sorry",
        "owners.sales": "Sales",
    }
}
EN = Writer(words("en", OWN, horizon_weeks=52), "EUR")
DAY = dt.date(2025, 12, 31)
COLUMNS = ["action", "kind", *Total._fields, "owner", "due_on", "last_due_on", "evidence"]


def by_action(*rows):
    due = pd.Timestamp("2026-01-07")
    filled = [
        (code, kind, n, cost, net + cost, net, net / 2, 2 * net, 0.9, "sales", due, due, "assumed")
        for code, kind, n, cost, net in rows
    ]
    return pd.DataFrame(filled, columns=COLUMNS).set_index("action")


def actions(*rows):
    """customer_id, action, rank, reason, value, text, in_plan, arm."""
    names = ["customer_id", "action", "rank", "reason", "reason_value", "reason_text"]
    table = pd.DataFrame(rows, columns=[*names, "in_plan", "arm"])
    more = {"owner": "sales", "channel": "phone", "due_on": pd.Timestamp("2026-01-07")}
    return table.assign(**more, expected_gain=12.344).set_index(["customer_id", "action"])


def recommended(*rows):
    """customer_id, rank, because_of."""
    table = pd.DataFrame(rows, columns=["customer_id", "rank", "because_of"])
    return table.set_index(["customer_id", "rank"])


def test_the_desk_is_told_the_product_and_what_it_goes_with():
    table = actions(
        ("a", "mail", 1, "next_product", None, "Oil", True, ""),
        ("b", "mail", 1, "next_product", None, "Oil", True, ""),
        ("c", "mail", 1, "nps", 9.0, None, True, ""),
    )
    products = recommended(("a", 1, "Floor"), ("a", 2, "Soap"), ("b", 2, "Soap"), ("c", 1, "Floor"))
    found = desk_lists.actions(EN, table, pd.DataFrame(index=["a"]), products, DAY)
    assert found["reason"].tolist() == [
        "Oil goes with Floor, which they have",
        "goes with what they bought: Oil",
        "would recommend us: 9 of 10",
    ]


def test_the_plan_says_what_it_costs_and_brings_and_whether_that_is_sure():
    rows = by_action(
        ("call", "marketing", 40, 1000.0, 4000.0), ("mail", "marketing", 60, 60.0, 100.0)
    )
    total = Total(100, 1060.0, 5160.0, 4100.0, 500.0, 9000.0, 0.93)
    html = strategy.plan(EN, rows, total, 2000.0).html
    assert "All 2 actions: 100 contacts until Jan 7, 2026 for €1,060 of the €2,000 budget" in html
    assert "should bring €4,100 after cost (€500 to €9,000), if the assumed effects hold" in html
    assert html.index("Call them: 40 customers") < html.index("Send a letter: 60 customers")
    assert "<p>€4,000 after cost (€2,000 to €8,000); costs €1,000. Assumed.</p>" in html
    assert "<span>Sales</span>" in html and ">by Jan 7</span>" in html
    assert "budget" not in strategy.plan(EN, rows, total, None).html


def test_recovery_comes_first_however_little_it_brings_and_five_are_shown():
    rows = [(f"mail{i}", "marketing", 5, 1.0, 100.0 - i) for i in range(6)]
    shown = by_action(*rows, ("fix", "recovery", 3, 90.0, 1.0))
    html = strategy.plan(EN, shown, Total(33, 96.0, 1.0, 1.0, 1.0, 1.0, 1.0), None).html
    titles = re.findall(r"<li><h3>(.*?): \d customers</h3>", html)
    assert titles == ["Close the complaint", "mail0", "mail1", "mail2", "mail3"]
    assert "All 7 actions: 33 contacts" in html


def test_urgent_actions_come_first_two_at_most_and_none_that_is_not_planned():
    rows = [
        (code, "marketing", 5, 1.0, gain) for code, gain in zip("abcd", (9, 8, 7, 6), strict=True)
    ]
    shown = by_action(*rows)
    assert list(strategy.select_first(shown, ["gone", "d", "c", "b"]).index) == ["d", "c", "a", "b"]
    assert list(strategy.select_first(shown).index) == ["a", "b", "c", "d"]


def test_what_costs_more_than_it_gains_is_urgent_only_as_a_recovery():
    shown = by_action(
        ("a", "marketing", 5, 1.0, 9.0), ("terms", "service", 2, 80.0, -73.0),
        ("fix", "recovery", 3, 90.0, -5.0), ("more", "recovery", 9, 90.0, -6.0),
    )  # fmt: skip
    first = strategy.select_first(shown, ["terms", "fix"]).index
    assert list(first) == ["fix", "more", "a", "terms"]


def test_the_request_of_the_headline_is_the_first_step():
    rows = by_action(("mail", "marketing", 60, 60.0, 100.0), ("fix", "recovery", 1, 5.0, 1.0))
    assert strategy.request(EN, rows) == "Close the complaint (1 customer, by Jan 7)"
    assert strategy.request(EN, rows, ["mail"]) == "Send a letter (60 customers, by Jan 7)"
    assert strategy.request(EN, rows.iloc[:0]) == ""


def test_a_plan_without_contacts_says_so():
    nothing = Total(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert "No action is planned" in strategy.plan(EN, by_action(), nothing, 5.0).html


CALL_FIRST = Step("Call the 2 customers listed below", "€9 at stake", "Sales", "by Jan 2")


def test_the_step_that_goes_before_comes_first_and_is_one_of_the_five():
    rows = by_action(*[(f"mail{i}", "marketing", 5, 1.0, 100.0 - i) for i in range(6)])
    total = Total(30, 6.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    html = strategy.plan(EN, rows, total, None, before=CALL_FIRST).html
    titles = re.findall(r"<li><h3>(.*?)</h3>", html)
    assert titles == [CALL_FIRST.title, *(f"mail{i}: 5 customers" for i in range(4))]


def test_the_step_that_goes_before_is_shown_where_nothing_else_is_planned():
    nothing = Total(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    html = strategy.plan(EN, by_action(), nothing, 5.0, before=CALL_FIRST).html
    assert re.findall(r"<li><h3>(.*?)</h3>", html) == [CALL_FIRST.title]
    assert "No action is planned" in html


def test_the_request_is_the_step_that_goes_before_with_its_day_where_it_has_one():
    rows = by_action(("mail", "marketing", 60, 60.0, 100.0))
    asked = strategy.request(EN, rows, ["mail"], CALL_FIRST)
    assert asked == "call those listed below, by Jan 2"
    assert strategy.request(EN, rows, [], CALL_FIRST._replace(due="")) == "call those listed below"


ROWS = (("loyal", 0), ("loyal", 1), ("loyal", 2), ("lost", 1))


def test_each_class_shows_its_first_action_the_next_ones_and_the_total():
    index = pd.MultiIndex.from_tuples(
        [("segment", code, rank) for code, rank in ROWS],
        names=["scheme", "class", "rank"],
    )
    table = pd.DataFrame(
        {
            "action": ["together", "call", "mail", "no_action"],
            "n_members": [10, 10, 10, 99],
            "cost": [30.0, 20.0, 10.0, 0.0],
            "net_gain": [70.0, 60.0, 10.0, 0.0],
            "net_gain_low": [5.0, 4.0, 1.0, 0.0],
            "net_gain_high": [140.0, 120.0, 20.0, 0.0],
        },
        index,
    )
    html = strategy.groups(EN, table, "segment").html
    first, second = re.findall(r"<tr>\s*<th scope=\"row\".*?</tr>", html, re.DOTALL)
    assert "Loyal" in first and "Call them" in first and "Send a letter" in first
    assert "€30" in first and "€70 (€5 to €140)" in first
    assert "No action" in second and "99" in second


def test_where_all_groups_are_too_small_none_is_shown():
    nobody = pd.MultiIndex.from_tuples([], names=["scheme", "class", "rank"])
    assert "No group has enough" in strategy.groups(EN, pd.DataFrame(index=nobody), "segment").html


@pytest.mark.parametrize(
    ("reason", "value", "text", "said"),
    [
        ("complaint_days", 258.0, None, "complaint open for 258 days"),
        ("days_to_contract_end", 1.0, None, "contract ends in 1 day"),
        ("sales_change", -0.62, None, "sales changed by -62% on the year before"),
        ("days_to_service", 12.0, None, "maintenance due in 12 days"),
        ("days_to_service", -1.0, None, "maintenance overdue by 1 day"),
        ("days_to_warranty_end", 30.0, None, "warranty ends in 30 days"),
        ("nps", 2.0, None, "would recommend us: 2 of 10"),
        ("weakest_indicator", None, "growth", "weakest figure: growth"),
        ("margin_at_stake", 12345.0, None, "margin at stake €12.3K"),
        ("next_product", None, "Oil", "goes with what they bought: Oil"),
        ("next_product", None, "new", "goes with what they bought: new"),  # a name, no class
        ("city", None, "Wuhan", "city: Wuhan"),
        ("indicators.payment_days", 91.0, None, "payment_days: 91"),
    ],
)
def test_reasons_are_sentences_with_the_customers_figure(reason, value, text, said):
    row = {"reason": reason, "reason_value": value, "reason_text": text}
    assert strategy.why(EN, row).casefold() == said.casefold()


def test_the_call_list_shows_the_first_planned_action_and_none_of_a_control():
    table = actions(
        ("a", "mail", 2, "nps", 9.0, None, True, ""),
        ("a", "call", 1, "nps", 9.0, None, True, "control"),
        ("b", "call", 1, "nps", 9.0, None, False, ""),
    )
    listed = pd.DataFrame(
        {"churn_risk": [0.5, 0.6]}, index=pd.Index(["a", "b"], name="customer_id")
    )
    found = strategy.add_first_action(listed, table)
    assert found.loc["a", "action"] == "mail" and pd.isna(found.loc["b", "action"])


def test_the_desk_gets_what_is_planned_in_words_and_codes_to_read_it_back():
    table = actions(
        ("b", "call", 1, "nps", 9.0, None, True, "treated"),
        ("a", "mail", 1, "complaint_days", 3.0, None, True, ""),
        ("c", "call", 1, "nps", 9.0, None, True, "control"),
        ("d", "call", 1, "nps", 9.0, None, False, ""),
    )
    people = pd.DataFrame({"city": ["Wuhan"]}, index=["a"])
    found = desk_lists.actions(EN, table, people, recommended(), DAY)
    assert list(found["customer_id"]) == ["a", "b"]
    first = found.iloc[0]
    assert (first["action"], first["city"], first["reason"]) == (
        "Send a letter",
        "Wuhan",
        "complaint open for 3 days",
    )
    assert (first["due_on"], first["listed_on"], first["expected_gain"]) == (
        pd.Timestamp("2026-01-07"),
        pd.Timestamp("2025-12-31"),
        12.34,
    )
    assert (first["action_code"], first["owner_code"], first["channel_code"]) == (
        "mail",
        "sales",
        "phone",
    )
    assert set(found["done_on"]) == set(found["result"]) == {""}


def test_a_reduced_plan_says_why():
    reductions = (
        Reduction("fixed_not_taken", 3, 8),
        Reduction("owner_without_capacity", 0, 12, "sales"),
        Reduction("budget_below_smallest_action", 2, 5),
    )
    html = strategy.reductions(EN, Plan(3, 50.0, 80.0, 30.0, 31.0, reductions)).html
    assert "3 contacts cost €50 and should bring €30 after cost" in html
    assert "for 3 of 8 actions only" in html
    assert "Sales: no capacity is left for 12 customers" in html
    assert "2 are left of the budget" in html


def test_owners_see_contacts_cost_and_the_gain_that_counts_once():
    table = actions(
        ("a", "call", 1, "nps", 9.0, None, True, ""), ("a", "mail", 2, "nps", 9.0, None, True, "")
    ).assign(cost=10.0, counts_gain=[True, False])
    html = strategy.by_owner(EN, table).html
    assert "Sales" in html and ">2<" in html and "€20" in html and "€12" in html


def test_the_plan_shows_its_lines_and_their_sums():
    rows = [
        {"region": "east", "action": code, "owner": "sales", "due_on": pd.Timestamp("2026-03-31"),
         "budget": budget, "spent": spent, "contacts": n, "target_share": n / 40, "gained": None,
         "status": status}
        for code, budget, spent, n, status in (
            ("call", 1000.0, 500.0, 20, "open"), ("mail", 200.0, 41.0, 41, "reached")
        )
    ]  # fmt: skip
    columns = list(TABLES["plan_progress"].columns)
    table = pd.DataFrame(rows, columns=columns).set_index(["region", "action"])
    html = strategy.progress(EN, table).html
    assert "Call them" in html and "50%" in html and "Reached" in html and "Open" in html
    totals = html.partition('id="plan-totals"')[2]
    assert "€541" in totals and "€1,200" in totals and ">61<" in totals
    assert "names no plan" in strategy.progress(EN, table.iloc[:0]).html
