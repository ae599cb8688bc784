"""The rules of each table, on hand-made files whose header is line 1."""

import pandas as pd
import pytest
from judged_rows import judged_file

from cvm_analysis.intake import table_rules

# Campaigns, contacts and consents

MEMBERS = """customer_id,campaign_id,action,arm,at,cost
a,spring,call,treated,2025-03-01,25
b,spring,call,control,2025-03-01,
c,,call,treated,2025-03-01,25
d,spring,call,treated,soon,25
e,spring,call,treated,2026-01-02,25
f,spring,call,test,2025-03-01,25
g,spring,call,,2025-03-01,25
a,spring,call,control,2025-03-02,25
a,autumn,coupon,control,2025-09-01,cheap
,spring,call,treated,2025-03-01,25
"""
CONTACTS = """customer_id,at,action,channel,owner,result,listed_on
a,2025-03-04,call,phone,Li,reached,2025-03-01
a,2025-03-05,call,phone,Li,reached,2025-03-01
b,,call,phone,Li,,2025-03-01
c,yesterday,call,phone,Li,reached,2025-03-01
d,2026-01-02,call,phone,Li,reached,2025-03-01
e,2025-03-04,coupon,phone,Li,reached,2025-03-01
f,2025-03-04,,phone,Li,reached,2025-03-01
g,2025-02-28,call,phone,Li,reached,2025-03-01
a,2025/3/4,call,phone,Li,reached,
h,2025-03-01,letter,,,,2025-03-01
i,2025-03-04,letter,,,,March
"""
CONSENTS = """customer_id,channel,given,at
a,phone,Yes,2025-01-01
a,sms,不同意,2025-01-01
b,,yes,2025-01-01
c,phone,yes,
d,phone,yes,2026-01-02
e,phone,perhaps,2025-01-01
f,phone,,2025-01-01
"""


@pytest.mark.parametrize(
    ("text", "table", "broken"),
    [
        (
            MEMBERS,
            "campaign_members",
            {
                "no_campaign": [(4, None)],
                "no_date": [(5, "soon")],
                "in_the_future": [(6, "2026-01-02")],
                "unknown_arm": [(7, "test"), (8, None)],
                "repeated_member": [(9, None)],
                "missing_customer_id": [(11, None)],
            },
        ),
        (
            CONTACTS,
            "contact_log",
            {
                "not_done": [(4, None)],
                "no_date": [(5, "yesterday")],
                "in_the_future": [(6, "2026-01-02")],
                "unknown_action": [(7, "coupon"), (8, None)],
                "before_its_list": [(9, "2025-02-28")],
                "repeated_contact": [(10, None)],
            },
        ),
        (
            CONSENTS,
            "consents",
            {
                "no_channel": [(4, None)],
                "no_date": [(5, None)],
                "in_the_future": [(6, "2026-01-02")],
                "unreadable_consent": [(7, "perhaps"), (8, None)],
            },
        ),
    ],
)
def test_bad_rows_are_excluded_with_their_line_and_value(text, table, broken):
    _, counted, bad = judged_file(text, table)
    found = {
        rule: [(line, each if each == each else None) for line, each in rows["value"].items()]
        for rule, rows in bad.groupby("rule")
    }
    assert found == broken
    errors = counted[counted["level"] == "error"]["n_rows"]
    assert errors[errors > 0].to_dict() == {rule: len(rows) for rule, rows in broken.items()}


def test_a_cost_or_an_action_of_a_campaign_that_is_not_known_is_counted_and_kept():
    rows, counted, _ = judged_file(MEMBERS, "campaign_members")
    assert rows["rule"].isna()[[2, 3, 10]].all()
    assert counted.loc[["unreadable_cost", "unknown_action"], "n_rows"].tolist() == [1, 1]
    assert counted.loc[["unreadable_cost", "unknown_action"], "level"].tolist() == ["warn", "info"]
    assert pd.isna(rows.loc[10, "cost"]) and float(rows.loc[2, "cost"]) == 25


def test_a_contact_on_the_day_of_its_list_or_without_a_readable_list_is_kept():
    rows, counted, _ = judged_file(CONTACTS, "contact_log")
    assert rows["rule"].isna()[[2, 3, 11, 12]].all()
    assert counted.loc["unreadable_list_date", ["level", "n_rows"]].tolist() == ["warn", 1]


def test_rules_of_hand_typed_lists_have_no_limit_that_could_be_set():
    gates = table_rules.gates()
    assert {"unknown_arm", "repeated_member", "unreadable_consent", "no_date"} <= gates
    assert not gates & {"not_done", "before_its_list", "repeated_contact", "unknown_action"}


# Points, referrals and leads

POINTS = """customer_id,at,kind,points,order_id
a,2025-01-01,earn,100,o1
a,2025-01-02,redeem,-40,
a,2025-01-02,gift,5,
a,,earn,5,
a,2026-01-02,earn,5,
a,2025-01-03,earn,many,
,2025-01-03,earn,5,
a,2025-01-04,adjust,0,
a,2025-01-05,earn,"1,250",
"""
REFERRALS = """customer_id,referred_id,at
a,b,2025-02-01
c,b,2025-01-01
a,,2025-02-01
a,a,2025-02-01
a,d,soon
a,e,2026-01-02
,f,2025-02-01
g,g,2025-01-01
a,g,2025-02-01
"""
LEADS = """lead_id,created_on,stage,stage_at,value,customer_id,closed_on,outcome
L1,2025-01-01,new,2025-01-01,900,,,
L1,2025-01-01,quoted,2025-01-09,900,,2025-02-01,won
L1,2025-01-01,quoted,2025-01-09,900,,2025-02-01,won
,2025-01-01,new,2025-01-01,,,,
L2,,new,,,,,
L3,2026-01-02,new,,,,,
L4,2025-01-05,new,,,,2025-01-04,lost
L5,2025-01-05,new,,,,2025-01-14,perhaps
L6,2025-01-05,new,,,,2025-01-14,
L7,2025-01-05,new,,,,,lost
L8,2025-01-05,new,,,,someday,lost
L9,2025-01-05,new,March,dear,x,,open
L10,2025-01-05,new,2025-01-01,,,,
"""


@pytest.mark.parametrize(
    ("text", "table", "broken"),
    [
        (
            POINTS,
            "points",
            {
                "unknown_movement": [(4, "gift")],
                "no_date": [(5, None)],
                "in_the_future": [(6, "2026-01-02")],
                "no_points": [(7, "many")],
                "missing_customer_id": [(8, None)],
            },
        ),
        (
            REFERRALS,
            "referrals",
            {
                "repeated_referral": [(2, None)],
                "no_referred": [(4, None)],
                "self_referral": [(5, None), (9, None)],
                "no_date": [(6, "soon")],
                "in_the_future": [(7, "2026-01-02")],
                "missing_customer_id": [(8, None)],
            },
        ),
        (
            LEADS,
            "leads",
            {
                "repeated_lead": [(4, None)],
                "no_lead": [(5, None)],
                "no_date": [(6, None)],
                "in_the_future": [(7, "2026-01-02")],
                "ends_before_it_starts": [(8, "2025-01-04")],
                "unknown_outcome": [(9, "perhaps")],
                "closed_without_outcome": [(10, None)],
                "outcome_without_day": [(11, None)],
                "unreadable_end": [(12, "someday")],
            },
        ),
    ],
)
def test_bad_rows_of_points_referrals_and_leads_are_excluded(text, table, broken):
    test_bad_rows_are_excluded_with_their_line_and_value(text, table, broken)


def test_a_lead_without_a_customer_is_kept_and_odd_cells_are_counted():
    rows, counted, _ = judged_file(LEADS, "leads")
    assert rows["rule"].isna()[[2, 3, 13, 14]].all()
    found = counted.loc[["unreadable_stage_date", "unreadable_value", "stage_before_the_lead"]]
    assert found["n_rows"].tolist() == [1, 1, 1]
    points, counted, _ = judged_file(POINTS, "points")
    assert float(points.loc[10, "points"]) == 1250 and float(points.loc[3, "points"]) == -40
    assert counted.loc["zero_points", ["level", "n_rows"]].tolist() == ["info", 1]
