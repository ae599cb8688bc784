"""Two exports that share a year: found, and counted once."""

import datetime as dt

import pytest
from raw_business import prepared

from cvm_analysis.errors import InputError

HEADER = "order,customer,date,amount\n"


def orders(year, n=100, start=0):
    """One order a day from the first of a year on."""
    first = dt.date(year, 1, 1)
    days = [first + dt.timedelta(days=i) for i in range(start, n)]
    return "".join(f"{d:%Y%j},c{d.day % 7},{d},{d.day}.50\n" for d in days)


OLD = HEADER + orders(2023) + orders(2024)  # exported at the end of 2024
NEW = HEADER + orders(2024) + orders(2025)
SOURCE = """
files: sales_*.csv
region: main
columns: {customer_id: customer, order_id: order, ordered_at: date, amount: amount}
"""
FILES = {"sales_a.csv": OLD, "sales_b.csv": NEW}


def test_a_year_that_two_files_share_stops_the_run(tmp_path):
    with pytest.raises(InputError) as error:
        prepared(tmp_path, SOURCE, FILES)
    assert "sales_b.csv: 100 of 100 rows are in sales_a.csv, too, on 100 days from " in str(
        error.value
    )
    assert "2024-01-01 to 2024-04-09" in str(error.value)
    assert "`overlap: newest`" in str(error.value)


def test_a_year_that_two_files_share_is_taken_once(tmp_path):
    made = prepared(tmp_path, SOURCE + "overlap: newest", FILES)
    years = made.lines["ordered_at"].dt.year.value_counts().to_dict()
    assert years == {2023: 100, 2024: 100, 2025: 100}
    assert not made.lines.duplicated("order_id").any()
    assert made.found == {"in_newer_file": 100} and made.quarantine.empty


def test_the_newer_file_s_rows_are_taken(tmp_path):
    """An order changed after the first export has its new amount, and a deleted one goes."""
    corrected = NEW.replace("2024001,c1,2024-01-01,1.50", "2024001,c1,2024-01-01,99.00")
    files = {"sales_a.csv": OLD + "x,c1,2024-01-02,7.00\n", "sales_b.csv": corrected}
    made = prepared(tmp_path, SOURCE + "overlap: newest", files)
    amounts = made.lines.set_index("order_id")["amount"]
    assert amounts["2024001"] == 99 and "x" not in amounts
    assert made.found == {"in_newer_file": 101}


def test_the_name_of_a_file_does_not_make_it_newer(tmp_path):
    corrected = NEW.replace("2024001,c1,2024-01-01,1.50", "2024001,c1,2024-01-01,99.00")
    files = {"sales_a.csv": corrected, "sales_b.csv": OLD}
    made = prepared(tmp_path, SOURCE + "overlap: newest", files)
    assert len(made.lines) == 300
    assert made.lines.set_index("order_id")["amount"]["2024001"] == 99


def test_files_that_are_right_may_repeat_each_other(tmp_path):
    made = prepared(tmp_path, SOURCE + "overlap: keep", FILES)
    assert len(made.lines) == 400


def test_files_of_two_shops_that_cover_the_same_days_are_both_counted(tmp_path):
    other = HEADER + orders(2024).replace(",c", ",d")
    made = prepared(tmp_path, SOURCE, {"sales_a.csv": OLD, "sales_b.csv": other})
    assert len(made.lines) == 300
