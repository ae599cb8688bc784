"""Records as cells: dates, numbers, tags, and nothing that a spreadsheet would calculate."""

import pandas as pd
import pytest

from cvm_analysis.crm import cells, systems

OWN = """name: Ours
dates: "%d.%m.%Y"
tags: ";"
not_allowed: '"|<>'
values: {{next_owner: {{Stores: stores@example.com}}}}
format: {form}
customers:
  file: Kunden
  fields: {{customer_id: Id, segment: S, churn_risk: R, expected_margin: M, next_due_on: D, tags: T,
           next_owner: O}}
"""
ROWS = pd.DataFrame(
    {
        "customer_id": ["b", "a", "=1+1"],
        "segment": ["=HYPER()", 'a "b" <c>|d', "two\nlines"],
        "churn_risk": [12.4, None, 0.0],
        "expected_margin": [-5.6, 1234567.4, None],
        "next_due_on": [pd.Timestamp("2026-01-14"), pd.NaT, pd.NaT],
        "tags": [("x", "y"), ("one;two",), ()],
        "next_owner": ["Stores", "Sales", ""],
    }
)


def written(tmp_path, form="csv"):
    (tmp_path / "ours.yaml").write_text(OWN.format(form=form))
    system = systems.load(str(tmp_path / "ours.yaml"))
    return cells.write({"customers": ROWS}, system)["customers"].set_index("customer_id"), system


def test_each_kind_of_value_is_written_as_the_import_takes_it(tmp_path):
    found, _ = written(tmp_path)
    assert list(found.index) == ["'=1+1", "a", "b"]
    assert found.loc["b"].tolist() == [
        "'=HYPER()", "12", "-6", "14.01.2026", "x;y", "stores@example.com",
    ]  # fmt: skip
    assert found.loc["a"].tolist() == ["a b c d", "", "1234567", "", "one two", "Sales"]
    assert found.loc["'=1+1", "segment"] == "two lines" and found.loc["'=1+1", "tags"] == ""


def test_a_workbook_has_texts_as_they_are(tmp_path):
    found, _ = written(tmp_path, "xlsx")
    assert found.loc["b", "segment"] == "=HYPER()" and "=1+1" in found.index


@pytest.mark.parametrize(
    ("kind", "ours", "theirs", "differs"),
    [
        ("date", "14.01.2026", "2026-01-14", False),
        ("date", "14.01.2026", "Jan 14, 2026", False),
        ("date", "14.01.2026", "2026-01-14 00:00:00", False),
        ("date", "14.01.2026", "2026-01-15", True),
        ("date", "14.01.2026", "", True),
        ("money", "1234567", "¥1,234,567.00", False),
        ("money", "-6", "-6.0", False),
        ("money", "-6", "6", True),
        ("money", "", "", False),
        ("percent", "12", "12%", False),
        ("percent", "12", "many", True),
        ("tags", "x;y", "y; x", False),
        ("tags", "x;y", "x;y;z", True),
        ("text", "'=A", "=A", False),
        ("text", "High", " High ", False),
        ("text", "High", "high", True),
    ],
)
def test_cells_differ_by_what_they_say_not_by_how_it_is_written(
    tmp_path, kind, ours, theirs, differs
):
    _, system = written(tmp_path)
    found = cells.find_differences(pd.Series([ours]), pd.Series([theirs]), kind, system)
    assert found.tolist() == [differs]
