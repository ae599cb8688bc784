"""One invented customer, with every kind of fact, for the tests of the customer's page."""

import datetime as dt
import html
import re

import pandas as pd

from cvm_analysis.report.customer import Customer
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import TABLES
from cvm_analysis.texts import words

DAY = dt.date(2025, 12, 31)
OWN = {
    language: {
        **{f"actions.{k}": v for k, v in names.items()},
        "action_steps.complaint": first,
        "action_messages.complaint": message,
        "owners.service": owner,
        "values.category.floor": floor,
        "values.level.gold": gold,
        "values.result.reached": reached,
        "indicators.pay": pay,
    }
    for language, names, first, message, owner, floor, gold, reached, pay in (
        ("en", {"complaint": "Close the complaint", "offer": "Make an offer", "news": "Send news"},
         "Call and apologise", "We put it right.", "Service", "Flooring", "Gold", "Reached", "Pay"),
        ("zh", {"complaint": "处理投诉", "offer": "优惠", "news": "资讯"},
         "致电道歉", "我们会处理。", "客服部", "地板", "金卡", "已联系上", "付款"),
    )
}  # fmt: skip
EN, ZH = (Writer(words(each, OWN, 52, 364), "EUR") for each in ("en", "zh"))
FACTS = {
    **{"customer_type": "retail", "city": "Berlin", "gender": "female", "club": "rowing"},
    **{"joined_on": pd.Timestamp(2023, 1, 5), "birth_date": pd.Timestamp(1990, 5, 3)},
    **{"n_orders": 4, "first_order": pd.Timestamp(2023, 2, 1), "days_since_last": 90.0},
    **{"last_order": pd.Timestamp(2025, 10, 2), "next_order_on": pd.Timestamp(2025, 11, 1)},
    **{"usual_gap_days": 30.0, "days_overdue": 60.0, "days_to_birthday": 123.0},
    **{"churn_risk": 0.344, "lapsed": False, "margin_at_stake": 812.0, "net_sales_365d": 1500.0},
    **{"reason_1": "silence_gaps", "reason_1_value": 3.0, "reason_2": "complaints_open"},
    **{"reason_2_value": 1.0, "reason_3": None, "reason_3_value": float("nan")},
    **{"expected_margin": 640.0, "expected_margin_low": 120.0, "expected_margin_high": 1330.0},
    **{"sales_change": -0.25, "segment": "at_risk", "rfm": "at_risk", "life_cycle": "declining"},
    **{"frequency": "mid", "amount": "high", "loyalty": "loyal", "grade": "B", "score": 55.4},
    **{"since": pd.Timestamp(2025, 9, 30), "next_grade": "A", "points_to_next": 4.25},
    **{"change": "spend", "change_from": 1500.0, "change_to": 1800.0, "fell_from": "A"},
    **{"largest_drop": "frequency", "nps": 3.0, "last_answer": pd.Timestamp(2025, 8, 22)},
    **{"satisfaction_product": 4.0, "satisfaction_price": 2.0, "best_channel": "phone"},
    **{"level": "gold", "points_balance": 1250.0, "points_expiring": 200.0, "next_level": None},
    **{"expires_on": pd.Timestamp(2026, 1, 31), "n_referred": 2, "brought_value": 480.0},
    **{"days_to_service": -5.0, "days_to_warranty_end": 40.0},
    **{"p_end_365d": 0.65, "due_on": pd.NaT},
}


def text(block):
    """What a reader reads of a block, one blank between words."""
    return words_of(block.html)


def words_of(page):
    """The same of HTML."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).replace("\u2060", "").split())


def actions(*rows):
    """Rows of table `actions`: action, rank, in_plan, arm."""
    usual = {"customer_id": "C1", "owner": "service", "channel": "phone"}
    usual |= {"reason": "complaint_days", "reason_value": 62.0, "reason_text": None}
    table = [
        {**usual, "action": action, "rank": rank, "in_plan": in_plan, "arm": arm,
         "due_on": pd.Timestamp(2026, 1, 2 + rank)}
        for action, rank, in_plan, arm in rows
    ]  # fmt: skip
    found = pd.DataFrame(table, columns=list(TABLES["actions"].columns))
    return found.set_index(["customer_id", "action"])


def customer(facts=None, **changes):
    """The customer, with other facts or rows where given."""
    day = pd.Timestamp
    known = {
        "customer_id": "C1",
        "as_of": DAY,
        "facts": {**FACTS, **(facts or {})},
        "own": ["club"],
        "grade_points": pd.DataFrame(
            {"customer_id": "C1", "indicator": ["spend", "pay"], "value": [1500.0, 56.0],
             "points": [80.0, 20.0], "contribution": [48.0, 8.0]},
        ).set_index(["customer_id", "indicator"]),
        "actions": actions(("complaint", 1, True, None), ("news", 3, False, None)),
        "next_products": pd.DataFrame(
            {"customer_id": "C1", "rank": [2, 1], "product": ["glue", "floor"],
             "because_of": ["floor", "glue"]},
        ).set_index(["customer_id", "rank"]),
        "follow_ups": pd.DataFrame(),
        "orders": pd.DataFrame(
            {"order": ["2", "1"], "day": [day(2025, 10, 2), day(2023, 2, 1)],
             "amount": [300.0, 90.0], "bought": [("oak", "glue"), ()], "days_late": [4.0, 0.0]},
        ),
        "days": pd.DataFrame(
            {"day": [day(2023, 2, 1), day(2025, 10, 2)], "bought": [100.0, 300.0],
             "returned": [-10.0, 0.0]},
        ),
        "categories": pd.DataFrame(
            {"amount": [300.0, 100.0], "share": [0.75, 0.25], "n_orders": [1, 1],
             "last_day": [day(2025, 10, 2), day(2023, 2, 1)]}, index=["floor", "tools"],
        ),
        "channels": pd.DataFrame({"share": [1.0]}, index=["web"]),
        "weekday": (5, 3, 4),
        "month": None,
        "complaints": pd.DataFrame(
            {"at": [day(2024, 3, 1), day(2025, 10, 30)], "dimension": ["price", "product"],
             "text": [None, "scratched"], "duration": [12.0, 62.0], "event": [1, 0]},
        ),
        "leads": pd.DataFrame(),
        "contacts": pd.DataFrame(
            {"at": [day(2025, 6, 1)], "action": ["offer"], "channel": ["phone"],
             "owner": ["Mia"], "result": ["Reached"]},
        ),
        "contracts": pd.DataFrame({"started_on": [day(2024, 5, 1)], "ended_on": [pd.NaT]}),
        "consents": {"phone": True, "sms": False},
    }  # fmt: skip
    return Customer(**{**known, **changes})


def prospect(**changes):
    """Somebody who never bought, with an enquiry."""
    facts = {"customer_type": "project", "city": None, "joined_on": pd.Timestamp(2025, 12, 10)}
    facts |= {"n_orders": 0, "rfm": "prospect", "segment": "prospect", "life_cycle": "prospect"}
    none = {
        "categories": ["share"], "channels": ["share"], "contacts": ["at"],
        "orders": ["order", "day", "amount", "bought", "days_late"],
        "days": ["day", "bought", "returned"], "contracts": ["started_on", "ended_on"],
        "complaints": ["at", "dimension", "duration", "event"],
    }  # fmt: skip
    empty = {name: pd.DataFrame(columns=columns) for name, columns in none.items()}
    empty["complaints"] = empty["complaints"].astype({"at": "datetime64[ns]", "duration": float})
    lead = pd.DataFrame(
        {"stage": "visit", "stage_at": pd.Timestamp(2025, 12, 18), "value": 18_000.0,
         "source": "web", "owner": "HB-1", "outcome": ["open"]}, index=["L1"],
    )  # fmt: skip
    due = pd.DataFrame(
        {"due_on": [pd.Timestamp(2025, 12, 25)], "days_overdue": [6.0]}, index=["L1"]
    )
    known = dict.fromkeys(("grade_points", "next_products", "actions"), pd.DataFrame())
    known |= {**empty, "leads": lead, "follow_ups": due, "consents": {}, "own": []}
    made = {**known, "weekday": None, "month": None, **changes}
    return Customer("P1", DAY, facts, **made)
