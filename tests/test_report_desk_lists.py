"""The lists for the desk, on tables made by hand."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis import tables
from cvm_analysis.report import desk_lists
from cvm_analysis.report.writer import Writer
from cvm_analysis.texts import words

OWN = {
    "en": {
        "actions.call": "Call them",
        "actions.mail": "Send a letter",
        "action_steps.call": "Ask what changed",
        "action_steps.mail": "Print it",
        "action_messages.call": "Hello",
        "action_messages.mail": "Hello",
        "owners.sales": "Sales",
    }
}
EN = Writer(words("en", OWN, horizon_weeks=52), "EUR")
DAY = dt.date(2025, 12, 31)
IDS = pd.Index(["a", "b", "c", "d"], name="customer_id")


def churn(**changes):
    columns = {
        "churn_risk": [0.123456, 0.5, 0.9, 0.2],
        "margin_at_stake": [100.456, 900.0, 50.0, 1.0],
        "contact_on": pd.Timestamp("2025-12-31"),
        "next_order_on": pd.to_datetime(["2025-12-01", "2026-01-15", "2025-10-02", "2025-12-30"]),
        "sales_change": [np.nan, 0.25, -0.5, 0.0],
        "list_priority": [10.0, 20.0, 30.0, np.nan],
        "reason_1": ["silence_gaps", None, None, None],
        "reason_1_value": [3.0, np.nan, np.nan, np.nan],
    }
    return pd.DataFrame(columns | changes, index=IDS)


def customers(**more):
    columns = {
        "customer_type": "retail",
        "segment": ["champions", "champions", "lost", "lost"],
        "days_since_last": [60, 10, 120, 31],
        "last_order": pd.to_datetime(["2025-11-01", "2025-12-21", "2025-09-02", "2025-11-30"]),
        "net_sales_365d": [1000.006, 2.0, 3.0, 4.0],
    }
    return pd.DataFrame(columns | more, index=IDS)


def actions(*rows):
    """customer_id, action, rank, in_plan, arm."""
    table = pd.DataFrame(rows, columns=["customer_id", "action", "rank", "in_plan", "arm"])
    more = {"owner": "sales", "channel": "phone", "due_on": pd.Timestamp("2026-01-07")}
    more |= {"reason": "nps", "reason_value": 9.0, "reason_text": None, "expected_gain": 12.344}
    return table.assign(**more).set_index(["customer_id", "action"])


PLANNED = actions(
    ("a", "call", 2, True, "treated"),
    ("a", "mail", 1, True, ""),
    ("c", "call", 1, True, "control"),
    ("b", "call", 1, False, ""),
)


NOBODY = pd.Series([], pd.Index([], name="customer_id", dtype=object), dtype=object)


def due(refused=NOBODY, **more):
    found = desk_lists.customers_due(EN, churn(), customers(**more), PLANNED, refused, DAY)
    return found.set_index("customer_id")


def test_all_customers_of_the_watch_list_are_on_it_in_its_order():
    found = due()
    assert list(found.index) == ["c", "b", "a"], "d is not due"
    assert list(found["rank"]) == [1, 2, 3]


def test_a_customer_has_days_money_reason_and_the_first_planned_action():
    row = due().loc["a"]
    assert (row["days_since_last"], row["usual_gap_days"], row["days_overdue"]) == (60, 30, 30)
    assert (row["net_sales_365d"], row["churn_risk"], row["margin_at_stake"]) == (
        1000.01, 0.1235, 100.46,
    )  # fmt: skip
    assert row["reasons"] == "60 days without an order, usually 20"
    assert (row["action"], row["first_step"], row["owner"]) == (
        "Send a letter",
        "Print it",
        "Sales",
    )
    assert row["due_on"] == pd.Timestamp("2026-01-07")
    assert (row["customer_type"], row["segment"]) == ("Retail customers", "Champions")


def test_an_order_that_is_not_late_yet_is_not_overdue():
    assert pd.isna(due().loc["b", "days_overdue"])


def test_a_control_group_is_marked_and_gets_no_step():
    row = due().loc["c"]
    assert row["action"] == "Control group, do not contact for: Call them"
    assert row["first_step"] == row["owner"] == "" and pd.isna(row["due_on"])
    assert due().loc["b", "action"] == "", "an action out of the plan is none"


def test_whoever_refused_a_channel_is_marked():
    found = due(pd.Series({"b": ("email", "phone"), "d": ("sms",)}))["no_marketing_by"]
    assert found.to_dict() == {"c": "", "b": "E-mail, Phone", "a": ""}


def test_places_are_shown_where_they_are_recorded():
    assert not {"city", "store"} & set(due())
    found = due(city=["Wuhan", None, None, None], store=["S1", "S2", "S3", "S4"])
    assert list(found.columns[1:3]) == ["city", "store"]
    assert found.loc["a", "city"] == "Wuhan" and found.loc["c", "city"] == ""


def test_nobody_due_is_an_empty_list():
    nobody = churn(list_priority=np.nan)
    found = desk_lists.customers_due(EN, nobody, customers(), PLANNED, NOBODY, DAY)
    assert len(found) == 0 and "margin_at_stake" in found


def summary():
    figures = dict.fromkeys(desk_lists.SEGMENT, 1.0) | {"expected_margin": [9.999, np.nan]}
    return pd.DataFrame(figures, index=pd.Index(["champions", "lost"], name="segment"))


def strategy():
    rows = [
        ("segment", "champions", 0, "together", 7, 70.0, 30.456),
        ("segment", "champions", 1, "mail", 5, 50.0, 20.0),
        ("segment", "champions", 2, "call", 2, 20.0, 10.0),
        ("grade", "retail.A", 1, "call", 1, 1.0, 1.0),
    ]
    names = ["scheme", "class", "rank", "action", "n_contacts", "cost", "net_gain"]
    return pd.DataFrame(rows, columns=names).set_index(names[:3])


def test_segments_have_figures_their_first_action_and_the_sum_of_all():
    found = desk_lists.segments(EN, summary(), strategy())
    first, second = found.to_dict("records")
    assert (first["segment"], first["action"], first["expected_margin"]) == (
        "Champions", "Send a letter", 10.0,
    )  # fmt: skip
    assert (first["n_contacts"], first["cost"], first["net_gain"]) == (7, 70.0, 30.46)
    assert second["action"] == "" and pd.isna(second["net_gain"]), "too small to be shown"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_list_is_made_and_every_heading_has_a_word(language):
    writer = Writer(words(language, {language: OWN["en"]}, 52), "CNY")
    people = customers(city="x")
    by_name = {
        "customers": people.drop(columns="segment"),
        "segments": people[["segment"]],
        "churn": churn(),
        "actions": PLANNED,
        "strategy": strategy(),
        "next_products": tables.empty("next_products").set_index(["customer_id", "rank"]),
    }
    made = desk_lists.make(writer, by_name, summary(), NOBODY, DAY)
    assert {name: len(table) for name, table in made.items()} == {
        "watchlist": 3, "actions": 2, "segments": 2,
    }  # fmt: skip
    for table in made.values():
        for column in set(table) - set(desk_lists.PLACES) - {"channel"}:
            assert f"columns.{column}" in writer.say, column
