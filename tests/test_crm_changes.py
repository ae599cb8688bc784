"""What an export writes, from cells made by hand: changes, removals, edits, the first day."""

import pandas as pd
import pytest

from cvm_analysis.crm import changes, systems
from cvm_analysis.crm.state import State
from cvm_analysis.errors import InputError

ZOHO = systems.load("zoho")
ABOUT = {"number": 1, "regions": {"n": "2025-12-31"}, "key_check": "", "has_raw_ids": False}


def customers(**grades):
    return pd.DataFrame({"customer_id": list(grades), "grade": [*grades.values()]}, dtype=object)


def members(day, *ids):
    rows = {"list_id": "call-phone", "customer_id": list(ids), "listed_on": day}
    return pd.DataFrame(rows, dtype=object)


def crm(tmp_path, **grades):
    """The CRM's export of its customers."""
    rows = customers(**grades).rename(columns={"customer_id": "CVM Customer ID",
                                               "grade": "CVM Grade"})  # fmt: skip
    rows.to_csv(tmp_path / "accounts.csv", index=False)
    return tmp_path / "accounts.csv"


def after(made):
    return State(ABOUT, made.cells, made.edits, made.sent)


def first():
    return after(changes.find(ZOHO, State(), {"customers": customers(a="A", b="B", c="C")}))


def test_the_first_export_has_all_rows_and_the_second_none():
    ours = {"customers": customers(a="A", b="B", c="C"), "members": members("12/31/2025", "a")}
    made = changes.find(ZOHO, State(), ours)
    assert {kind: len(rows) for kind, rows in made.changed.items()} == {
        "customers": 3, "members": 1,
    }  # fmt: skip
    again = changes.find(ZOHO, after(made), ours)
    for rows in (*again.changed.values(), *again.removed.values(), again.conflicts):
        assert rows.empty
    full = changes.find(ZOHO, after(made), ours, full=True)
    assert len(full.changed["customers"]) == 3 and full.removed["customers"].empty


def test_members_keep_the_day_from_which_they_are_on_a_list():
    made = changes.find(ZOHO, State(), {"members": members("12/31/2025", "a", "b")})
    again = changes.find(ZOHO, after(made), {"members": members("01/31/2026", "b", "c")})
    assert again.changed["members"].to_numpy().tolist() == [["call-phone", "c", "01/31/2026"]]
    assert again.removed["members"]["customer_id"].tolist() == ["a"]
    assert again.cells["members"]["listed_on"].tolist() == ["12/31/2025", "01/31/2026"]


def test_an_edit_is_kept_in_all_later_exports_until_both_agree(tmp_path):
    made = changes.find(ZOHO, first(), {"customers": customers(a="A", b="B", c="B")},
                        given=crm(tmp_path, a="B", b="B", c="C"))  # fmt: skip
    assert made.changed["customers"].to_numpy().tolist() == [["c", "B"]]
    assert made.conflicts.to_numpy().tolist() == [["a", "CVM Grade", "A", "B"]]
    later = changes.find(ZOHO, after(made), {"customers": customers(a="C", b="B", c="B")})
    assert later.changed["customers"].empty
    assert later.conflicts.to_numpy().tolist() == [["a", "CVM Grade", "C", "B"]]
    agreed = changes.find(ZOHO, after(later), {"customers": customers(a="B", b="B", c="B")})
    assert agreed.conflicts.empty and agreed.edits.empty and agreed.changed["customers"].empty
    free = changes.find(ZOHO, after(agreed), {"customers": customers(a="A", b="B", c="B")})
    assert free.changed["customers"].to_numpy().tolist() == [["a", "A"]]


def test_an_edit_that_the_desk_took_back_is_over(tmp_path):
    ours = {"customers": customers(a="A", b="B", c="C")}
    made = changes.find(ZOHO, first(), ours, given=crm(tmp_path, a="B", b="B", c="C"))
    back = changes.find(ZOHO, after(made), ours, given=crm(tmp_path, a="A", b="B", c="C"))
    assert back.conflicts.empty and back.edits.empty and back.changed["customers"].empty


def test_overwriting_exports_our_cell_and_the_customers_that_were_lost(tmp_path):
    ours = {"customers": customers(a="A", b="B", c="C")}
    made = changes.find(ZOHO, first(), ours, overwrite=True, given=crm(tmp_path, a="B", b="B"))
    assert made.changed["customers"].to_numpy().tolist() == [["a", "A"], ["c", "C"]]
    assert made.edits.empty and made.removed["customers"].empty
    assert made.conflicts.to_numpy().tolist() == [
        ["a", "CVM Grade", "A", "B"], ["c", "CVM Customer ID", "", ""],
    ]  # fmt: skip


def test_a_lost_customer_is_reported_and_not_exported_again(tmp_path):
    ours = {"customers": customers(a="A", b="B", c="C")}
    made = changes.find(ZOHO, first(), ours, given=crm(tmp_path, a="A", b="B"))
    assert made.changed["customers"].empty and made.found.lost == ["c"]
    assert made.conflicts["customer"].tolist() == ["c"]


def test_nothing_can_be_compared_before_the_first_export(tmp_path):
    with pytest.raises(InputError, match="nothing was exported yet"):
        changes.find(ZOHO, State(), {"customers": customers(a="A")}, given=crm(tmp_path, a="A"))


def test_an_export_that_was_not_imported_is_no_edit_of_every_cell(tmp_path):
    """Else the CRM's old cells would be kept for ever."""
    ids = "abcdefgh"
    first = changes.find(ZOHO, State(), {"customers": customers(**dict.fromkeys(ids, "A"))})
    later = {**dict.fromkeys("abcdef", "B"), "g": "A", "h": "A"}
    second = changes.find(ZOHO, after(first), {"customers": customers(**later)})
    assert second.sent["customer_id"].tolist() == list("abcdef")
    third = changes.find(ZOHO, after(second), {"customers": customers(**later)})
    assert third.sent.equals(second.sent), "an export without customers asks for no import"
    old = crm(tmp_path, **dict.fromkeys(ids, "A"))
    with pytest.raises(InputError, match="none of the changes that were exported last"):
        changes.find(ZOHO, after(third), {"customers": customers(**later)}, given=old)
    half = crm(tmp_path, **{**later, "a": "A"})
    made = changes.find(ZOHO, after(third), {"customers": customers(**later)}, given=half)
    assert made.conflicts["customer"].tolist() == ["a"]
