"""What a CRM has got: which rows are new, changed or gone since."""

import pandas as pd
import pytest

from cvm_analysis.crm import state
from cvm_analysis.crm.state import EDITS, State
from cvm_analysis.errors import InputError

BEFORE = pd.DataFrame({"customer_id": ["a", "b", "c"], "grade": ["A", "B", "C"]}, dtype=object)
ABOUT = {"number": 3, "regions": {"n": "2025-12-31"}, "key_check": "x", "has_raw_ids": False}


def ids(rows):
    return rows["customer_id"].tolist()


def test_before_the_first_export_all_rows_are_new():
    assert ids(State().changed("customers", BEFORE)) == ["a", "b", "c"]
    assert State().removed("customers", BEFORE).empty


def test_new_changed_and_removed_rows_are_told_apart():
    known = State(ABOUT, {"customers": BEFORE})
    assert known.changed("customers", BEFORE[::-1]).empty, "the order of rows says nothing"
    now = pd.DataFrame({"customer_id": ["d", "b", "a"], "grade": ["C", "A", "A"]}, dtype=object)
    assert ids(known.changed("customers", now)) == ["d", "b"]
    assert ids(known.removed("customers", now)) == ["c"]
    assert ids(known.removed("customers", now[:0])) == ["a", "b", "c"]
    assert ids(State(ABOUT, {"customers": BEFORE[:0]}).changed("customers", now)) == ids(now)


def test_a_field_that_was_added_changes_the_rows_that_have_it():
    now = BEFORE.assign(tags=["x", "", "y"])
    assert ids(State(ABOUT, {"customers": BEFORE}).changed("customers", now)) == ["a", "c"]


def test_members_are_told_apart_by_list_and_customer():
    rows = pd.DataFrame(
        {"list_id": ["l", "m"], "customer_id": ["a", "a"], "arm": ["x", "x"]}, dtype=object
    )
    known = State(ABOUT, {"members": rows})
    assert known.changed("members", rows[1:]).empty
    assert known.removed("members", rows[1:])["list_id"].tolist() == ["l"]


def test_a_state_is_read_as_it_was_published_and_replaced_as_a_whole(tmp_path):
    assert state.read(tmp_path).about["number"] == 0
    edits = pd.DataFrame([["a", "grade", "A+"]], columns=EDITS)
    state.publish(tmp_path, State(ABOUT, {"customers": BEFORE}, edits))
    found = state.read(tmp_path)
    assert found.about == ABOUT and found.edits.equals(edits)
    assert found.changed("customers", BEFORE).empty
    state.publish(tmp_path, State(ABOUT, {"tasks": BEFORE}))
    assert set(state.read(tmp_path).cells) == {"tasks"}
    assert [path.name[:7] for path in sorted(tmp_path.glob("*state*"))] == [".state-", "state"]


@pytest.mark.parametrize(
    "spoil", ["state.json", "customers.parquet", "edits.parquet", "sent.parquet"]
)
def test_a_damaged_state_is_one_message(tmp_path, spoil):
    state.publish(tmp_path, State(ABOUT, {"customers": BEFORE}))
    (tmp_path / "state" / spoil).write_text("{")
    with pytest.raises(InputError, match="state: damaged; take it from a backup, or remove it"):
        state.read(tmp_path)
