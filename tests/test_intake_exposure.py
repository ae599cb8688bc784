"""What is known of people stands in no message, and in no table that a stopped run leaves."""

import csv
import io
import itertools
import json

import pandas as pd
import pytest
import xlsxwriter
from small_business import NAMED, small
from small_business import write as write_business

from cvm_analysis import settings as settings_module
from cvm_analysis import validate
from cvm_analysis.errors import ConfigError, GateError, InputError
from cvm_analysis.intake import gate, table_rules
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.tables import FROM_FILES, TABLES

# Of three people: an id, a name, a phone, an e-mail and an address, as the records have them.
PEOPLE = [
    (
        "KD-4815162",
        "Ansgar Weissenborn",
        "+49 170 3141592",
        "ansgar@wb.example",
        "Am Wall 12, Celle",
    ),
    ("90210477", "Cherilynn", "030/5550199", "c.lynn@mail.example", "Ringstrasse 8, Trier"),
    ("CN88-001", "欧阳娜娜", "13812345678", "nana@shop.example", "上海市中山北路18号"),
]
SECRET = [value for person in PEOPLE for value in person]
HEADER = ["customer_id", "name", "phone", "email", "address", "joined_on"]
VALID = {  # a row of each table that breaks no rule; the header is the table's columns
    "ordered_at": "2025-03-04", "amount": "10", "sold_in": "Nord", "region": "Nord",
    "at": "2025-03-04", "kind": "nps", "score": "9", "started_on": "2024-01-01",
    "ended_on": "2025-01-01", "campaign_id": "spring", "arm": "treated",
    "action": "key_account_visit", "channel": "phone", "given": "yes", "points": "100",
    "referred_id": "x1", "lead_id": "L", "created_on": "2025-03-01", "stage": "new",
    "stage_at": "2025-03-02", "value": "5",
    "closed_on": "2025-04-01", "outcome": "won", "listed_on": "2025-03-01", "name": "growth",
    "joined_on": "2024-01-01", "birth_date": "1980-01-01", "quantity": "1", "cost": "1",
    "unit_price": "1", "discount": "0", "promised_on": "2025-03-05", "delivered_on": "2025-03-05",
    "closed_at": "2025-03-09", "monthly_value": "5", "term_months": "12",
    "observed_from": "2024-01-01", "order_id": "o1",
}  # fmt: skip
NEVER = {"unreadable_tenure", "no_status", "repeated_line"}  # of tenures; and kept by default
LEFT_OUT = {"contracts": ("tenure", "status", "sold_in")}  # of a table of dates


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("CVM_KEY", "a key of the tests, long enough")


def people():
    days = ["2024-01-01", "2024-01-01", "2099-01-01", "2024-02-02"]
    rows = [[*person, day] for person, day in zip([*PEOPLE, PEOPLE[0]], days, strict=True)]
    return write(HEADER, rows)


def write(header, rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def planted(table):
    """Valid rows but for one cell: every personal value, and what else breaks a rule, once each."""
    columns = [c for c in TABLES[table].columns if c not in LEFT_OUT.get(table, ())]
    valid = {c: VALID.get(c, SECRET[1]) for c in columns}
    valid |= {"kind": "earn"} if table == "points" else {}
    ids = itertools.cycle(person[0] for person in PEOPLE)
    cells = itertools.product(columns, [*SECRET, "", "2000-01-01", "2099-01-01", "-1"])
    rows = [valid | {"customer_id": next(ids), column: cell} for column, cell in cells]
    cut_off = SECRET[:2]
    return write(columns, [*(row.values() for row in [*rows, rows[0]]), cut_off])


def find(text):
    """The personal values that stand in a text."""
    folded = str(text).casefold()
    return {value for value in SECRET if value.casefold() in folded}


def find_in_tables(folder):
    """The personal values in the cells of the tables of a folder, by table."""
    tables = {path.name: pd.read_parquet(path) for path in folder.glob("*.parquet")}
    cells = {name: {str(x) for c in t for x in t[c].unique()} for name, t in tables.items()}
    return {name: found for name, some in cells.items() if (found := find("\n".join(some)))}


def planted_business(folder, tables, limit):
    others = {table: planted(table) for table in tables}
    rules = """
      {column: transactions.category, matches: "[A-Z]"},
      {column: feedback.dimension, accepted: [product]}"""
    return small(
        folder, NAMED, {"sales.csv": planted("transactions")}, people(), "on",
        others=others, limit=limit, mask=HEADER[1:-1], rules=rules,
    )  # fmt: skip


def test_quarantine_quality_and_stamp_have_no_personal_value(tmp_path):
    tables = [table for table in FROM_FILES if table not in ("transactions", "customers_raw")]
    settings = planted_business(tmp_path, tables, limit=1)
    assert find_in_tables(settings.prepared) == {}
    rows = pd.read_parquet(settings.prepared / "quarantine.parquet")
    assert table_rules.gates() - set(rows["rule"]) <= NEVER
    assert {"matches.category", "accepted.dimension"} <= set(rows["rule"])
    values = rows.dropna(subset="value").groupby("column")["value"].agg(set)
    assert values["ordered_at"] == {"***", "-1", "2099-01-01"} and "***" in values["category"]
    stamp = json.loads((settings.prepared / "prepared.json").read_text("utf-8"))
    assert find(json.dumps(stamp | {"imported": []}, ensure_ascii=False)) == set()


def test_a_stopped_run_says_and_leaves_no_personal_value(tmp_path):
    with pytest.raises(GateError) as error:
        planted_business(tmp_path, ["feedback"], limit=0)
    assert "no_date: " in str(error.value) and find(error.value) == set()
    folder = gate.quarantine_folder(settings_module.load(tmp_path / "small.yaml"))
    assert find_in_tables(folder) == {} and len(list(folder.iterdir())) == 2


# Errors of files: each has the value that is wrong, and it is a personal one

ORDERS = ["customer_id", "ordered_at", "amount", "sold_in"]
SOLD = [[person[0], "2025-03-04", "10", "Nord"] for person in PEOPLE]


def refused(folder, sales=(ORDERS, SOLD), extra="", files=(), change=("", "")):
    """The message of the error of a business of these files."""
    sold = {"sales.csv": write(*sales)}
    path = write_business(folder, NAMED, sold, people(), "on", mask=HEADER[1:-1])
    for name, text in dict(files).items():
        (folder / name).write_text(text, "utf-8")
    text = path.read_text("utf-8").replace("files: sales.csv,", f"files: sales.csv, {extra}")
    path.write_text(text.replace(*change), "utf-8")
    with pytest.raises((InputError, ConfigError)) as error:
        prepare(settings_module.load(path))
    return str(error.value), path


def test_a_currency_that_is_a_person_is_not_named(tmp_path):
    sold = [[*row, value] for row, value in zip(SOLD, ["USD", *SECRET[1:3]], strict=True)]
    said, _ = refused(tmp_path, ([*ORDERS, "Currency"], sold), change=(", Currency: Currency", ""))
    assert "1 rows in USD; 2 rows in no currency of three letters" in said and not find(said)


def test_a_key_that_stands_twice_is_not_named(tmp_path):
    twice = write(["customer_id", "tier"], [[PEOPLE[0][0], "a"], [PEOPLE[0][0], "b"]])
    join = "join: [{files: tiers.csv, on: customer_id}],"
    said, _ = refused(tmp_path, extra=join, files={"tiers.csv": twice})
    assert "the first on line 2" in said and not find(said)


def test_a_file_without_a_header_does_not_show_its_first_row(tmp_path):
    rows = [[*person, "2024-01-01"] for person in PEOPLE]
    said, path = refused(tmp_path, files={"people.csv": write(rows[0], rows[1:])})
    assert "its first line looks like data" in said and not find(said)
    with pytest.raises(ConfigError) as error:
        validate.check(path)
    assert "its first line looks like data" in str(error.value) and not find(error.value)


def test_an_id_that_a_spreadsheet_shortened_is_not_shown(tmp_path):
    sold = [["6.92538E+12", *row[1:]] for row in SOLD]
    said, _ = refused(tmp_path, (ORDERS, sold))
    assert "3 cells of customer_id have lost digits, the first on line 2" in said
    assert "6.92538" not in said


def test_an_id_that_a_workbook_rounded_is_not_shown(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "sales.xlsx") as book:
        sheet = book.add_worksheet()
        for i, row in enumerate([ORDERS, [622202000123456789, "2025-03-04", 10, "Nord"]]):
            sheet.write_row(i, 0, row)
    said, _ = refused(tmp_path, change=("files: sales.csv", "files: sales.xlsx"))
    assert "more than 15 digits, the first on line 2" in said and "6222020" not in said


def test_words_of_a_status_that_are_people_are_not_listed(tmp_path):
    rows = [[p[0], str(10 + i), p[1], "Nord"] for i, p in enumerate(PEOPLE)]
    header = ["customer_id", "tenure", "status"]
    contracts = write(header, [row[:3] for row in rows])
    settings = (
        "  contracts:\n    - {files: contracts.csv, time_in: months, covers: all, ended: [gone],"
    )
    settings += " columns: {customer_id: customer_id, tenure: tenure, status: status}}\n"
    change = ("sources:\n", f"sources:\n{settings}")
    said, _ = refused(tmp_path, files={"contracts.csv": contracts}, change=change)
    assert "the status is 3 words that stand once" in said and not find(said)
