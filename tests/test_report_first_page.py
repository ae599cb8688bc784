"""The first page: figures of the year beside the year before, and whom to call, by hand."""

import datetime as dt
import re

import pandas as pd
import pytest
from markupsafe import Markup

from cvm_analysis.report import first_page
from cvm_analysis.report.writer import Writer
from cvm_analysis.texts import words

OWN = {
    "en": {
        "actions.call": "Call them",
        "owners.sales": "Sales",
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
    return {label: re.findall(r'<dd class="(.*?)">(.*?)</dd>', rest) for label, rest in parts}


def text_of(block):
    return Markup(block.html).striptags()


def test_the_headline_says_result_worry_and_request():
    html = first_page.headline(EN, "Sales rose", "fewer stay", "call ten", "In 2025").html
    assert "<h1" in html and ">Sales rose, but fewer stay. First: call ten.</h1>" in html
    assert ">In 2025</p>" in html
    assert ">Sales rose.</h1>" in first_page.headline(EN, "Sales rose", "", "", "").html
    alone = first_page.headline(EN, "Sales rose", "", "call ten", "").html
    assert ">Sales rose. First: call ten.</h1>" in alone
    chinese = first_page.headline(ZH, "销售增长", "客户流失", "回访", "").html
    assert "销售增长，但客户流失。当务之急：回访。" in chinese


def test_the_period_is_that_of_the_orders():
    people = pd.DataFrame({"first_order": pd.to_datetime(["2023-02-03", None, "2024-01-01"])})
    assert "Orders from Feb 3, 2023 to Dec 31, 2025." in first_page.period(EN, people, DAY)


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
    assert found["Net sales"][:2] == [
        ("value", "€57.2M"), ("change good", "▲ 10% on the year before"),
    ]  # fmt: skip
    assert found["Margin"][1] == ("change bad", "▼ 25% on the year before")
    assert found["Active customers"][:2] == [
        ("value", "105"), ("change ", "▲ 5% on the year before, within chance"),
    ]  # fmt: skip
    assert found["Kept"][:2] == [
        ("value", "58%"), ("change bad", "▼ 2.8 points on the year before"),
    ]  # fmt: skip
    assert found["New customers"][1] == ("change ", "as in the year before")
    note = "next 6 months, from 1,234 customers of today; €300 to €500 in eight of ten cases"
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
    assert found["Kept"][1] == ("change good", "▲ 10.0 points on the year before")
    assert found["Expected margin"][1] == ("note", "next 6 months, from 1,234 customers of today")


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


def test_whom_to_call_says_where_why_and_what_first():
    html = first_page.calls(EN, to_call(), DAY).html
    first, second = re.findall(r"<tr>\s*<th scope=\"row\".*?</tr>", html, re.DOTALL)
    assert "C1<small>Wuhan · Online</small>" in first
    assert "91 days<small>usually 18</small>" in first
    assert "€87,041" in first and "62%" in first and "--p:0.62" in first and "€12,345" in first
    assert "likelihood to recommend 3 of 10" in first
    assert "Call them<small>Sales</small>" in first
    assert "without an order" not in first, "the days have their own column"
    assert "C2</th>" in second and ">1 day</td>" in second
    assert "Ask how they are and what they need next" in second


def test_who_has_no_reason_of_their_own_gets_a_dash():
    table = to_call().assign(reason_2=None)
    first = first_page.calls(EN, table, DAY).html.partition("</tr>")[2]
    assert re.search(r'data-name="What stands out">–</td>', first)


def test_nobody_to_call_is_said():
    assert "No customer" in text_of(first_page.calls(EN, to_call().iloc[:0], DAY))
