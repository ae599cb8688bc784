"""The latest record of a customer and channel decides; the first channel allowed is used."""

import datetime as dt
from types import SimpleNamespace

import pandas as pd
import pytest

from cvm_analysis.strategy import consent

DAY = dt.date(2025, 12, 31)
LETTER = SimpleNamespace(code="letter", channel=("email", "sms"), needs_consent=True)
CALL = SimpleNamespace(code="call", channel=("phone",), needs_consent=False)


def chosen(records=None, attribute=None, who="a"):
    rows = pd.DataFrame(
        {"customer_id": list(who) * 2, "action": ["letter"] * len(who) + ["call"] * len(who)}
    )
    table = None
    if records is not None:
        table = pd.DataFrame(records, columns=["customer_id", "channel", "given", "at"])
    found = consent.choose_channels(rows, [LETTER, CALL], DAY, table, attribute)
    assert (found["consent"][len(who) :] == "not_needed").all()
    assert (found["channel"][len(who) :] == "phone").all()
    return [tuple(row) for row in found[: len(who)].to_numpy()]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([("email", True, "2025-01-01")], ("email", "given")),
        ([("sms", True, "2025-01-01")], ("sms", "given")),
        ([("sms", True, "2025-01-01"), ("email", True, "2025-06-01")], ("email", "given")),
        ([("email", True, "2025-01-01"), ("email", False, "2025-06-01")], (None, "refused")),
        ([("email", False, "2025-06-01"), ("email", True, "2025-01-01")], (None, "refused")),
        ([("email", False, "2025-01-01"), ("email", True, "2025-06-01")], ("email", "given")),
        ([("email", True, "2025-06-01"), ("email", False, "2025-06-01")], (None, "refused")),
        ([("email", True, "2025-01-01"), ("email", False, "2026-01-01")], ("email", "given")),
        ([("email", False, "2025-01-01"), ("sms", True, "2025-01-01")], ("sms", "given")),
        ([("phone", True, "2025-01-01")], (None, "refused")),
    ],
)
def test_the_latest_record_by_that_day_decides(records, expected):
    assert chosen([("a", *record) for record in records]) == [expected]


def test_who_has_no_record_among_records_of_others_has_not_agreed():
    assert chosen([("b", "email", True, "2025-01-01")], who="ab") == [
        *((None, "refused"), ("email", "given"))
    ]


def test_nothing_recorded_leaves_nobody_out():
    first = [("email", "not_recorded")]
    assert chosen() == chosen([]) == first
    assert chosen([("a", "email", False, "2026-01-01")]) == first  # after that day


def test_the_attribute_decides_where_no_channel_is_recorded():
    words = pd.Series({"a": " Yes ", "b": "no", "c": None, "d": "yes"})
    attribute = consent.read_attribute(words, ["yes"])
    assert attribute.to_dict() == pytest.approx(
        {"a": 1, "b": 0, "c": float("nan"), "d": 1}, nan_ok=True
    )
    records = [("b", "sms", True, "2025-01-01"), ("d", "email", False, "2025-01-01")]
    assert chosen(records, attribute, "abcd") == [
        *(("email", "given"), ("sms", "given"), (None, "refused"), ("sms", "given"))
    ]
    assert chosen(None, attribute, "ab") == [("email", "given"), (None, "refused")]


def test_an_attribute_that_nobody_has_is_none():
    assert consent.read_attribute(None, ["yes"]) is None
    assert consent.read_attribute(pd.Series([None, None]), ["yes"]) is None


def refused(records, attribute=None):
    table = pd.DataFrame(records, columns=["customer_id", "channel", "given", "at"])
    return consent.find_refused(table, attribute, [LETTER, CALL], DAY).to_dict()


def test_refused_channels_are_those_of_the_latest_record():
    records = [
        ("a", "email", True, "2025-01-01"),
        ("a", "email", False, "2025-02-01"),
        ("a", "visit", False, "2025-02-01"),
        ("b", "email", False, "2025-01-01"),
        ("b", "email", True, "2025-02-01"),
        ("c", "sms", False, "2026-01-01"),
    ]
    assert refused(records) == {"a": ("email", "visit")}
    assert refused([]) == {}


def test_a_refusal_in_general_is_one_of_all_channels_but_those_agreed_to():
    attribute = pd.Series({"a": 0.0, "b": 1.0, "c": 0.0, "d": float("nan")})
    records = [("b", "visit", False, "2025-01-01"), ("c", "sms", True, "2025-01-01")]
    assert refused(records, attribute) == {
        "a": ("email", "phone", "sms", "visit"),
        "b": ("visit",),
        "c": ("email", "phone", "visit"),
    }
    assert refused([], attribute) == {
        "a": ("email", "phone", "sms"),
        "c": ("email", "phone", "sms"),
    }
