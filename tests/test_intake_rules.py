"""Text to values, and which rule a row breaks first."""

import datetime as dt
from io import StringIO

import ibis
import pandas as pd
import pytest

from cvm_analysis.intake import rules

DAY = dt.date(2026, 1, 1)


def judged(duplicates="quarantine", formats=None, **columns):
    n = len(next(iter(columns.values())))
    raw = pd.DataFrame(
        {
            "file": "f.csv",
            "line": range(2, n + 2),
            "repeated": False,
            "n_fields": 3,
            "customer_id": "c",
            "ordered_at": "2025-03-04",
            "amount": "1",
        }
        | columns
    )
    table = rules.parse_columns(ibis.memtable(raw), "transactions", 3, formats or {})
    repeated = ibis.memtable(raw[["line", "repeated"]])
    table = table.join(repeated, "line")
    table = table.mutate(region=ibis.literal("east"), counted_in=ibis.literal("east"))
    return rules.apply(table, rules.rules_for("transactions", DAY, duplicates))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("10", 10),
        (" -2.50 ", -2.5),
        ("1,234,567.89", 1234567.89),
        ("¥1,200", 1200),
        ("-¥3", -3),
        ("见附件", None),
        ("1,23", None),
        ("1.2.3", None),
        ("nan", None),
        ("", None),
    ],
)
def test_amounts(text, amount):
    found = judged(amount=[text]).amount.to_pandas()[0]
    assert found is None or pd.isna(found) if amount is None else float(found) == amount


@pytest.mark.parametrize(
    ("text", "value"),
    [("35%", 0.35), (" 7.5 % ", 0.075), ("-2％", -0.02), ("0.35", 0.35), ("1,200%", 12),
     ("%", None), ("35%x", None), ("约35%", None)],
)  # fmt: skip
def test_a_percentage_is_a_number_and_no_amount(text, value):
    raw = ibis.memtable(pd.DataFrame({"value": [text]}))
    cell = rules.parse_cell(raw, "value", "number")
    found = raw.select(value=cell).to_pandas()["value"][0]
    assert pd.isna(found) if value is None else float(found) == value
    if "%" in text:
        assert pd.isna(judged(amount=[text]).amount.to_pandas()[0])


@pytest.mark.parametrize(
    ("text", "pattern", "day"),
    [
        ("2025-03-04", None, "2025-03-04"),
        ("2025/3/4", None, "2025-03-04"),
        ("2025-03-04 23:59:59", None, "2025-03-04"),
        ("2024-02-30", None, None),
        ("2025-03-04T23:00:00+08:00", None, "2025-03-04"),  # 15:00 UTC
        ("04.03.2025", "%d.%m.%Y", "2025-03-04"),
        ("2025年3月4日", "%Y年%m月%d日", "2025-03-04"),
        ("2025-03-04", "%d.%m.%Y", None),
    ],
)
def test_dates_are_read_or_refused_never_guessed(text, pattern, day):
    rows = judged(ordered_at=[text], formats={"ordered_at": pattern} if pattern else None)
    found = rows.ordered_at.to_pandas()[0]
    assert (None if pd.isna(found) else str(found)[:10]) == day


def test_amount_is_quantity_times_price_where_it_is_not_given():
    raw = pd.DataFrame(
        {"file": ["f"], "line": [2], "n_fields": [4], "customer_id": ["c"]}
        | {"ordered_at": ["2025-01-01"], "quantity": ["-3"], "unit_price": ["1.255"]}
    )
    table = rules.parse_columns(ibis.memtable(raw), "transactions", 4, {})
    assert float(table.amount.to_pandas()[0]) == -3.765


def test_each_broken_row_gets_the_first_rule_it_breaks():
    rows = judged(
        customer_id=["", "c", "c", "c", "c", "c"],
        ordered_at=["no", "no", "2026-01-02", "2026-01-01", "2025-01-01", "2025-01-01"],
        amount=["x", "x", "1", "x", "1", "2"],
        n_fields=[3, 3, 3, 3, 2, 3],
    )
    found = rows.order_by("line").rule.to_pandas()
    assert list(found[:5]) == [
        "missing_customer_id",
        "no_date",
        "in_the_future",
        "no_amount",
        "wrong_number_of_cells",
    ]
    assert pd.isna(found[5])


def test_of_repeated_lines_the_first_stays():
    later = [False, False, True, True]
    found = judged(repeated=later, amount=["1", "2", "1", "1"]).order_by("line").rule.to_pandas()
    assert list(found.fillna("")) == ["", "", "repeated_line", "repeated_line"]


def test_counts_of_quarantined_and_kept_rows_add_up():
    asked = rules.rules_for("transactions", DAY)
    rows = judged("keep", amount=["1", "x", "-1", "0"], repeated=[False, True, False, True])
    both = rules.count(rows, asked, "transactions").set_index(["region", "check"])
    counted = both.loc["all"]
    pd.testing.assert_frame_equal(both.loc["east"], counted)
    assert counted.loc["no_amount", ["n_rows", "share"]].tolist() == [1, 0.25]
    assert counted.loc[["return", "zero_amount"], "n_rows"].tolist() == [1, 1]
    assert counted.loc["repeated_line", "n_rows"] == 1  # the other repeat is quarantined already
    bad = rules.quarantine(rows, asked).to_pandas()
    assert bad[["file", "line", "rule", "column", "value"]].to_dict("records") == [
        {"file": "f.csv", "line": 3, "rule": "no_amount", "column": "amount", "value": "x"}
    ]


def test_a_row_is_counted_in_its_region_and_in_all_or_in_all_alone():
    asked = rules.rules_for("transactions", DAY)
    rows = judged("keep", amount=["1", "x", "x", "x"])
    places = ibis.cases(
        (rows.line == 2, "west"), (rows.line == 3, "west"), (rows.line == 4, "east")
    )
    counted = rules.count(rows.mutate(counted_in=places), asked, "transactions")
    bad = counted[counted["check"] == "no_amount"].set_index("region")
    assert bad["n_rows"].to_dict() == {"all": 3, "east": 1, "west": 1}
    assert bad["share"].to_dict() == {"all": 0.75, "east": 1.0, "west": 0.5}


# Campaigns, contacts and consents: rows of a hand-made file, the header being line 1

ACTIONS = ("call", "letter")
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


def judged_file(text, table):
    """Every row of a file of a table, by line, with what was counted and rejected."""
    raw = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False)
    width = raw.shape[1]
    repeated = raw.duplicated()
    raw = raw.assign(file="f.csv", line=raw.index + 2, n_fields=width, repeated=repeated)
    rows = rules.parse_columns(ibis.memtable(raw), table, width, {})
    rows = rows.join(ibis.memtable(raw[["line", "repeated"]]), "line")
    rows = rows.mutate(region=ibis.literal("east"), counted_in=ibis.literal("east"))
    asked = rules.rules_for(table, DAY, actions=ACTIONS)
    checked = rules.apply(rows, asked)
    counted = rules.count(checked, asked, table).set_index(["region", "check"]).loc["all"]
    bad = rules.quarantine(checked, asked).to_pandas().set_index("line").sort_index()
    return checked.to_pandas().set_index("line"), counted, bad


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


@pytest.mark.parametrize(
    ("word", "given"),
    [
        *((word, True) for word in ("yes", "YES", " true ", "1", "y", "是", "同意")),
        *((word, False) for word in ("no", "No", "FALSE", "0", "n", "否", "不同意")),
        *((word, None) for word in ("2", "ja", "未知", "")),
    ],
)
def test_words_of_consent(word, given):
    rows, _, _ = judged_file(f"customer_id,channel,given,at\na,sms,{word},2025-01-01\n", "consents")
    found = rows.loc[2, "given"]
    assert pd.isna(found) if given is None else bool(found) is given
    assert pd.isna(rows.loc[2, "rule"]) == (given is not None)


def test_rules_of_hand_typed_lists_have_no_limit_that_could_be_set():
    gates = rules.gates()
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
