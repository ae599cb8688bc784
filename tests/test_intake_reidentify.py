"""A list of the desk gets the ids of the raw files back, for whoever has the key."""

import csv
import stat
import zipfile

import pandas as pd
import pytest
import python_calamine
import xlsxwriter
from small_business import NAMED, small

from cvm_analysis.errors import InputError
from cvm_analysis.intake.pseudonyms import pseudonym
from cvm_analysis.intake.reidentify import reidentify

KEY = "a key for tests, no secret"
SALES = (
    "customer_id,ordered_at,amount,sold_in\n001,2025-01-01,1,Nord\n1,2025-01-01,1,Sud\n"
    '"=HYPER,LINK()",2025-01-02,1,Sud\n<&>,2025-01-02,1,Sud\n'
)
RAW = ["001", "1", "=HYPER,LINK()", "<&>"]
HIDDEN = [pseudonym(each, KEY.encode()) for each in RAW]
STRANGER = pseudonym("stranger", KEY.encode())


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("CVM_KEY", KEY)
    return small(tmp_path, NAMED, {"sales.csv": SALES}, pseudonyms="on")


def write_csv(path):
    rows = [["customer_id", "change"], *([each, "-0.5"] for each in [*HIDDEN, STRANGER])]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)


def write_workbook(path):
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as book:
        for name in ("actions", "watchlist"):
            sheet = book.add_worksheet(name)
            for i, each in enumerate(["Customer", *HIDDEN, STRANGER]):
                sheet.write_string(i, 0, each)
                sheet.write_number(i, 1, -0.5)


def test_a_csv_list_has_the_raw_ids_and_nothing_to_calculate(settings, tmp_path):
    write_csv(tmp_path / "list.csv")
    made = reidentify(settings, tmp_path / "list.csv")
    assert made.path == tmp_path / "list.ids.csv" and (made.n_found, made.n_unknown) == (4, 1)
    found = pd.read_csv(made.path, dtype=str)
    assert found["customer_id"].tolist() == ["001", "1", "'=HYPER,LINK()", "<&>", STRANGER]
    assert set(found["change"]) == {"-0.5"}


def test_every_sheet_of_a_workbook_has_them_as_texts(settings, tmp_path):
    write_workbook(tmp_path / "list.xlsx")
    made = reidentify(settings, tmp_path / "list.xlsx")
    assert (made.n_found, made.n_unknown) == (4, 1)
    book = python_calamine.CalamineWorkbook.from_path(str(made.path))
    for name in ("actions", "watchlist"):
        rows = book.get_sheet_by_name(name).to_python()
        assert [row[0] for row in rows] == ["Customer", *RAW, STRANGER]
        assert {row[1] for row in rows} == {-0.5}
    with zipfile.ZipFile(made.path) as file:
        sheets = [file.read(n) for n in file.namelist() if n.startswith("xl/worksheets/")]
    assert sheets and not any(b"<f>" in each for each in sheets)


def test_only_the_owner_may_read_it_even_where_a_file_of_the_name_was(settings, tmp_path):
    write_csv(tmp_path / "list.csv")
    (tmp_path / "list.ids.csv").write_text("earlier")
    made = reidentify(settings, tmp_path / "list.csv")
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert not [path for path in tmp_path.rglob("*") if "map" in path.name]


@pytest.mark.parametrize("spoil", ["key", "off", "kind", "itself"])
def test_what_cannot_be_used_writes_nothing(settings, tmp_path, monkeypatch, spoil):
    write_csv(tmp_path / "list.csv")
    listed, to, said = tmp_path / "list.csv", None, ""
    if spoil == "key":
        monkeypatch.setenv("CVM_KEY", KEY + "!")
        said = "5 pseudonyms, none known under this key"
    elif spoil == "off":
        business = settings.business.model_copy(update={"pseudonyms": False})
        object.__setattr__(settings, "business", business)
        said = "pseudonyms are off"
    elif spoil == "kind":
        listed, said = tmp_path / "list.txt", "no CSV or xlsx file"
    else:
        to, said = listed, "is the list itself"
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=said):
        reidentify(settings, listed, to)
    assert sorted(tmp_path.iterdir()) == before
