"""Rules of the config for columns: which rows they exclude, keep and count."""

import json

import pandas as pd
import pytest
from small_business import NAMED, small

from cvm_analysis import prepared
from cvm_analysis.errors import GateError
from cvm_analysis.texts import words

SALES = """customer_id,ordered_at,amount,sold_in,order_id,quantity,channel
a,2023-12-31,5,Nord,o1,1,web
a,2024-01-01,5,Nord,o2,10,store
a,2024-01-02,5,Nord,o3,11,Web
a,2024-01-03,5,Nord,o4,0.5,
b,2024-01-04,5,Nord,o5,,web
b,2024-01-05,5,Nord,,1,web
b,2024-01-06,5,Nord,o2,1,web
"""
PEOPLE = """customer_id,vat,floor_area
a,DE123,"1,200"
b,DE12,unknown
c,XDE123,500
d,,80
"""
FEEDBACK = """customer_id,at,kind,score,about_order
a,2024-02-01,nps,9,o3
a,2024-02-02,nps,7,o9
b,2024-02-03,nps,8,
b,2024-02-04,csat,6,o1
"""
RULES = """
  {column: transactions.quantity, range: {min: 1, max: 10}},
  {column: transactions.order_id, not_null: true},
  {column: transactions.order_id, unique: true},
  {column: transactions.ordered_at, range: {min: 2024-01-01}, level: warn},
  {column: transactions.channel, accepted: [web, store], level: warn},
  {column: customers.vat, matches: "DE[0-9]{3}"},
  {column: customers.floor_area, range: {max: 500}, level: warn},
  {column: feedback.about_order, refers_to: transactions.order_id},
  {column: feedback.score, accepted: [7, 8.0, 9]}
"""
EXCLUDED = {  # by rule: file, line, column, value
    "range.quantity": [
        ("sales.csv", 4, "quantity", "11"),
        ("sales.csv", 5, "quantity", "0.5"),
    ],
    "not_null.order_id": [("sales.csv", 7, "order_id", None)],
    "unique.order_id": [("sales.csv", 8, "order_id", "o2")],
    "matches.vat": [("people.csv", 3, "vat", "DE12"), ("people.csv", 4, "vat", "XDE123")],
    "refers_to.about_order": [("feedback.csv", 3, "about_order", "o9")],
    "accepted.score": [("feedback.csv", 5, "score", "6")],
}


@pytest.fixture(scope="module")
def business(tmp_path_factory):
    others = {"feedback": FEEDBACK}
    folder = tmp_path_factory.mktemp("ruled")
    return small(folder, NAMED, {"sales.csv": SALES}, PEOPLE, others=others, rules=RULES)


def test_rows_that_break_a_rule_are_excluded_with_file_line_and_value(business):
    rows = pd.read_parquet(business.prepared / "quarantine.parquet")
    found = {
        rule: [
            (row.file, row.line, row.column, None if pd.isna(row.value) else row.value)
            for row in part.itertuples()
        ]
        for rule, part in rows.groupby("rule")
    }
    assert {k: v for k, v in found.items() if "." in k} == EXCLUDED


def test_rules_of_level_warn_keep_the_rows_and_prepare_says_how_many(business):
    said = json.loads((business.prepared / "prepared.json").read_text("utf-8"))["warnings"]
    assert said == [
        "transactions.ordered_at: 1 of 3 rows are not at least 2024-01-01",
        "customers.floor_area: 1 of 1 rows are not at most 500",
    ]
    assert len(pd.read_parquet(business.prepared / "transactions")) == 3


def test_quality_counts_each_rule_by_region_under_its_column(business):
    quality = prepared.open(business, "n").quality.set_index("check")
    expected = {"range.quantity": 2, "unique.order_id": 1, "accepted.channel": 0}
    assert quality.loc[list(expected), "n_rows"].to_dict() == expected
    assert quality.loc["range.floor_area", ["column", "level"]].tolist() == ["floor_area", "info"]


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "quantity: outside the allowed range"), ("zh", "quantity：超出允许范围")],
)
def test_a_report_names_each_rule_in_its_language(business, language, said):
    assert words(language, business.words)("checks.range.quantity") == said


def test_a_rule_stops_a_run_at_the_limit_of_its_own(tmp_path):
    sales = {"sales.csv": SALES}
    rules = "{column: transactions.quantity, range: {max: 10}}"
    with pytest.raises(GateError, match=r"range\.quantity: 1 rows of transactions are 14\.3%"):
        small(tmp_path, NAMED, sales, limit="1, range.quantity: 0.1", rules=rules)
    small(tmp_path, NAMED, sales, limit="1, range.quantity: 0.15", rules=rules)


def test_people_are_found_in_another_table_by_their_pseudonyms(tmp_path, monkeypatch):
    monkeypatch.setenv("CVM_KEY", "a key of the tests, long enough")
    rules = "{column: transactions.customer_id, refers_to: customers.customer_id}"
    people = PEOPLE.replace("b,DE12,unknown\n", "")
    settings = small(tmp_path, NAMED, {"sales.csv": SALES}, people, pseudonyms="on", rules=rules)
    rows = pd.read_parquet(settings.prepared / "quarantine.parquet")
    rows = rows[rows["rule"] == "refers_to.customer_id"]
    assert rows["line"].tolist() == [6, 7, 8] and rows["value"].isna().all()
