"""The row of each customer by hand, and against a plain reading of the sample's file."""

import datetime as dt

import numpy as np
import pandas as pd
import small_feedback

from cvm_analysis.experience import answers, complaints, customer_table, nonresponse
from cvm_analysis.tables import check

FIRST, AS_OF = dt.date(2023, 1, 1), dt.date(2025, 12, 31)


def build(feedback, customers, candidates):
    given = answers.read(feedback)
    within = answers.add_period(given, AS_OF, 91, FIRST)
    asked = nonresponse.asked(answers.add_period(candidates, AS_OF, 91, FIRST), within)
    cases = complaints.cases(feedback, AS_OF, 90)
    table = customer_table.build(pd.Index(customers), given, cases, asked, AS_OF, 91)
    check("experience", table.reset_index())
    return table


def test_a_row_by_hand():
    feedback = pd.DataFrame(
        [
            ("a", "2025-12-01", "nps", None, 9, None),
            ("a", "2025-12-01", "csat", "price", 2, None),
            ("a", "2025-06-01", "csat", "product", 5, None),
            ("a", "2025-12-21", "complaint", "price", np.nan, None),
            ("b", "2025-05-01", "complaint", "price", np.nan, "2025-05-03"),
            ("b", "2026-01-01", "nps", None, 1, None),
        ],
        columns=["customer_id", "at", "kind", "dimension", "score", "closed_at"],
    )
    feedback = feedback.assign(
        at=pd.to_datetime(feedback["at"]), closed_at=pd.to_datetime(feedback["closed_at"])
    )
    bought = pd.DataFrame({"customer_id": ["c", "b"], "at": ["2025-11-11", "2025-01-01"]})
    table = build(feedback, ["a", "b", "c"], bought)
    assert table.loc["a"].drop("last_answer").to_dict() == {
        "nps": 9, "n_answered": 1, "was_asked": True, "complaints_open": 1, "complaint_days": 10,
        "n_complaints": 1, "satisfaction_price": 2, "satisfaction_product": 5,
    }  # fmt: skip
    assert table.loc["a", "last_answer"] == pd.Timestamp("2025-12-01")
    assert np.isnan(table.loc["b", "nps"]) and pd.isna(table.loc["b", "last_answer"])
    assert table.loc["b", ["was_asked", "complaints_open", "n_complaints"]].tolist() == [
        False,
        0,
        1,
    ]
    assert table.loc["c", ["was_asked", "n_answered", "n_complaints"]].tolist() == [True, 0, 0]


def test_the_sample_has_the_last_scores_of_its_file():
    rows = sorted(small_feedback.records(), key=lambda r: (r["at"], -int(r["score"] or 0)))
    last = {(r["customer_id"], r["kind"], r["dimension"]): int(r["score"] or 0) for r in rows}
    customers = sorted({r["customer_id"] for r in rows})
    nobody = pd.DataFrame({"customer_id": [], "at": []})
    table = build(small_feedback.table(), customers, nobody)
    for customer, row in table.iterrows():
        expected = last.get((customer, "nps", ""), np.nan)
        assert np.array_equal(row["nps"], expected, equal_nan=True)
        expected = last.get((customer, "csat", "in_sale"), np.nan)
        assert np.array_equal(row["satisfaction_in_sale"], expected, equal_nan=True)
    days = [r for r in rows if r["kind"] == "nps" and r["at"] > "2025-10-01"]
    assert (table["n_answered"] > 0).sum() == len({r["customer_id"] for r in days})


def test_contacts_are_columns_where_there_is_one():
    nothing = small_feedback.table().head(0)
    given = answers.read(nothing)
    cases = complaints.cases(nothing, AS_OF, 90)
    asked = nonresponse.asked(answers.add_period(given.assign(at=given["at"]), AS_OF, 91, FIRST),
                              answers.add_period(given, AS_OF, 91, FIRST))  # fmt: skip
    contacted = pd.DataFrame(
        {
            "last_contact": [pd.Timestamp("2025-12-01")],
            "last_contact_by": ["sales"],
            "last_contact_channel": ["sms"],
            "best_channel": ["phone"],
        },
        pd.Index(["b"], name="customer_id"),
    )
    people = pd.Index(["a", "b"])
    rest = given, cases, asked, AS_OF, 91
    table = customer_table.build(people, *rest, contacted)
    check("experience", table.reset_index())
    assert table.loc["b", "best_channel"] == "phone" and pd.isna(table.loc["a", "last_contact"])
    for none in (None, contacted.head(0)):
        assert "best_channel" not in customer_table.build(people, *rest, none)


def test_without_feedback_nobody_has_said_anything():
    nothing = small_feedback.table().head(0)
    table = build(nothing, ["a"], pd.DataFrame({"customer_id": ["a"], "at": ["2025-12-30"]}))
    assert table.loc["a", ["was_asked", "n_answered", "n_complaints"]].tolist() == [True, 0, 0]
