"""Accounts in one table: the heading's money, the overdue, and what to do for each."""

import datetime as dt

import pandas as pd
import pytest
from test_report_churn import text
from test_strategy_accounts import CHURN, CUSTOMERS, POINTS, SEGMENTS

from cvm_analysis.report import accounts
from cvm_analysis.report.writer import Writer
from cvm_analysis.strategy import accounts as core
from cvm_analysis.tables import TABLES
from cvm_analysis.texts import languages, words

DAY = dt.date(2025, 12, 31)
OWN = {
    "en": {
        **{"actions.visit": "Visit", "actions.train": "Train", "owners.key": "Key accounts"},
        **{"indicators.payment": "Payment", "values.city.B": "Berlin"},
    }
}
EN = Writer(words("en", OWN, horizon_weeks=52), "EUR")
FOUND = core.find(CUSTOMERS, CHURN, SEGMENTS, POINTS, DAY, 180)


def planned(*rows):
    """Rows of table `actions`: customer_id, action, rank, arm."""
    usual = {"owner": "key", "due_on": pd.Timestamp(2026, 1, 14), "in_plan": True}
    table = [
        {"customer_id": who, "action": action, "rank": rank, "arm": arm, **usual}
        for who, action, rank, arm in rows
    ]
    return pd.DataFrame(table, columns=list(TABLES["actions"].columns)).set_index(
        ["customer_id", "action"]
    )


ACTIONS = planned(
    ("gone", "visit", 1, None), ("gone", "train", 2, None), ("weak", "train", 1, "treated"),
    ("big", "visit", 1, "control"),
)  # fmt: skip


def test_the_heading_counts_who_cut_back_and_their_money():
    """big lost 100, gone 700; good gained 60, new 40; weak is as before."""
    said = accounts.heading(EN, FOUND)
    assert said == (
        "2 of 5 project customers and dealers bought less than the year before, €800 in all; the "
        "others bought €100 more"
    )
    dealers = FOUND[FOUND["customer_type"] == "dealer"]
    assert accounts.heading(EN, dealers) == (
        "None of the 3 dealers bought less than the year before"
    )


def test_one_line_per_account_with_sales_days_and_what_to_do():
    said = text(accounts.show(EN, FOUND, ACTIONS, 180))
    assert "1 of the 4 with an order in the last 180 days is overdue" in said
    assert "it bought €500 in the last 365 days" in said
    assert "gone Berlin €0 -€700 400 usually 30 Visit Key accounts, by Jan 14" in said
    assert "big A €500 -€100 70 usually 30 No action planned" in said, "a control is left alone"
    assert "weak F €80 €0 30 usually 30 Help: Payment, 10 of 100 points Train" in said
    assert "Train · Key accounts, by Jan 14" in said
    assert "good C €300 €60 5 usually 10 Reward: score 80, grade A" in said
    assert "new" not in said and said.index("gone") < said.index("big") < said.index("weak")


@pytest.mark.parametrize(
    "recent, overdue, written",
    [
        ([], [], "None of them ordered in the last 180 days."),
        (["good"], [], "The one with an order in the last 180 days is not overdue."),
        (["good", "new"], [], "None of the 2 with an order in the last 180 days is overdue."),
        (
            ["big"],
            ["big"],
            "The one with an order in the last 180 days is overdue; it bought €500 in",
        ),
        (["big", "good"], ["big", "good"], "All 2 with an order in the last 180 days are overdue;"),
        (
            ["big", "good", "new"],
            ["big", "good"],
            "2 of the 3 with an order in the last 180 days are",
        ),
    ],
)
def test_how_many_are_overdue_is_said_as_one_would(recent, overdue, written):
    rows = FOUND.assign(is_recent=FOUND.index.isin(recent), is_overdue=FOUND.index.isin(overdue))
    assert written in text(accounts.show(EN, rows, ACTIONS, 180))


def test_without_a_city_the_place_is_the_region():
    shown = text(accounts.show(EN, FOUND.drop(columns="city"), ACTIONS, 180))
    assert "gone north" in shown


@pytest.mark.parametrize("language", languages())
def test_a_business_without_accounts_has_no_such_part(language):
    writer = Writer(words(language, horizon_weeks=52), "EUR")
    assert accounts.heading(writer, FOUND.head(0)) == ""
    assert accounts.show(writer, FOUND.head(0), ACTIONS, 180).html == ""
    assert "cut_back" not in accounts.show(writer, FOUND, ACTIONS, 180).html
