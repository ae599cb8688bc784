"""The first page: figures of the year beside the year before, and whom to call, by hand."""

import datetime as dt
import re
from html import unescape

import pandas as pd
import pytest

from cvm_analysis.report import first_page
from cvm_analysis.report.writer import Writer
from cvm_analysis.texts import words

OWN = {
    "en": {
        "actions.call": "Call them",
        "owners.sales": "Sales",
        "owners.key": "Key accounts",
        "values.channel.web": "Online",
    }
}
EN = Writer(words("en", OWN, horizon_weeks=26), "EUR")
ZH = Writer(words("zh", horizon_weeks=26), "CNY")
DAY = dt.date(2025, 12, 31)


def year_on_year(**figures):
    """figure -> value, before, whether the change is beyond chance."""
    names = ["value", "before", "beyond_chance"]
    table = pd.DataFrame.from_dict(figures, orient="index", columns=names)
    of_dealers = table.assign(value=-1.0)
    return pd.concat({"all": table, "dealer": of_dealers}, names=["customer_type", "figure"])


def totals(low=300.0, high=500.0):
    facts = {"n_customers": 1234, "expected_margin": 412.0}
    table = pd.DataFrame(facts, index=["all", "champions"])
    return table.assign(expected_margin_low=low, expected_margin_high=high)


def shown(html):
    """Label -> value, change and note of each figure."""
    parts = re.findall(r"<div><dt>(.*?)</dt>(.*?)</div>", html, re.DOTALL)
    return {
        label: re.findall(r'<dd class="(.*?)">(.*?)</dd>', unescape(rest)) for label, rest in parts
    }


def test_the_headline_says_result_worry_and_request():
    rose = year_on_year(net_sales=(33e6, 22e6, True))
    html = first_page.headline(EN, rose, "fewer stay", "call ten", "In 2025").html
    result = "Sales grew 50% to €33M"
    assert f">{result}, but fewer stay. First step: call ten.</h1>" in html and "<h1" in html
    assert ">In 2025</p>" in html
    assert f">{result}.</h1>" in first_page.headline(EN, rose, "", "", "").html
    alone = first_page.headline(EN, rose, "", "call ten", "").html
    assert f">{result}. First step: call ten.</h1>" in alone
    chinese = first_page.headline(ZH, rose, "客户流失", "回访", "").html.replace("\u2060", "")
    assert "销售额¥3,300万，同比增长50%，但客户流失。当务之急：回访。" in chinese


@pytest.mark.parametrize(
    ("after", "beyond_chance", "joined"),
    [
        (11e6, True, "Sales fell 50% to €11M, and few stay."),
        (11e6, False, "Sales were €11M, down 50% (within chance), but few stay."),
        (33e6, True, "Sales grew 50% to €33M, but few stay."),
    ],
)
def test_a_worry_is_added_to_a_fall_and_set_against_anything_else(after, beyond_chance, joined):
    table = year_on_year(net_sales=(after, 22e6, beyond_chance))
    assert f">{joined}</h1>" in first_page.headline(EN, table, "few stay", "", "").html


def test_the_headline_of_a_short_log_says_that_it_is_short():
    html = first_page.headline(EN, year_on_year().iloc[:0], "few stay", "", "").html
    assert ">The records cover less than 12 months, but few stay.</h1>" in html


def test_the_period_is_that_of_the_orders():
    people = pd.DataFrame({"first_order": pd.to_datetime(["2023-02-03", None, "2024-01-01"])})
    assert first_page.period(EN, people, DAY) == (
        "12 months to Dec 31, 2025, compared with the 12 months before; orders since Feb 3, 2023."
    )


def test_figures_and_their_changes_by_hand():
    table = year_on_year(
        net_sales=(57_200_000.0, 52_000_000.0, True),
        margin=(9_000.0, 12_000.0, True),
        n_active=(105.0, 100.0, False),
        kept_share=(0.584, 0.612, True),
        n_new=(7.0, 7.0, False),
        nps=(30.0, 10.0, True),
    )
    found = shown(first_page.figures(EN, table, totals()).html)
    assert list(found) == [
        "Net sales", "Margin", "Active customers", "Kept", "New customers", "Expected margin",
    ]  # fmt: skip
    assert found["Net sales"] == [
        ("value", "€57.2M"), ("change good", "▲ 10%"),
        ("note", "on the year before; after returns"),
    ]  # fmt: skip
    assert found["Margin"][1:] == [
        ("change bad", "▼ 25%"), ("note", "on the year before; sales less cost"),
    ]  # fmt: skip
    assert found["Active customers"] == [
        ("value", "105"), ("change ", "▲ 5% (within chance)"),
        ("note", "on the year before; who bought"),
    ]  # fmt: skip
    assert found["Kept"] == [
        ("value", "58%"), ("change bad", "▼ 2.8 points"),
        ("note", "of the year before, bought again"),
    ]  # fmt: skip
    assert found["New customers"][1] == ("change ", "as in the year before")
    note = "next 6 months; €300 to €500 in eight of ten cases"
    assert found["Expected margin"] == [("value", "€412"), ("note", note)]


@pytest.mark.parametrize("before", [float("nan"), 0.0, -5.0])
def test_without_a_year_before_there_is_no_change(before):
    table = year_on_year(net_sales=(10.0, before, False))
    found = shown(first_page.figures(EN, table, totals()).html)["Net sales"]
    assert [kind for kind, _ in found] == [
        "value", "note",
    ]  # fmt: skip


def test_a_share_may_rise_from_zero_and_what_is_not_known_is_left_out():
    table = year_on_year(kept_share=(0.1, 0.0, True))
    found = shown(first_page.figures(EN, table, totals(None, None)).html)
    assert list(found) == ["Kept", "Expected margin"]
    assert found["Kept"][1] == ("change good", "▲ 10.0 points")
    assert found["Expected margin"][1] == ("note", "next 6 months, of today's 1,234 customers")


def to_call():
    last = pd.Timestamp("2025-10-01")
    rows = {
        "C1": {
            "city": "Wuhan", "channel": "web", "last_order": last, "next_order_on": last
            + pd.Timedelta(days=18), "days_since_last": 91, "net_sales_365d": 87_041.0,
            "churn_risk": 0.62, "margin_at_stake": 12_345.0, "reason_1": "silence_gaps",
            "reason_1_value": 5.0, "reason_2": "nps", "reason_2_value": 3.0,
            "action": "call", "owner": "sales", "due_on": pd.Timestamp("2026-01-07"),
        },
        "C2": {
            "last_order": last, "next_order_on": pd.NaT, "days_since_last": 1,
            "churn_risk": None, "reason_1": None, "action": None, "owner": None,
        },
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("customer_id")


def calls(listed):
    """The part, of a table `churn` with three on the list and one who is not."""
    churn = pd.DataFrame({"list_priority": [3.0, 2.0, 1.0, None]})
    return first_page.calls(EN, listed, churn, 180).html


def test_whom_to_call_is_introduced_by_figures():
    html = calls(to_call())
    assert ">The 2 to call first have €12.3K of margin at stake</h2>" in html
    assert "Risk: no order in the next 180 days. At stake: margin of the next 6 months." in html
    assert "The list has all 3 customers." in html


def test_without_margin_at_stake_the_calls_have_a_title_without_money():
    assert ">The 2 to call first</h2>" in calls(to_call().assign(margin_at_stake=0.0))


def test_whom_to_call_says_where_why_and_what_first():
    html = calls(to_call())
    first, second = re.findall(r"<tr>\s*<th scope=\"row\".*?</tr>", html, re.DOTALL)
    assert "C1<small>Wuhan · Online</small>" in first
    assert "91 days<small>usually 18; due Oct 19</small>" in first, "18 days after October 1"
    assert "€87,041" in first and "62%" in first and "--p:0.62" in first and "€12,345" in first
    assert "likelihood to recommend 3 of 10" in first
    assert "Call them<small>Sales</small>" in first
    assert "without an order" not in first, "the days have their own column"
    assert "C2</th>" in second and ">1 day</td>" in second
    assert "Ask how they are and what they need next" in second


def test_who_has_no_reason_of_their_own_gets_a_dash():
    table = to_call().assign(reason_2=None)
    first = calls(table).partition("</tr>")[2]
    assert re.search(r'data-name="What stands out">–</td>', first)


def test_nobody_to_call_is_said():
    assert "No customer" in calls(to_call().iloc[:0])


def test_the_step_to_call_names_money_owners_and_the_first_day():
    later = (
        to_call()
        .loc[["C1"]]
        .assign(margin_at_stake=655.0, owner="key", due_on=pd.Timestamp("2026-01-09"))
    )
    step = first_page.call_step(EN, pd.concat([later, to_call(), to_call()]))
    assert step.title == "Call the 5 customers listed below"
    assert step.text == "€25.3K of margin at stake; each has a first step."  # 655 + 2 x 12,345
    assert step.owner == "Sales, Key accounts", "who has more of them first"
    assert step.due == "by Jan 7"


def test_customers_without_an_action_are_called_by_no_day_and_nobody_by_none():
    alone = first_page.call_step(EN, to_call().loc[["C2"]].assign(margin_at_stake=5.0))
    assert (alone.title, alone.owner, alone.due) == ("Call the 1 customer listed below", "", "")
    assert first_page.call_step(EN, to_call().iloc[:0]) is None


def test_the_part_on_sales_opens_with_the_last_period_then_why_then_by_type():
    year = year_on_year(net_sales=(33e6, 22e6, True)).sort_index()
    trend = pd.DataFrame(
        {"net_sales": [110.0, 121.0], "net_sales_before": [100.0, 110.0]},
        index=pd.MultiIndex.from_product(
            [["all"], pd.to_datetime(["2025-07-01", "2025-10-01"])],
            names=["customer_type", "period_start"],
        ),
    )
    change = pd.DataFrame(
        [("all", "customers", 15.0, 10.0, 11e6, True)],
        columns=["customer_type", "factor", "value", "before", "effect", "beyond_chance"],
    ).set_index(["customer_type", "factor"])
    html = first_page.sales(EN, trend, year, change).html
    heading, *said = re.findall(r"<(?:h2|p)[^>]*>(.*?)</(?:h2|p)>", html)
    assert heading.startswith("In the last quarter sales grew 10%")
    assert said == [
        "More customers (+50%) added €11M to net sales.",
        "Dealers: down 100% to -\u2060€1.",
    ]
