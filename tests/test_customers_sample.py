"""A sample of very many customers: by the hash of the id, rare types whole, counted and said."""

import hashlib

import ibis
import pandas as pd
import pytest
from small_business import small

from cvm_analysis import prepared
from cvm_analysis.customers import sample
from cvm_analysis.prepared import region

N = 3000
DEALERS = [f"c{each}" for each in range(0, 400, 10)]


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(region, "MOST_LEARNED_FROM", 1000)
    monkeypatch.setattr(sample, "SIZE", 300)


def drawn(ids, n=N):
    """Those among about 300 of n, by Python's own MD5."""
    return {e for e in ids if int(hashlib.md5(e.encode()).hexdigest()[:8], 16) < 300 / n * 2**32}


def sampled(ids):
    table = ibis.memtable(pd.DataFrame({"customer_id": list(ids)}))
    rows = table.filter(sample.is_in(table.customer_id, N)).to_pandas()
    return set(rows["customer_id"])


def test_a_customer_is_in_it_by_the_hash_of_the_id_alone():
    ids = [str(each) for each in range(N)]
    assert sampled(ids) == drawn(ids) == sampled(ids[::-1])
    assert 250 < len(drawn(ids)) < 350


def test_it_is_spread_evenly_over_running_numbers():
    found = sorted(map(int, sampled([str(each) for each in range(N)])))
    halves = sum(each < N / 2 for each in found), sum(each >= N / 2 for each in found)
    assert min(halves) > 0.4 * len(found)


def business(tmp_path, n, **people):
    sales = "\n".join(
        ["customer_id,land,ordered_at,amount", *(f"c{i},Nord,2025-01-05,10" for i in range(n)), ""]
    )
    return small(tmp_path, "{from: land}", {"sales.csv": sales}, **people)


def test_of_very_many_customers_some_are_learned_from_and_all_of_a_rare_type(tmp_path):
    types = "\n".join(["customer_id,customer_type", *(f"{e},dealer" for e in DEALERS), ""])
    data = prepared.open(business(tmp_path, N, people=types), "all")
    everyone = data.customers(data.last_day)
    ids = set(everyone.index)
    some = data.sample(everyone["customer_type"])
    expected = drawn(ids, len(ids)) | set(DEALERS)
    assert set(some.customers(data.last_day).index) == expected
    assert set(some.purchase_days(data.last_day)["customer_id"]) == expected
    assert some.share == pytest.approx(len(expected) / len(ids), rel=0.15)
    assert [(note.code, note.have) for note in some.notes("churn")] == [("learned_from_some", 11)]
    pd.testing.assert_frame_equal(data.customers(data.last_day), everyone)


def test_without_records_of_customers_all_are_of_one_type(tmp_path):
    data = prepared.open(business(tmp_path, N), "all")
    some = data.sample(data.customers(data.last_day)["customer_type"])
    ids = {f"c{i}" for i in range(N)}
    assert set(some.customers(data.last_day).index) == drawn(ids)


def test_of_fewer_customers_all_are_learned_from(tmp_path):
    data = prepared.open(business(tmp_path, 1000), "all")
    assert data.sample(data.customers(data.last_day)["customer_type"]) is data
    assert data.share == 1 and data.notes("churn") == []
