"""One id per person while rows are checked, and pseudonyms in what is written."""

import hashlib
import hmac

import pandas as pd
import pytest

from cvm_analysis.intake import pseudonyms, shown_ids
from cvm_analysis.intake.identity import Merges
from cvm_analysis.queries import connect

KEY = "a key of these tests: 0123456789"


@pytest.fixture
def con(tmp_path, monkeypatch):
    monkeypatch.setenv("CVM_KEY", KEY)
    found = connect(tmp_path, tmp_path / "work.duckdb")
    yield found
    found.disconnect()


def hidden(raw: str) -> str:
    """The pseudonym of a raw id, by the definition: 60 bits of the HMAC, five bits a sign."""
    mac = hmac.new(KEY.encode(), raw.encode(), hashlib.sha256).digest()
    bits = "".join(f"{byte:08b}" for byte in mac)[:60]
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return "C" + "".join(signs[int(bits[i : i + 5], 2)] for i in range(0, 60, 5))


def tables(con, sales, contacts):
    def table(name, ids):
        return con.create_table(name, pd.DataFrame({"customer_id": ids, "customer_id_text": ids}))

    return {"transactions": table("sales", sales), "contact_log": table("contacts", contacts)}


def person_and_shown(con, found, merges, is_hidden, folder):
    """The ids of each table's rows while they are checked, and as they are shown."""
    people = shown_ids.find(con, found, merges, is_hidden, folder / "ids.parquet")
    named = shown_ids.name_persons(found, people)
    placed = con.create_table("placed", pd.DataFrame({"customer_id": ["7"], "region": ["north"]}))
    shown = shown_ids.add_shown(placed, people)
    both = {
        table: rows.left_join(shown, "customer_id").drop("customer_id_right")
        for table, rows in named.items()
    }
    ids = {table: sorted(rows.customer_id.to_pandas().dropna()) for table, rows in named.items()}
    said = {
        table: sorted(shown_ids.show(rows, people).customer_id.to_pandas().dropna())
        for table, rows in both.items()
    }
    return people, ids, said


def test_pseudonyms_are_the_first_sixty_bits_of_the_hmac():
    ids = ["7", "0007", "客户 12", "x" * 200, ""]
    assert pseudonyms.pseudonyms(ids, KEY.encode()) == [hidden(each) for each in ids]
    assert pseudonyms.pseudonyms([], KEY.encode()) == []


def test_ids_are_shown_as_pseudonyms_also_those_that_came_back_on_a_list(con, tmp_path):
    found = tables(con, ["7", "7", "8", None], [hidden("8"), "9", hidden("unknown")])
    people, ids, said = person_and_shown(con, found, None, True, tmp_path)
    assert ids["transactions"] == ["7", "7", "8"]
    assert ids["contact_log"] == sorted(["8", "9", hidden("unknown")])
    assert said["transactions"] == sorted([hidden("7"), hidden("7"), hidden("8")])
    assert said["contact_log"] == sorted([hidden("8"), hidden("9"), hidden(hidden("unknown"))])
    assert sorted(shown_ids.list_hidden(people)) == sorted(["7", "8", "9", hidden("unknown")])


def test_a_merged_id_is_its_persons_also_where_its_pseudonym_came_back(con, tmp_path):
    found = tables(con, ["7", "17", "8"], ["17", hidden("17"), "8"])
    people, ids, said = person_and_shown(con, found, Merges({"17": "7"}), True, tmp_path)
    assert ids == {"transactions": ["7", "7", "8"], "contact_log": ["7", "7", "8"]}
    assert said["contact_log"] == sorted([hidden("7"), hidden("7"), hidden("8")])
    shown_ids.save_merges(people, tmp_path)
    merges = pd.read_parquet(tmp_path / "merges.parquet")
    assert merges.to_dict("records") == [{"old": hidden("17"), "new": hidden("7")}]


def test_without_pseudonyms_merged_ids_are_shown_as_their_persons_own(con, tmp_path):
    found = tables(con, ["7", "17"], ["17", "C" + "A" * 12])
    _, ids, said = person_and_shown(con, found, Merges({"17": "7"}), False, tmp_path)
    assert ids == said == {"transactions": ["7", "7"], "contact_log": ["7", "C" + "A" * 12]}


@pytest.mark.parametrize("is_hidden", [True, False])
def test_texts_of_ids_are_not_kept(con, tmp_path, is_hidden):
    found = tables(con, ["7"], ["8"])
    people = shown_ids.find(con, found, None, is_hidden, tmp_path / "ids.parquet")
    named = shown_ids.name_persons(found, people)
    assert named["transactions"].customer_id_text.to_pandas().isna().all()
