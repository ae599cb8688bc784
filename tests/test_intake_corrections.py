"""Quarantined lines are mended and come back; files stay as they are, and ids are not shown."""

import io
import stat

import pandas as pd
import pytest
from small_business import NAMED, small

from cvm_analysis import prepared
from cvm_analysis.cli import tables
from cvm_analysis.errors import InputError
from cvm_analysis.intake import corrections
from cvm_analysis.intake.prepare import prepare

SALES = (
    "customer_id,ordered_at,amount,sold_in\n"
    "c1,2025-01-01,1,Nord\nc2,2025-01-02,=1+1,Nord\nc3,soon,3,Nord\n,2025-01-04,4,Nord\n"
)


@pytest.fixture
def business(tmp_path):
    return small(tmp_path, NAMED, {"sales.csv": SALES})


def quarantine(settings):
    return pd.read_parquet(settings.prepared / "quarantine.parquet")


def amounts(settings):
    sales = prepared.open(settings, "all").to_pandas("transactions")
    return dict(zip(sales["customer_id"], sales["amount"], strict=True))


def test_what_is_shown_has_no_id_no_digest_and_nothing_to_calculate(business):
    text = corrections.shown(quarantine(business))
    table = pd.read_csv(io.StringIO(text), dtype=str)
    assert list(table.columns) == ["file", "line", "rule", "column", "value"]
    assert table["value"].fillna("").tolist() == ["'=1+1", "soon", ""]
    assert not any(each in text for each in ("c2", "c3"))


def test_a_line_that_is_corrected_comes_back_and_the_file_stays(business):
    new = corrections.from_options(quarantine(business), "sales.csv:3", {"amount": "2.5"})
    corrections.add(business, new)
    assert prepare(business) is True and prepare(business) is False
    assert amounts(business) == {"c1": 1, "c2": 2.5}
    assert quarantine(business)["line"].tolist() == [4, 5]
    assert (business.path.parent / "sales.csv").read_text("utf-8") == SALES


def test_an_edited_copy_corrects_what_was_changed_in_it(business):
    text = corrections.shown(quarantine(business)).replace(",soon", ",2025-01-03")
    new = corrections.from_edited(quarantine(business), text)
    assert new[["file", "column", "value"]].to_numpy().tolist() == [
        ["sales.csv", "ordered_at", "2025-01-03"]
    ]
    corrections.add(business, new)
    prepare(business)
    assert amounts(business) == {"c1": 1, "c3": 3}


def test_a_correction_belongs_to_a_line_wherever_it_moves_and_to_no_other(business):
    new = corrections.from_options(quarantine(business), "sales.csv:3", {"amount": "2.5"})
    corrections.add(business, new)
    header, *lines = SALES.splitlines()
    moved = [header, "c9,2025-01-01,9,Nord", *lines, "c8,2025-01-02,=1+1,Nord"]
    (business.path.parent / "sales.csv").write_text("\n".join(moved) + "\n", "utf-8")
    prepare(business)
    assert amounts(business) == {"c9": 9, "c1": 1, "c2": 2.5}


def test_the_last_correction_of_a_cell_counts_and_only_the_owner_reads_them(business):
    for value in ("x", "7"):
        new = corrections.from_options(quarantine(business), "sales.csv:3", {"amount": value})
        corrections.add(business, new)
    found = corrections.read(business)
    assert found["value"].tolist() == ["7"]
    assert stat.S_IMODE(corrections.path(business).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("at", "values", "said"),
    [
        ("sales.csv:2", {"amount": "1"}, "no quarantined line sales.csv:2"),
        ("sales.csv:5", {"customer_id": "c4"}, "customer_id cannot be corrected here"),
        ("sales.csv:3", {}, "nothing was changed"),
    ],
)
def test_what_cannot_be_corrected_is_refused(business, at, values, said):
    with pytest.raises(InputError, match=said):
        corrections.from_options(quarantine(business), at, values)


def test_the_command_corrects_and_says_what_to_do_next(business, capsys):
    tables.quarantine(business.path, line="sales.csv:3", set_=["amount=2.5"])
    said = capsys.readouterr().out
    assert "1 cells corrected; run `cvm prepare" in said
    assert corrections.read(business)["value"].tolist() == ["2.5"]
