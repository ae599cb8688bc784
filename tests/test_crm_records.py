"""Records for a CRM from tables made by hand: who is in them, and in which words."""

import datetime as dt

import pandas as pd
import pytest
from crm_business import ACTIONS, IDS, NORTH, SOUTH, tables

from cvm_analysis.crm import records
from cvm_analysis.crm.fields import FIELDS
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import TABLES
from cvm_analysis.texts import words

OWN = {"en": {"actions.call_overdue": "Call", "owners.stores": "Stores"},
       "zh": {"actions.call_overdue": "致电"}}  # fmt: skip
DAY = dt.date(2025, 12, 31)


def make(ids=NORTH, language="en", **products):
    by_name = {
        name: table.set_index(list(TABLES[name].key) if name in TABLES else ["customer_id", "rank"])
        for name, table in tables(ids, **products).items()
    }
    writer = Writer(words(language, OWN, horizon_weeks=52, period_days=365), "EUR")
    return records.make(writer, by_name, "North", DAY)


def test_every_kind_has_all_its_fields():
    for kind, table in make().items():
        assert set(FIELDS[kind]) <= set(table), kind


def test_every_customer_has_classes_figures_and_the_first_planned_action():
    found = make(c0="Oak oil")["customers"].set_index("customer_id")
    assert sorted(found.index) == sorted(NORTH)
    row = found.loc[IDS[1]]
    assert (row["region"], row["segment"], row["grade"]) == ("North", "Champions", "A")
    assert (row["frequency"], row["amount"], row["loyalty"], row["life_cycle"]) == (
        "High", "Mid", "Loyal", "Mature",
    )  # fmt: skip
    assert (row["expected_margin"], row["margin_at_stake"], row["churn_risk"]) == (101.4, 10, 1.0)
    assert (row["next_action"], row["next_owner"]) == ("Call", "Stores")
    assert row["next_due_on"] == pd.Timestamp("2026-01-14")
    assert row["tags"] == ("Champions", "Mature", "Loyal", "Customers due")
    assert found.loc[IDS[0], "next_product"] == "Oak oil" and row["next_product"] == ""


@pytest.mark.parametrize(("number", "why"), [(8, "control"), (9, "not in the plan")])
def test_who_is_not_to_be_contacted_has_no_action_task_or_list(number, why):
    found = make()
    assert found["customers"].set_index("customer_id").loc[IDS[number], "next_action"] == "", why
    assert IDS[number] not in [*found["tasks"]["customer_id"], *found["members"]["customer_id"]]


def test_a_marketing_list_has_those_who_agreed_and_no_control():
    """Of region n: customers 0 to 7. 10 never agreed, 8 is a control, 9 beyond the budget."""
    found = make()
    assert sorted(found["members"]["customer_id"]) == sorted(IDS[:8])
    assert set(found["members"]["arm"]) == {"treated"}
    assert found["lists"].to_dict("records") == [
        {"list_id": "call_overdue-phone", "list_name": "Call - Phone", "n_members": 8,
         "action_code": "call_overdue", "channel_code": "phone"}
    ]  # fmt: skip
    for i, action, _, kind, *_, consent, planned in ACTIONS:
        if kind != "marketing" or consent == "not_recorded" or not planned:
            rows = found["members"]
            assert not ((rows["customer_id"] == IDS[i]) & (rows["action_code"] == action)).any()


def test_tasks_are_the_planned_actions_with_their_codes():
    tasks = make()["tasks"]
    assert len(tasks) == 10  # 0 to 7 and 10 are called, 0 has a complaint, too
    row = tasks.set_index("task_id").loc[f"{IDS[0]}-close_complaint-20251231"]
    assert (row["action_code"], row["owner_code"], row["channel_code"]) == (
        "close_complaint", "service", "phone",
    )  # fmt: skip
    assert row["listed_on"] == pd.Timestamp(DAY)


def test_words_are_of_the_language():
    found = make(language="zh")
    assert found["lists"]["list_name"].tolist() == ["致电 - 电话"]
    row = found["customers"].iloc[0]
    assert row["customer_type"] == "零售客户" and row["loyalty"] == "忠诚"


def test_regions_add_up_and_share_a_marketing_list():
    whole = records.add_up([make(), make(SOUTH)])
    assert len(whole["customers"]) == 16 and len(whole["members"]) == 10
    counts = whole["lists"].set_index("list_id")["n_members"]
    assert counts.to_dict() == {"call_overdue-phone": 9, "second_purchase_offer-sms": 1}
