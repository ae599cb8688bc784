"""Text to values, and which rule a row breaks first."""

import datetime as dt

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
            "digest": [bytes([i]) for i in range(n)],
            "n_fields": 3,
            "customer_id": "c",
            "ordered_at": "2025-03-04",
            "amount": "1",
        }
        | columns
    )
    table = rules.parse_columns(ibis.memtable(raw), "transactions", 3, formats or {})
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
    ("text", "pattern", "day"),
    [
        ("2025-03-04", None, "2025-03-04"),
        ("2025/3/4", None, "2025-03-04"),
        ("2025-03-04 23:59:59", None, "2025-03-04"),
        ("2024-02-30", None, None),
        ("2025-03-04T23:00:00+08:00", None, None),
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
        {"file": ["f"], "line": [2], "digest": [b"1"], "n_fields": [4], "customer_id": ["c"]}
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
    same = [b"a", b"b", b"a", b"a"]
    found = judged(digest=same, amount=["1", "2", "1", "1"]).order_by("line").rule.to_pandas()
    assert list(found.fillna("")) == ["", "", "repeated_line", "repeated_line"]


def test_counts_of_quarantined_and_kept_rows_add_up():
    asked = rules.rules_for("transactions", DAY)
    rows = judged("keep", amount=["1", "x", "-1", "0"], digest=[b"a", b"a", b"c", b"c"])
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
