"""Text to values: read or refused, never guessed."""

import ibis
import pandas as pd
import pytest
from judged_rows import judged, judged_file

from cvm_analysis.intake import parsing


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
    cell = parsing.parse_cell(raw, "value", "number")
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
        {"file": ["f"], "line": [2], "ragged": [False], "customer_id": ["c"]}
        | {"ordered_at": ["2025-01-01"], "quantity": ["-3"], "unit_price": ["1.255"]}
    )
    table = parsing.parse_columns(ibis.memtable(raw), "transactions", {})
    assert float(table.amount.to_pandas()[0]) == -3.765


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
