"""Queries as of a day: each day gets its own answer, and code that was edited another one."""

import datetime as dt
from decimal import Decimal

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
import pytest

from cvm_analysis import customers, queries
from cvm_analysis.customers import table
from cvm_analysis.queries import Queries

DAYS = [dt.date(2024, 6, 30), dt.date(2023, 1, 1), dt.date(2025, 2, 1), dt.date(2024, 6, 30)]


@pytest.fixture
def lines() -> pd.DataFrame:
    """Four customers, a line every nine days, now and then a return."""
    bought_on = pd.date_range("2022-11-01", "2025-03-01", freq="9D")
    n = range(len(bought_on))
    amount = [-3.0 if k % 11 == 5 else 1.0 + k for k in n]
    who = [f"c{k % 4}" for k in n]
    return pd.DataFrame(
        {"customer_id": who, "ordered_at": bought_on, "amount": amount, "region": "east"}
    )


@pytest.fixture
def ask(lines):
    """A connection with these lines: day -> table of customers."""
    transactions = ibis.duckdb.connect().create_table("lines", lines)
    queries = Queries()

    def asked(day):
        found = queries.ask(lambda each: customers.as_of(transactions, each), day)
        return found.set_index("customer_id")

    asked.views = queries.views
    return asked


def test_each_day_gets_its_own_answer(ask, lines):
    for day in DAYS:
        known = lines[lines["ordered_at"].dt.date <= day]
        ago = (pd.Timestamp(day) - known["ordered_at"]).dt.days
        bought = known[known["amount"] > 0].groupby("customer_id")["ordered_at"]
        found = ask(day)
        expected = {
            "net_sales": known.groupby("customer_id")["amount"].sum(),
            "net_sales_365d": known["amount"].where(ago < 365,
            0).groupby(known["customer_id"]).sum(),
            "n_purchase_days": bought.nunique(),
            "n_purchase_days_182d": (ago < 182).where(known["amount"] > 0, False)
            .groupby(known["customer_id"]).sum(),
            "T": (pd.Timestamp(day) - bought.min()).dt.days / 7,
        }  # fmt: skip
        for name, values in expected.items():
            assert found[name].tolist() == pytest.approx(values.tolist()), (day, name)
    assert len(ask.views) == 1


def test_the_answer_is_that_of_a_query_for_this_day_alone(ask, lines):
    transactions = ibis.memtable(lines)
    for day in DAYS:
        alone = customers.as_of(transactions, day).to_pandas().set_index("customer_id")
        pd.testing.assert_frame_equal(ask(day), alone, check_exact=True)


def test_every_type_is_what_ibis_gives_also_with_empty_cells():
    """A kept query is run without Ibis, which converts what it reads."""
    rows = pd.DataFrame(
        {
            "customer_id": ["a", None, "c"],
            "at": pd.to_datetime(["2024-01-01 10:00", None, "2024-01-03 00:00"]),
            "money": [Decimal("1.25"), None, Decimal("-3.00")],
            "n": pd.array([1, None, 3], dtype="Int64"),
            "share": [0.5, float("nan"), 1.0],
            "open": pd.array([True, None, False], dtype="boolean"),
        }
    )
    table = ibis.duckdb.connect().create_table("rows", pa.Table.from_pandas(rows))
    queries = Queries()
    every = table.mutate(day=table["at"].date(), whole=ibis.literal(2), nothing=ibis.null("date"))
    for asked in (every, every.filter(every.n == 1), every.filter(every.n > 9)):
        found = queries.ask_table(asked.order_by("n"), DAYS[0])
        pd.testing.assert_frame_equal(found, asked.order_by("n").to_pandas(), check_exact=True)


def test_a_kept_query_leaves_the_options_of_ibis(ask):
    ask(DAYS[0])
    assert ibis.options.sql.fuse_selects


def test_two_threads_leave_the_options_of_ibis_whoever_ends_first():
    first, second = queries.selects_unmerged(), queries.selects_unmerged()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not ibis.options.sql.fuse_selects, "the second is still inside"
    second.__exit__(None, None, None)
    assert ibis.options.sql.fuse_selects


def test_edited_code_is_not_answered_by_the_view_of_the_old(ask, monkeypatch):
    before = ask(DAYS[0])
    monkeypatch.setattr(table, "YEAR", 30)
    edited = ask(DAYS[0])
    assert (edited["net_sales_365d"] < before["net_sales_365d"]).all()
    monkeypatch.undo()
    pd.testing.assert_frame_equal(ask(DAYS[0]), before)


def test_two_regions_asked_in_turn_do_not_meet(lines):
    first, second = (
        ibis.duckdb.connect().create_table("lines", part)
        for part in (lines[lines["customer_id"] == "c0"], lines[lines["customer_id"] == "c1"])
    )
    own, other = Queries(), Queries()
    for day in DAYS:
        found = own.ask(lambda each: customers.as_of(first, each), day)
        beside = other.ask(lambda each: customers.as_of(second, each), DAYS[1])
        assert (found["customer_id"].tolist(), beside["customer_id"].tolist()) == (["c0"], ["c1"])
        assert beside["last_order"].max() <= pd.Timestamp(DAYS[1])


def test_a_day_asked_again_is_answered_from_memory(ask, lines, monkeypatch):
    first = ask(DAYS[0])
    monkeypatch.setattr(Queries, "_run", lambda *_: pytest.fail("it was computed again"))
    again = ask(DAYS[0])
    pd.testing.assert_frame_equal(again, first)
    again["net_sales"] = 0.0
    pd.testing.assert_frame_equal(ask(DAYS[0]), first)


def test_only_the_last_answers_stay_in_memory(lines):
    transactions = ibis.duckdb.connect().create_table("lines", lines)
    queries = Queries(max_rows=9)  # two answers of four customers
    for day in DAYS:
        queries.ask(lambda each: customers.as_of(transactions, each), day)
    assert [day for _, day in queries.answers] == DAYS[-2:]


def test_an_answer_too_large_to_keep_drives_no_other_out(lines):
    con, queries = ibis.duckdb.connect(), Queries(max_rows=9)
    rows = con.create_table("lines", lines)
    queries.ask(lambda day: customers.as_of(rows, day), DAYS[0])
    assert len(queries.ask(lambda day: rows.filter(rows.ordered_at.date() <= day), DAYS[0])) > 9
    assert [len(answer) for answer in queries.answers.values()] == [4]


def test_a_table_that_changes_under_one_name_is_asked_each_time(lines):
    con, queries = ibis.duckdb.connect(), Queries(max_rows=0)
    for who in ("c0", "c1"):
        part = con.create_table("lines", lines[lines["customer_id"] == who], overwrite=True)
        found = queries.ask(lambda each, rows=part: customers.as_of(rows, each), DAYS[0])
        assert found["customer_id"].tolist() == [who]


def test_a_connection_reads_and_writes_in_its_folder_only(tmp_path):
    from cvm_analysis.queries import connect

    for name in ("in", "out"):
        (tmp_path / name).mkdir()
        pd.DataFrame({"a": [1]}).to_parquet(tmp_path / name / "x.parquet")
    con = connect(tmp_path / "in")
    assert con.read_parquet(tmp_path / "in" / "x.parquet").to_pandas()["a"].tolist() == [1]
    for refused in (
        f"SELECT * FROM read_parquet('{tmp_path}/out/x.parquet')",
        f"SELECT * FROM read_csv('{tmp_path}/in/../out/x.parquet')",
        f"COPY (SELECT 1) TO '{tmp_path}/out/y.csv'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ):
        with pytest.raises(duckdb.Error):
            con.raw_sql(refused)
