"""Lists as a workbook, read back by another library and in its XML."""

import datetime as dt
import io
import re
import zipfile

import numpy as np
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from cvm_analysis.report import workbook
from cvm_analysis.report.writer import Writer
from cvm_analysis.texts import words

EN, ZH = (Writer(words(language, horizon_weeks=52), "CNY") for language in ("en", "zh"))
DAY = dt.date(2025, 12, 31)
HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", '=HYPERLINK("http://a.b")', "http://a.b/c", "＝1"]


def listed(n=3):
    return pd.DataFrame(
        {
            "customer_id": ["00123", "622202000123456789", "地板"][:n],
            "days_since_last": [54, 1, 0][:n],
            "churn_risk": [0.256, np.nan, 1.0][:n],
            "margin_at_stake": [12345.67, 0.0, np.inf][:n],
            "due_on": pd.to_datetime(["2026-01-14", None, "2026-02-28"])[:n],
            "store": ["A1", "", None][:n],
        }
    )


def read(content, sheet=0):
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(sheet).to_python()


def xml(content, name="xl/worksheets/sheet1.xml"):
    return zipfile.ZipFile(io.BytesIO(content)).read(name).decode()


def write(table, writer=EN):
    return workbook.write(writer, {"watchlist": table}, "Demo", DAY)


def test_every_value_is_what_it_was():
    rows = read(write(listed()))
    assert rows[1] == ["00123", 54.0, 0.256, 12345.67, dt.date(2026, 1, 14), "A1"]
    assert rows[2] == ["622202000123456789", 1.0, "", 0.0, "", ""], "ids keep every digit"
    assert rows[3] == ["地板", 0.0, 1.0, "", dt.date(2026, 2, 28), ""]


def test_headings_and_sheets_are_in_the_language():
    assert read(write(listed()))[0] == [
        "Customer", "Days since last order", "Churn risk", "Margin at stake, next 12 months", "By",
        "Store",
    ]  # fmt: skip
    lists = dict.fromkeys(("watchlist", "actions", "segments"), listed())
    made = workbook.write(ZH, lists, "Demo", DAY)
    book = CalamineWorkbook.from_filelike(io.BytesIO(made))
    assert book.sheet_names == ["待联系客户", "行动清单", "客户分层"]
    assert read(made)[0][:2] == ["客户", "未下单天数"]


def test_nothing_from_the_data_is_calculated_or_a_link():
    table = pd.DataFrame({"customer_id": HOSTILE})
    content = write(table)
    assert [row[0] for row in read(content)[1:]] == HOSTILE
    assert (
        "<f>" not in xml(content) and "<f " not in xml(content) and "hyperlink" not in xml(content)
    )
    assert not [
        name for name in zipfile.ZipFile(io.BytesIO(content)).namelist() if "rels/sheet" in name
    ]
    quoted = re.findall(r'<c r="A\d+" s="(\d+)" t="inlineStr"', xml(content))
    assert len(quoted) == len(HOSTILE), "heading, and all but the address, which is harmless"
    assert 'quotePrefix="1"' in xml(content, "xl/styles.xml")


def test_numbers_and_days_have_formats():
    content = write(listed())
    styles = xml(content, "xl/styles.xml")
    for form in ('"¥"#,##0', "yyyy-mm-dd"):
        assert form.replace('"', "&quot;") in styles
    cells = dict(re.findall(r'<c r="([A-F])2" s="(\d+)"', xml(content)))
    assert len(set(cells.values())) == 4 and set(cells) == {"B", "C", "D", "E"}


def test_a_sheet_can_be_filtered_and_keeps_heading_and_customer_in_sight():
    table = xml(write(listed()))
    assert '<autoFilter ref="A1:F4"/>' in table
    assert re.search(r'<pane xSplit="1" ySplit="1" topLeftCell="B2"[^>]*state="frozen"', table)
    assert 'fitToHeight="0"' in table and 'orientation="landscape"' in table


def test_columns_are_as_wide_as_their_texts_chinese_counted_double():
    table = pd.DataFrame({"customer_id": ["x"], "city": ["地" * 12], "reasons": ["long " * 40]})
    widths = [float(w) for w in re.findall(r'<col [^>]*width="([\d.]+)"', xml(write(table)))]
    narrow, city, reasons = widths
    assert narrow < 14 and 24 <= city < 28 and reasons < 50


def test_the_same_lists_give_the_same_bytes_and_the_file_bears_their_day():
    made = write(listed())
    assert made == write(listed())
    assert "2025-12-31T00:00:00Z" in xml(made, "docProps/core.xml")
    assert made != workbook.write(EN, {"watchlist": listed()}, "Demo", dt.date(2026, 1, 31))


def test_a_list_without_rows_is_a_sheet_with_headings():
    assert read(write(listed(0)))[0][0] == "Customer"


def test_a_list_longer_than_a_sheet_goes_on_in_the_next(monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 2)
    content = write(listed())
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert book.sheet_names == ["Customers due", "Customers due 2"]
    assert [row[0] for row in read(content, 1)] == ["Customer", "地板"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_names_of_sheets_are_allowed(language):
    names = [
        words(language)(f"report.lists.{name}") for name in ("watchlist", "actions", "segments")
    ]
    assert all(len(name) <= 25 and not set(name) & set("[]:*?/\\") for name in names)
