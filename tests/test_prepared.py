"""Prepared tables of a region: the days on which each kind of data has rows."""

import datetime as dt

import pandas as pd
import pytest
from small_business import small

from cvm_analysis import prepared
from cvm_analysis.errors import InputError
from cvm_analysis.intake.prepare import prepare

SALES = """customer_id,ordered_at,amount,land
a,2025-01-02 09:00,10,n
a,2025-01-02 17:00,10,n
b,2025-03-01 09:00,10,n
c,2025-02-01 09:00,10,s
"""
FEEDBACK = """customer_id,at,kind,score
a,2025-01-20,nps,9
a,2025-12-31,nps,9
c,2025-01-25,nps,3
"""


def test_days_of_rows_are_those_of_the_region_up_to_the_day(tmp_path):
    settings = small(tmp_path, "{from: land}", {"sales.csv": SALES}, others={"feedback": FEEDBACK})
    found = prepared.open(settings, "n").row_days(dt.date(2025, 3, 1))
    days = [(row.table, f"{row.day:%m-%d}") for row in found.itertuples()]
    assert days == [("transactions", "01-02"), ("transactions", "03-01"), ("feedback", "01-20")]


def test_buyers_are_counted_by_region_up_to_the_day(tmp_path):
    settings = small(tmp_path, "{from: land}", {"sales.csv": SALES + "d,2025-01-02,-5,s\n"})
    counts = [prepared.count_buyers(settings, dt.date(2025, month, 28)) for month in (1, 2, 3)]
    assert [each.to_dict() for each in counts] == [{"n": 1}, {"n": 1, "s": 1}, {"n": 2, "s": 1}]


def test_daily_margins_are_those_of_the_customers_asked_for(tmp_path):
    settings = small(tmp_path, "{from: land}", {"sales.csv": SALES})
    data, day = prepared.open(settings, "n"), dt.date(2025, 12, 31)

    def margins(*of):
        found = data.daily_margin(day, 0.5, list(of))
        return list(zip(found["customer_id"], found["day"].dt.day, found["amount"], strict=True))

    assert margins("b", "b", "unknown", None) == [("b", 1, 5.0)]
    assert margins("a", "b") == [("a", 2, 10.0), ("b", 1, 5.0)]
    assert margins() == []


def test_a_draw_in_which_nobody_buys_again_has_the_earlier_days_alone(tmp_path):
    settings = small(tmp_path, "{from: land}", {"sales.csv": SALES})
    none = pd.DataFrame({"customer_id": [], "copy_of": [], "day": []}, dtype=object)
    none = none.astype({"copy_of": "datetime64[ns]", "day": "datetime64[ns]"})
    (drawn,) = prepared.open(settings, "n").with_copied_days([none], dt.date(2025, 2, 1))
    assert drawn.to_pandas("transactions")["customer_id"].tolist() == ["a", "a"]


DAMAGES = ["", "[]", '{"owner": 5, "fingerprint": "a", "regions": {}}']


@pytest.mark.parametrize("damage", DAMAGES)
def test_tables_whose_record_is_damaged_or_of_another_version_are_made_anew(tmp_path, damage):
    settings = small(tmp_path, "{from: land}", {"sales.csv": SALES})
    (settings.prepared / "prepared.json").write_text(damage)
    with pytest.raises(InputError, match="by another version, or damaged; run `cvm prepare"):
        prepared.region_names(settings)
    assert prepare(settings) and not prepare(settings)
    assert set(prepared.region_names(settings)) == {"all", "n", "s"}


def test_cut_tables_are_named_and_made_anew(tmp_path):
    settings = small(tmp_path, "{from: land}", {"sales.csv": SALES})
    path = next((settings.prepared / "transactions" / "region=n").glob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="files are missing or cut"), prepared.kept(settings):
        pass
    assert prepare(settings) and not prepare(settings)
    with prepared.kept(settings) as kept:
        assert len(prepared.open(kept, "n").customers(dt.date(2025, 3, 1))) == 2


def test_what_killed_processes_left_beside_the_tables_goes_with_the_next_prepare(tmp_path):
    settings = small(tmp_path, "{from: land}", {"sales.csv": SALES})
    older = settings.prepared.resolve().name[:-12]
    for name in (f"{older}0123456789ab", ".building-prepared-0123456789ab"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "secret").write_text("x")
    (tmp_path / ".building-prepared-0123456789ab.lock").touch()
    assert not prepare(settings)
    left = {path.name for path in tmp_path.glob(".*")}
    assert left == {".lock", ".prepared.staged", settings.prepared.resolve().name}
