"""The files of an export: parts, headers, and who may read them."""

import csv
import stat

import pandas as pd
import pytest
import python_calamine

from cvm_analysis.crm import files, systems

OWN = """name: Ours
format: {form}
rows: {rows}
members:
  file: 成员
  fields: {{customer_id: Id, list_id: List, arm: Arm}}
  constants: {{Status: Planned}}
"""
ROWS = pd.DataFrame(
    {"list_id": ["l"] * 5, "customer_id": list("abcde"), "arm": ["x, y", "'=1", "客户", "", "z"]}
)


def system(tmp_path, form="csv", rows=0):
    (tmp_path / "ours.yaml").write_text(OWN.format(form=form, rows=rows), "utf-8")
    return systems.load(str(tmp_path / "ours.yaml"))


def read(path):
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") and b"\r\n" in content
    return list(csv.reader(content.decode("utf-8-sig").splitlines()))


def test_a_csv_file_has_the_headers_of_the_system_and_constants(tmp_path):
    found = list(files.write(tmp_path, "members", ROWS, system(tmp_path)))
    assert found == [("成员.csv", 5)]
    rows = read(tmp_path / "成员.csv")
    assert rows[0] == ["List", "Id", "Arm", "Status"]
    assert rows[1:4] == [
        ["l", "a", "x, y", "Planned"], ["l", "b", "'=1", "Planned"], ["l", "c", "客户", "Planned"],
    ]  # fmt: skip
    assert stat.S_IMODE((tmp_path / "成员.csv").stat().st_mode) == 0o600


def test_no_file_has_more_rows_than_the_import_takes_and_none_is_lost(tmp_path):
    found = list(files.write(tmp_path, "members", ROWS, system(tmp_path, rows=2)))
    assert found == [("成员.1.csv", 2), ("成员.2.csv", 2), ("成员.3.csv", 1)]
    every = [row[1] for name, _ in found for row in read(tmp_path / name)[1:]]
    assert every == list("abcde")


def test_removed_rows_are_named_by_their_key_alone(tmp_path):
    found = list(files.write(tmp_path, "members", ROWS[:1], system(tmp_path), removed=True))
    assert found == [("成员.removed.csv", 1)]
    assert read(tmp_path / "成员.removed.csv") == [["List", "Id"], ["l", "a"]]


@pytest.mark.parametrize("removed", [False, True])
def test_without_rows_there_is_no_file(tmp_path, removed):
    assert not list(files.write(tmp_path, "members", ROWS[:0], system(tmp_path), removed))
    assert not list(tmp_path.glob("成员*"))


def test_a_workbook_holds_texts_only(tmp_path):
    found = list(files.write(tmp_path, "members", ROWS, system(tmp_path, "xlsx", 3)))
    assert found == [("成员.1.xlsx", 3), ("成员.2.xlsx", 2)]
    book = python_calamine.CalamineWorkbook.from_path(str(tmp_path / "成员.1.xlsx"))
    rows = book.get_sheet_by_index(0).to_python()
    assert rows[0] == ["List", "Id", "Arm", "Status"] and rows[2] == ["l", "b", "'=1", "Planned"]
    assert stat.S_IMODE((tmp_path / "成员.1.xlsx").stat().st_mode) == 0o600
