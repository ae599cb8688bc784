"""Alerts in words: the one worry, the list, and what run.json keeps."""

import re

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.performance.alert_rules import HIGH_IS_GOOD
from cvm_analysis.report import alerts
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import TABLES
from cvm_analysis.texts import words

OWN = {"en": {"actions.call": "Call them", "actions.mail": "Send a letter"}}
EN, ZH = (Writer(words(each, OWN, horizon_weeks=52), "CNY") for each in ("en", "zh"))
CODES = [*HIGH_IS_GOOD, "account_lost", "complaints_overdue", "data_missing"]


def table(*rows):
    """alert, figure, and whatever else is known of each."""
    empty = dict.fromkeys(TABLES["alerts"].columns) | {
        **dict.fromkeys(("value", "before", "limit", "money"), np.nan),
        **{"n_customers": 0, "customer_id": "", "answered_by": "", "is_alert": True},
    }
    filled = [empty | {"rank": i, **row} for i, row in enumerate(rows, 1)]
    return pd.DataFrame(filled, columns=list(TABLES["alerts"].columns)).set_index("rank")


LATE = {"alert": "late_share_rose", "figure": "late_share", "value": 0.19, "before": 0.08}
LATE |= {"money": 116_366.0, "n_customers": 230, "answered_by": "call,mail"}
SALES = {"alert": "net_sales_fell", "figure": "net_sales", "value": 750_000.0, "before": 1e6}
STAKE = {"alert": "margin_at_stake", "figure": "margin_at_stake", "value": 116_366.0}
STAKE |= {"n_customers": 10, "is_alert": False}


@pytest.mark.parametrize(
    ("row", "english", "chinese"),
    [
        (
            LATE,
            "19.0% of deliveries came late, up from 8.0%",
            "延误送达率为19.0%，高于上年同期的8.0%",
        ),
        (
            {"alert": "margin_fell", "figure": "margin", "value": 750_000.0, "before": 1e6},
            "the margin is ¥750K, 25% less than the year before",
            "毛利为¥75万，同比下降25%",
        ),
        (
            {"alert": "net_sales_below", "figure": "net_sales", "value": 75e4, "limit": 1e6},
            "net sales are ¥750K, below the limit of ¥1M",
            "销售额为¥75万，低于预警线¥100万",
        ),
        (
            {"alert": "late_share_above", "figure": "late_share", "value": 0.19, "limit": 0.1},
            "19.0% of deliveries came late, above the limit of 10.0%",
            "延误送达率为19.0%，高于预警线10.0%",
        ),
        (
            {"alert": "nps_fell", "figure": "nps", "value": -12.2, "before": 7.1},
            "the NPS is -12.2, down from 7.1",
            "净推荐值（NPS）为-12.2，低于上年同期的7.1",
        ),
        (
            {"alert": "account_lost", "figure": "net_sales", "before": 0.12, "customer_id": "C1"},
            "a key account with 12% of the net sales of the year before is overdue",
            "一位占上年销售额12%的大客户已超期未下单",
        ),
        (
            {"alert": "data_missing", "figure": "feedback", "value": 120.0, "limit": 90.0},
            "there are no recent data: Feedback, none for 120 days",
            "客户反馈已有120天没有新数据",
        ),
        (
            STAKE,
            "10 customers who are overdue put ¥116K of margin at stake",
            "10位客户已超期未下单，风险毛利¥11.6万",
        ),
    ],
)  # fmt: skip
def test_the_first_alert_is_the_worry(row, english, chinese):
    both = table(row, {**LATE, "value": 0.99})
    assert alerts.worry(EN, both) == english
    assert alerts.worry(ZH, both) == chinese


def test_where_nothing_is_at_stake_there_is_no_worry():
    assert alerts.worry(EN, table()) == ""


def test_that_sales_fell_and_the_margin_with_them_is_the_result_and_no_worry():
    margin = {**SALES, "alert": "margin_fell", "figure": "margin"}
    below = {**SALES, "alert": "net_sales_below", "limit": 1e6}
    assert alerts.worry(EN, table(SALES, margin)) == ""
    assert alerts.worry(EN, table(margin, SALES, LATE)).startswith("19.0% of deliveries")
    assert alerts.worry(EN, table(SALES, below)).endswith("below the limit of ¥1M")


def test_actions_that_answer_come_in_the_order_of_the_alerts_each_once():
    rows = (
        {**LATE, "answered_by": "mail,call"},
        SALES,
        {**LATE, "answered_by": "call,visit"},
        {**STAKE, "answered_by": "gift"},
    )
    assert alerts.answers(table(*rows)) == ["mail", "call", "visit"], (
        "what is no alert asks nothing"
    )
    assert alerts.answers(table()) == alerts.answers(table(SALES, STAKE)) == []


def test_the_list_says_what_it_is_worth_and_which_actions_answer_it():
    html = alerts.alert_list(EN, table(LATE, SALES)).html
    rows = re.findall(r"<tr>.*?</tr>", html, re.DOTALL)[1:]
    assert len(rows) == 2
    late, sales = (re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", row)) for row in rows)
    assert "Late deliveries: 19.0% of those due in the last 12 months, up from 8.0%." in late
    assert "¥116K" in late and " 230 " in late and "Call them, Send a letter" in late
    assert "No action planned" in sales
    missing = {"alert": "data_missing", "figure": "feedback", "value": 120.0}
    assert "No action planned" not in alerts.alert_list(EN, table(missing)).html


def test_without_an_alert_the_list_says_so():
    for shown in (table(STAKE), table()):
        assert "No figure is beyond its limit" in alerts.alert_list(EN, shown).html
        assert "没有指标超出预警线" in alerts.alert_list(ZH, shown).html


@pytest.mark.parametrize("writer", [EN, ZH], ids=["en", "zh"])
@pytest.mark.parametrize("code", CODES)
def test_every_alert_has_a_clause_and_a_sentence(writer, code):
    figure = "feedback" if code == "data_missing" else code
    said = []
    for way in ("fell", "rose", "below", "above") if code in HIGH_IS_GOOD else ("",):
        alert = f"{code}_{way}" if way else code
        row = {"alert": alert, "figure": figure, "value": 0.4, "before": 0.5, "limit": 0.6}
        said.append(alerts.worry(writer, table(row)))
        text = alerts.describe(table(row), lambda _: writer.language, "CNY", ["x"])[0]["text"]["x"]
        assert text[-1] in ".。" and text[0] == text[0].upper()
    assert len(set(said)) == len(said)
    assert said.count("") == (code == "net_sales"), "that they fell is the result"


def test_only_the_sentence_names_a_customer():
    lost = {"alert": "account_lost", "figure": "net_sales", "before": 0.12, "customer_id": "C7ABC"}
    texts = {"en": EN.say, "zh": ZH.say}
    (found,) = alerts.describe(table(lost), texts.get, "CNY", ["en", "zh"])
    assert all("C7ABC" in text for text in found["text"].values())
    assert found["clause"]["en"].startswith("a key account with 12%")
    assert "C7ABC" not in str(found["clause"])


def test_run_json_gets_each_alert_in_every_language_and_nothing_else():
    texts = {"en": EN.say, "zh": ZH.say}
    found = alerts.describe(table(LATE, {**SALES, "value": np.nan}), texts.get, "CNY", ["en", "zh"])
    assert found[0] == {
        "code": "late_share_rose",
        "figure": "late_share",
        "value": 0.19,
        "text": {
            "en": "Late deliveries: 19.0% of those due in the last 12 months, up from 8.0%.",
            "zh": "近12个月延误送达率19.0%，高于上年同期的8.0%。",
        },
        "clause": {
            "en": "19.0% of deliveries came late, up from 8.0%",
            "zh": "延误送达率为19.0%，高于上年同期的8.0%",
        },
    }
    assert found[1]["value"] is None
    assert alerts.describe(table(STAKE), texts.get, "CNY", ["en"]) == []
