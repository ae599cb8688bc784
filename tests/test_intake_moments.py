"""One instant has one local day; a year has four digits; days that stand for none are none."""

import ibis
import pandas as pd
import pytest

from cvm_analysis.intake import moments, parsing


def read(texts, pattern=None, zone="Asia/Shanghai", **how):
    raw = ibis.memtable(pd.DataFrame({"cell": pd.Series(texts, dtype="string")}))
    found = raw.select(t=moments.moment(raw.cell, pattern, zone, **how)).to_pandas()["t"]
    return [None if pd.isna(t) else str(t)[:19] for t in found]


def test_offsets_become_the_local_time_of_the_config():
    """20:22:31 UTC is 04:22:31 of the next day in Shanghai, eight hours ahead all year."""
    same = ["2024-03-01 20:22:31 UTC", "2024-03-01T20:22:31Z", "2024-03-01 20:22:31+00"]
    same += ["2024-03-02 04:22:31 +0800", "2024-03-01 15:22:31 -05", "2024-03-02T01:52:31+05:30"]
    same += ["2024-03-02 04:22:31 GMT+8"]
    assert read(same) == ["2024-03-02 04:22:31"] * len(same)
    assert read(["2024-03-02 04:22:31 +0800"], "%Y-%m-%d %H:%M:%S %z") == ["2024-03-02 04:22:31"]
    assert read(["01/03/2024 20:22 UTC"], "%d/%m/%Y %H:%M UTC") == ["2024-03-02 04:22:00"]
    assert read(["2024-01-01 00:30:00"]) == ["2024-01-01 00:30:00"]


def test_summer_time_is_that_of_the_day():
    found = read(["2024-01-15 12:00 UTC", "2024-07-15 12:00 UTC"], zone="Europe/Berlin")
    assert found == ["2024-01-15 13:00:00", "2024-07-15 14:00:00"]


@pytest.mark.parametrize(
    "text",
    ["25/10/23", "23-10-25", "-infinity", "infinity", "epoch BC", "1900-01-01", "1899-12-30",
     "0001-01-01", "NULL", "0", "2024-02-30", "2024-03-01 20:22:31 CST", "99999"],
)  # fmt: skip
def test_no_day_is_none(text):
    assert read([text]) == [None]


def test_two_digits_of_a_year_need_a_pattern():
    assert read(["25/10/23"], "%d/%m/%y") == ["2023-10-25 00:00:00"]


def test_numbers_of_days_are_dates():
    """Spreadsheets count days from 1899-12-30: 45224 is 2023-10-25."""
    assert read(["45224", "45224.5"]) == ["2023-10-25 00:00:00", "2023-10-25 12:00:00"]
    mixed = ["25/10/2023", "2023-12-18", "45224"]
    assert read(mixed, "%d/%m/%Y", in_sheet=True) == [
        *("2023-10-25 00:00:00", "2023-12-18 00:00:00", "2023-10-25 00:00:00"),
    ]
    assert read(mixed, "%d/%m/%Y") == ["2023-10-25 00:00:00", None, None]


def test_time_0_of_computers_is_a_birthday_only():
    raw = ibis.memtable(pd.DataFrame({"birth_date": ["1970-01-01"], "at": ["1970-01-01"]}))
    cells = {name: parsing.parse_cell(raw, name, "date") for name in raw.columns}
    found = raw.select(**cells).to_pandas().iloc[0]
    assert str(found["birth_date"])[:10] == "1970-01-01" and pd.isna(found["at"])
