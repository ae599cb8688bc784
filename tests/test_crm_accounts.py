"""The CRM's own export of its customers: what the desk changed, and files that are none."""

import pandas as pd
import pytest

from cvm_analysis.crm import accounts, systems
from cvm_analysis.crm.state import EDITS
from cvm_analysis.errors import InputError

ZOHO = systems.load("zoho")
EXPORTED = pd.DataFrame(
    {"customer_id": list("abc"), "grade": ["A", "B", "C"], "next_due_on": "01/14/2026",
     "expected_margin": ["1200", "50", ""]}, dtype=object
).set_index("customer_id")  # fmt: skip
HEADER = "Record Id,Account Name,CVM Customer ID,CVM Grade,CVM Next Due Date,CVM Expected Margin\n"
UNEDITED = (
    "1,Ann,a,A,2026-01-14,\"1,200.00\"\n2,Bea,b,B,2026-01-14,50\n3,Cid,c,C,2026-01-14,\n"
)  # fmt: skip


def compare(tmp_path, text, name="accounts.csv", hide=list, encoding="utf-8"):
    (tmp_path / name).write_bytes(text.encode(encoding))
    return accounts.compare(tmp_path / name, ZOHO, EXPORTED, hide)


def test_an_unedited_export_has_no_edits_however_it_writes_dates_and_numbers(tmp_path):
    found = compare(tmp_path, HEADER + UNEDITED)
    assert found.edits.empty and not found.lost and found.n_unknown == 0
    assert found.has.equals(EXPORTED)
    assert "CVM Segment" in found.not_compared and "CVM Grade" not in found.not_compared


def test_edits_lost_and_unknown_customers_are_found(tmp_path):
    text = HEADER + UNEDITED.replace("b,B,", "b,A,").replace("3,Cid,c", "9,Own,") + "8,X,zz,A,,\n"
    found = compare(tmp_path, text)
    assert found.edits.to_numpy().tolist() == [["b", "grade", "A"]]
    assert found.lost == ["c"] and found.n_unknown == 1
    assert found.has["grade"].tolist() == ["A", "A", "C"]


def test_a_formula_that_was_typed_in_the_crm_is_none_here(tmp_path):
    found = compare(tmp_path, HEADER + UNEDITED.replace("b,B,", "b,=1+1,"))
    assert found.edits["theirs"].tolist() == ["'=1+1"]


def test_another_encoding_is_read(tmp_path):
    text = HEADER + UNEDITED.replace("b,B,", "b,甲级客户,").replace("Ann", "张三丰先生")
    assert compare(tmp_path, text, encoding="gb18030").edits["theirs"].tolist() == ["甲级客户"]
    assert compare(tmp_path, text, encoding="utf-16").edits["theirs"].tolist() == ["甲级客户"]


def test_ids_of_the_file_may_be_those_of_the_raw_files(tmp_path):
    found = compare(tmp_path, HEADER + UNEDITED.replace(",b,B", ",B1,X"),
                    hide=lambda ids: [each.replace("B1", "b") for each in ids])  # fmt: skip
    assert found.edits["customer_id"].tolist() == ["b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER + UNEDITED + "4,Ann,a,A,,\n5,Ann,a,A,,\n", "2 rows repeat .*, the first on line 5"),
        (HEADER + "1,Ann,x,A,,\n", r"none of its customers \(1\) was in the last export"),
        ("Account Name,CVM Grade\nAnn,A\n", "no column 'CVM Customer ID' .* it has Account Name"),
        ("CVM Customer ID,Phone\na,1\n", "no column 'CVM Customer ID' with others"),
        ("CVM客户编号,CVM客户等级\na,A\n", "it looks like an export of fxiaoke"),
        ("", "accounts.csv"),
        (HEADER + '1,"Ann,a,A,,\n', "accounts.csv"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_compared_is_one_message(tmp_path, text, said):
    with pytest.raises(InputError, match=said) as error:
        compare(tmp_path, text)
    assert "\n" not in str(error.value)


def test_a_missing_file_and_another_kind_are_one_message(tmp_path):
    with pytest.raises(InputError, match="no such file; give the CRM's export"):
        accounts.compare(tmp_path / "none.csv", ZOHO, EXPORTED, list)
    with pytest.raises(InputError, match="cannot be read; use one of"):
        compare(tmp_path, HEADER, "accounts.pdf")


def edits(*rows):
    return pd.DataFrame(rows, columns=EDITS, dtype=object)


def test_a_cell_changed_by_hand_stays_and_is_a_conflict():
    ours = EXPORTED.assign(grade=["A", "B", "A"])
    kept, left, conflicts = accounts.keep(ours, edits(["b", "grade", "A"]), ZOHO)
    assert kept["grade"].tolist() == ["A", "A", "A"]
    assert left.to_numpy().tolist() == [["b", "grade", "A"]]
    assert conflicts.to_numpy().tolist() == [["b", "CVM Grade", "B", "A"]]


def test_the_last_edit_counts_and_one_that_agrees_by_now_is_over():
    two = edits(["b", "grade", "A"], ["b", "grade", "C"], ["a", "grade", "A"], ["z", "grade", "A"])
    kept, left, conflicts = accounts.keep(EXPORTED, two, ZOHO)
    assert kept["grade"].tolist() == ["A", "C", "C"]
    assert left.to_numpy().tolist() == [["b", "grade", "C"]] and len(conflicts) == 1
    kept, left, conflicts = accounts.keep(EXPORTED, edits(), ZOHO)
    assert kept.equals(EXPORTED) and left.empty and conflicts.empty
