"""Rows kept in the order of the files, and files of regions that are alike on any machine."""

import random

import pandas as pd
import pytest

from cvm_analysis.intake import kept_rows
from cvm_analysis.queries import connect

REGIONS = ["north", "south", None]


def lines(n: int) -> pd.DataFrame:
    """Rows of two files, in order; every seventh is rejected."""
    draw = random.Random(4)
    return pd.DataFrame(
        {
            "file": ["a.csv"] * (n // 3) + ["b.csv"] * (n - n // 3),
            "line": [*range(2, n // 3 + 2), *range(2, n - n // 3 + 2)],
            "amount": [draw.random() for _ in range(n)],
            "region": [draw.choice(REGIONS[:2]) for _ in range(n)],
            "rule": ["no_date" if i % 7 == 0 else None for i in range(n)],
        }
    )


@pytest.fixture
def con(tmp_path):
    found = connect(tmp_path, tmp_path / "work.duckdb")
    yield found
    found.disconnect()


@pytest.mark.parametrize("shuffled", [False, True])
def test_rows_are_kept_in_the_order_of_file_and_line(con, tmp_path, shuffled):
    rows = lines(5000)
    given = rows.sample(frac=1, random_state=1) if shuffled else rows
    kept = kept_rows.keep(con, con.create_table("given", given), tmp_path).to_pandas()
    assert kept.drop(columns=kept_rows.NUMBER).equals(rows)
    assert list(kept[kept_rows.NUMBER]) == list(range(5000))


@pytest.mark.parametrize("swapped", [(0, 1), (1_200, 1_201), (4_998, 4_999), (1_665, 1_666)])
def test_two_rows_in_the_wrong_order_are_seen(con, tmp_path, monkeypatch, swapped):
    monkeypatch.setattr(kept_rows, "BATCH", 1_201)  # the second pair stands in two batches
    rows = lines(5000)
    order = list(rows.index)
    order[swapped[0]], order[swapped[1]] = swapped[::-1]
    kept = kept_rows.keep(con, con.create_table("given", rows.loc[order]), tmp_path)
    assert list(kept.to_pandas()["amount"]) == list(rows["amount"])


def write(con, folder, rows, to):
    kept = kept_rows.keep(con, con.create_table(f"rows_{to}", rows), folder)
    kept_rows.write(con, kept, len(rows), ["amount"], folder / to)
    return {
        str(p.relative_to(folder / to)): p.read_bytes() for p in (folder / to).rglob("*.parquet")
    }


def test_regions_get_their_accepted_rows_and_the_same_bytes_on_any_machine(
    con, tmp_path, monkeypatch
):
    monkeypatch.setattr(kept_rows, "ROWS_PER_FILE", 1_000)
    rows = lines(6500)
    monkeypatch.setattr(kept_rows.os, "cpu_count", lambda: 1)
    alone = write(con, tmp_path, rows, "alone")
    monkeypatch.setattr(kept_rows.os, "cpu_count", lambda: 4)
    together = write(con, tmp_path, rows, "together")
    assert alone == together
    assert len(alone) == 14  # seven parts of two regions
    for region in REGIONS[:2]:
        files = sorted((tmp_path / "alone" / f"region={region}").glob("*.parquet"))
        found = pd.concat([pd.read_parquet(file) for file in files])
        expected = rows[(rows["region"] == region) & rows["rule"].isna()]
        assert sorted(found["amount"]) == sorted(expected["amount"])
        assert list(found.columns) == ["amount"]


def test_a_table_without_accepted_rows_has_no_files(con, tmp_path):
    assert write(con, tmp_path, lines(30).assign(rule="no_date"), "none") == {}


def test_few_rows_that_are_joined_with_many_customers_keep_their_order(con, tmp_path):
    rows = lines(30).assign(customer=lambda t: t.index * 7 % 30).drop(columns="region")
    ids = [*range(30_000, 30, -1), *random.Random(1).sample(range(30), 30)]
    placed = con.create_table("placed", pd.DataFrame({"customer": ids, "region": "north"}))
    kept = kept_rows.keep(con, con.create_table("rows", rows), tmp_path)
    joined = kept.left_join(placed, "customer")
    kept_rows.write(con, joined, len(rows), ["amount"], tmp_path / "few")
    found = pd.concat(map(pd.read_parquet, (tmp_path / "few").rglob("*.parquet")))
    assert list(found["amount"]) == list(rows["amount"][rows["rule"].isna()])
