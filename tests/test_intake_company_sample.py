"""The sample a very large company learns from: the same customers everywhere, in no order."""

import ibis
import pandas as pd
import pytest
from small_business import small

from cvm_analysis import prepared
from cvm_analysis.customers import sample
from cvm_analysis.intake import company_sample

N = 3000


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(company_sample, "MOST", 1000)
    monkeypatch.setattr(sample, "SIZE", 300)


def sampled(ids, n):
    table = ibis.memtable(pd.DataFrame({"customer_id": list(ids)}))
    rows = table.filter(sample.is_in(table.customer_id, n)).to_pandas()
    return set(rows["customer_id"])


def business(tmp_path, n):
    """Two order lines of each of n customers; some more are only on record."""
    lines = [f"c{each},2025-01-{1 + each % 28:02},10,{['Nord', 'Sud'][each % 2]}"
             for each in [*range(n), *range(n)]]  # fmt: skip
    sales = "\n".join(["customer_id,ordered_at,amount,land", *lines, ""])
    people = "\n".join(["customer_id", *(f"c{each}" for each in range(n - 10, n + 10)), ""])
    regions = "{from: land}"
    return small(tmp_path, regions, {"sales.csv": sales}, people=people)


def test_all_of_a_very_large_company_is_its_sample_and_a_region_is_all_of_it(tmp_path):
    settings = business(tmp_path, N)
    data, everyone = prepared.open(settings, "all"), prepared.everyone(settings)
    day = prepared.resolve_day(settings)
    ids = set(everyone.customers(day).index)
    assert prepared.count_if_sampled(settings) == data.n_in_company == len(ids) >= N
    assert set(data.customers(day).index) == sampled(ids, len(ids))
    rows = everyone.to_pandas("transactions")
    kept = rows[rows["customer_id"].isin(data.customers(day).index)]
    pd.testing.assert_frame_equal(
        data.to_pandas("transactions"), kept.reset_index(drop=True), check_like=True
    )
    regions = [prepared.open(settings, key) for key in prepared.region_keys(settings)]
    assert sum(len(each.customers(day)) for each in regions) == len(ids)
    assert prepared.is_whole(settings.prepared)


def test_all_of_another_company_is_everyone(tmp_path):
    settings = business(tmp_path, 300)
    data, day = prepared.open(settings, "all"), prepared.resolve_day(settings)
    assert prepared.count_if_sampled(settings) is data.n_in_company is None
    assert len(data.customers(day)) >= 300
    assert not (settings.prepared / prepared.SAMPLE).exists()
