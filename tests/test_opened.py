"""Tables that were opened before a fork are those each fork would open itself, and as confined."""

import datetime as dt
import os
from dataclasses import replace

import pandas as pd
import psutil
import pytest
from small_business import small, write

from cvm_analysis import engine, opened, prepared
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.settings import load

SALES = """customer_id,ordered_at,amount,land
a,2025-01-02 09:00,10,n
b,2025-03-01 09:00,30,n
c,2025-02-01 09:00,50,s
"""
INDICATORS = """customer_id,at,name,value
a,2025-01-20,credit,3
a,2025-02-20,credit,4
c,2025-01-25,credit,5
"""
DAY = dt.date(2025, 3, 1)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(opened, "_opened", [])
    others = {"indicators": INDICATORS}
    return small(tmp_path, "{from: land}", {"sales.csv": SALES}, others=others)


@pytest.mark.parametrize("region", ["n", "s", "all"])
def test_they_give_what_tables_opened_here_give(settings, region):
    expected = prepared.open(settings, region)
    prepared.open_before_fork(settings, region)
    found = prepared.open(settings, region)
    assert found is prepared.open(settings, region) is not expected
    assert len(found.queries.views) == 2, "both queries are compiled"
    pd.testing.assert_frame_equal(found.measures(DAY), expected.measures(DAY))
    assert len(found.queries.views) == 2
    pd.testing.assert_frame_equal(found.quality, expected.quality)


def test_tables_of_a_business_with_contracts_alone_are_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(opened, "_opened", [])
    rows = "customer_id,started_on,sold_in\na,2024-01-01,Main\nb,2024-02-01,Main\n"
    path = write(tmp_path, "{main: {en: Main, zh: 主}}", {"contracts.csv": rows})
    path.write_text(path.read_text("utf-8").replace("  transactions:", "  contracts:"), "utf-8")
    settings = load(path)
    prepare(settings)
    prepared.open_before_fork(settings, "main")
    assert opened.find(settings, "main").to_pandas("contracts")["customer_id"].tolist() == [
        "a",
        "b",
    ]


def test_another_region_and_other_settings_are_opened_anew(settings):
    prepared.open_before_fork(settings, "n")
    assert prepared.open(settings, "s").customers(DAY).index.tolist() == ["c"]
    assert opened.find(replace(settings, plan=object()), "n") is None


def test_before_the_fork_there_is_no_thread_and_after_it_all_there_are(settings, monkeypatch):
    monkeypatch.setenv(engine.IN_RUN, str(settings.path.parent / "it's"))
    before = psutil.Process().num_threads()
    prepared.open_before_fork(settings, "n")
    assert psutil.Process().num_threads() == before
    con = prepared.open(settings, "n").transactions.get_backend()
    names = "threads", "temp_directory", "memory_limit"
    asked = ", ".join(f"current_setting('{name}')" for name in names)
    usual = engine.connect(None, settings.prepared)
    found = con.raw_sql(f"SELECT {asked}").fetchone()
    assert found == usual.raw_sql(f"SELECT {asked}").fetchone()
    assert found[0] > 1 or os.cpu_count() == 1
    assert found[1] == f"{settings.path.parent}/it's/spill"


def test_what_a_fork_asks_is_confined_to_the_prepared_tables(settings):
    prepared.open_before_fork(settings, "n")
    con = prepared.open(settings, "n").transactions.get_backend()
    for asked in (f"FROM '{settings.path.parent}/sales.csv'", "SET enable_external_access = true"):
        with pytest.raises(Exception, match=r"disabled|Cannot enable"):
            con.raw_sql(asked)
