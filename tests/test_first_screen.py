"""The first screen: for each thing that goes wrong another headline and another first step."""

import re

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.performance.alert_answers import find_answers
from cvm_analysis.report import alerts as alert_texts
from cvm_analysis.report import first_page, strategy
from cvm_analysis.report.blocks import Step
from cvm_analysis.report.writer import Writer
from cvm_analysis.settings.load import load
from cvm_analysis.strategy import reasons
from cvm_analysis.tables import TABLES
from cvm_analysis.texts import words

SETTINGS = load("config/sample.yaml")
SAY = {each: words(each, SETTINGS.words, 52, 365) for each in ("en", "zh")}
USUAL = reasons.list_usual(SETTINGS.strategies.actions)
TEN = {"en": Step("Call the 10", "", "", "by Jan 5"), "zh": Step("", "", "", "1月5日前")}

# what is planted: the alert, its figures, and what happened to net sales (now, before, clear)
GREW, FELL, STEADY = (120.0, 100.0, True), (75.0, 100.0, True), (101.0, 100.0, False)
PLANTED = {
    "shrinking": ("net_sales_fell", "net_sales", 75.0, 100.0, FELL),
    "late": ("late_share_rose", "late_share", 0.19, 0.08, GREW),
    "complaints": ("complaints_per_100_rose", "complaints_per_100", 12.0, 4.0, GREW),
    "account": ("account_lost", "net_sales_365d", 0.0, 0.21, STEADY),
    "data": ("data_missing", "feedback", 120.0, np.nan, STEADY),
    "stop coming": ("kept_share_fell", "kept_share", 0.41, 0.55, STEADY),
}
CLAUSES = {
    "shrinking": "Sales fell 25% to ¥75.",
    "late": "Sales grew 20% to ¥120, but 19.0% of deliveries came late, up from 8.0%.",
    "complaints": "but customers complain more often: 12.0 complaints per 100 customers",
    "account": "but a key account with 21% of the net sales of the year before is overdue",
    "data": "but there are no recent data",
    "stop coming": "but 41.0% of the customers of the year before bought again, down from 55.0%",
}


def found(alert, figure, value, before, *_, is_alert=True):
    """A table `alerts` of one row, answered by the actions of the shipped catalogue."""
    row = dict.fromkeys(TABLES["alerts"].columns) | {
        **{"rank": 1, "alert": alert, "figure": figure, "value": value, "before": before},
        **{"limit": np.nan, "money": 1e5, "n_customers": 9, "customer_id": "C1"},
        **{"answered_by": ",".join(find_answers(alert, figure, USUAL)), "is_alert": is_alert},
    }
    return pd.DataFrame([row]).set_index("rank")


def planned():
    """Every action of the catalogue is planned, the first of the file with the highest gain."""
    actions = SETTINGS.strategies.actions
    rows = {
        "n_contacts": 5, "cost": 10.0, "gain": 20.0, "net_gain_low": 1.0, "net_gain_high": 9.0,
        "p_gain": 0.9, "owner": "service", "evidence": "assumed",
        "due_on": pd.Timestamp("2026-01-05"), "last_due_on": pd.Timestamp("2026-02-01"),
    }  # fmt: skip
    table = pd.DataFrame(rows, index=pd.Index([each.code for each in actions], name="action"))
    gains = range(len(actions), 0, -1)
    return table.assign(kind=[each.kind for each in actions], net_gain=[float(g) for g in gains])


def headline(language, table, sales):
    """The headline as a notebook makes it, and the code of its first action ('' for the ten)."""
    writer, actions = Writer(SAY[language], "CNY"), planned()
    year = pd.DataFrame([sales], columns=["value", "before", "beyond_chance"])
    year.index = pd.MultiIndex.from_tuples([("all", "net_sales")])
    urgent = alert_texts.answers(table)
    calls = None if urgent else TEN[language]
    request = strategy.request(writer, actions, urgent, calls)
    html = first_page.headline(writer, year, alert_texts.worry(writer, table), request, "").html
    first = "" if calls else strategy.select_first(actions, urgent).index[0]
    return re.sub("<[^>]+>|\u2060", "", html), first


@pytest.mark.parametrize("planted", PLANTED)
def test_the_headline_names_what_is_wrong_and_an_action_against_it(planted):
    table = found(*PLANTED[planted])
    text, first = headline("en", table, PLANTED[planted][-1])
    assert CLAUSES[planted] in text
    if planted == "data":
        assert not first and "call those listed below, by Jan 5" in text, "no action brings data"
        return
    assert first in table["answered_by"].iloc[0].split(",")
    assert f"First step: {SAY['en'](f'actions.{first}')} (5 customers, by Jan 5)." in text


def test_where_all_is_well_the_ten_to_call_are_the_request():
    stake = found("margin_at_stake", "margin_at_stake", 181_000.0, np.nan, is_alert=False)
    text, first = headline("en", stake, GREW)
    assert text == (
        "Sales grew 20% to ¥120, but 9 customers who are overdue put ¥181K of margin at stake. "
        "First step: call those listed below, by Jan 5."
    )
    assert not first


@pytest.mark.parametrize("language", SAY)
def test_no_two_of_them_have_the_same_headline(language):
    texts = [headline(language, found(*each), each[-1])[0] for each in PLANTED.values()]
    assert len(set(texts)) == len(PLANTED)
    if language == "zh":
        assert not [text for text in texts if re.search("[A-Za-z]{2,}", text)]


def test_the_first_steps_against_different_things_differ():
    steps = {name: headline("en", found(*each), each[-1])[1] for name, each in PLANTED.items()}
    assert len({steps["late"], steps["complaints"], steps["account"], steps["shrinking"]}) >= 3


def test_a_fall_of_sales_joins_what_else_is_wrong():
    both = pd.concat([found(*PLANTED["shrinking"]), found(*PLANTED["late"]).rename({1: 2})])
    assert headline("en", both, FELL)[0].startswith(
        "Sales fell 25% to ¥75, and 19.0% of deliveries came late, up from 8.0%. First step:"
    )
