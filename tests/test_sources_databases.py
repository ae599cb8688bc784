"""Databases are read as the engines hold their rows, never written, and errors are one message.

PostgreSQL runs for the test on loopback, where its programs and its driver are installed.
"""

import sqlite3

import duckdb
import postgres_server
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cvm_analysis.cli import app
from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.settings import lines
from cvm_analysis.sources import databases

ORDERS = "(id text, bought_at timestamp, amount decimal(12, 2), pieces integer)"
ROWS = "('0001', '2025-01-02 10:00:00', 12.75, 3), ('é', null, null, null)"
TEXTS = [
    {"id": "0001", "bought_at": "2025-01-02 10:00:00", "amount": "12.75", "pieces": "3"},
    {"id": "é", "bought_at": None, "amount": None, "pieces": None},
]


@pytest.fixture(scope="module")
def server():
    """The URL of a server without user and password, and a connection of its owner."""
    with postgres_server.owned() as (url, con):
        con.execute(f"CREATE TABLE orders {ORDERS}")
        con.execute(f"INSERT INTO orders VALUES {ROWS}")
        yield url, con


@pytest.fixture
def postgres(server, monkeypatch):
    monkeypatch.setenv("PGUSER", "owner")
    monkeypatch.setenv("PGPASSWORD", postgres_server.PASSWORD)
    return server[0]


@pytest.fixture
def local(tmp_path):
    """URLs of a SQLite and a DuckDB file with the table."""
    pytest.importorskip("regex")  # of Ibis's SQLite
    with sqlite3.connect(tmp_path / "shop.sqlite") as con:
        con.execute(f"CREATE TABLE orders {ORDERS}")
        con.execute(f"INSERT INTO orders VALUES {ROWS}")
    con.close()
    with duckdb.connect(tmp_path / "shop.duckdb") as con:
        con.execute(f"CREATE TABLE orders {ORDERS}")
        con.execute(f"INSERT INTO orders VALUES {ROWS}")
    return [f"{kind}:///{tmp_path}/shop.{kind}" for kind in ("sqlite", "duckdb")]


def extracted(tmp_path, url, table=None, query=None, zone="UTC"):
    databases.extract(url, table, query, zone, tmp_path / "rows.parquet")
    return pq.read_table(tmp_path / "rows.parquet").to_pylist()


def refusal(tmp_path, url, table=None, query=None):
    with pytest.raises(InputError) as error:
        extracted(tmp_path, url, table, query)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_table_of_postgres_is_read_as_text(tmp_path, postgres):
    assert extracted(tmp_path, postgres, "orders") == TEXTS
    assert extracted(tmp_path, postgres, "public.orders") == TEXTS


def test_a_query_of_postgres_is_read_in_the_business_s_time_zone(tmp_path, postgres):
    query = "SELECT timestamptz '2025-01-31 23:30:00+00' AS at, 2.5::numeric AS n, 1 < 2 AS b;"
    found = extracted(tmp_path, postgres, query=query, zone="Asia/Shanghai")
    assert found == [{"at": "2025-02-01 07:30:00", "n": "2.5", "b": "true"}]


def test_more_rows_than_a_batch_all_arrive(tmp_path, postgres):
    query = f"SELECT generate_series(1, {databases.BATCH * 2 + 1}) AS n"
    found = extracted(tmp_path, postgres, query=query)
    assert [int(row["n"]) for row in found] == list(range(1, databases.BATCH * 2 + 2))


def test_postgres_is_not_written_to(tmp_path, postgres, server):
    server[1].execute(
        "CREATE OR REPLACE FUNCTION empty_it() RETURNS int LANGUAGE sql VOLATILE AS "
        "'DELETE FROM orders; SELECT 1'"
    )
    said = refusal(tmp_path, postgres, query="SELECT empty_it() AS n FROM generate_series(1, 1)")
    assert "cannot execute DELETE in a read-only transaction" in said
    assert server[1].execute("SELECT count(*) FROM orders").fetchone() == (2,)


def test_a_wrong_table_query_or_password_is_one_message(tmp_path, postgres, monkeypatch):
    assert refusal(tmp_path, postgres, "nope") == f"{postgres} nope: no such table"
    assert 'column "nope" does not exist' in refusal(tmp_path, postgres, query="SELECT nope")
    monkeypatch.setenv("PGPASSWORD", "wrong-one")
    said = refusal(tmp_path, postgres, "orders")
    assert "password authentication failed" in said and "wrong-one" not in said
    within = postgres.replace("://", "://owner:wrong-two@")
    said = refusal(tmp_path, within, "orders")
    assert said.startswith(postgres) and "wrong-two" not in said


def test_no_server_is_one_message(tmp_path):
    pytest.importorskip("psycopg")
    closed = f"postgres://127.0.0.1:{postgres_server.free_port()}/shop"
    assert "Connection refused" in refusal(tmp_path, closed, "orders")


def test_files_of_sqlite_and_duckdb_are_read_as_text(tmp_path, local):
    for url in local:
        assert extracted(tmp_path, url, "orders") == TEXTS
        total = extracted(tmp_path, url, query="SELECT sum(pieces) AS n FROM orders")
        assert total == [{"n": "3"}]


def test_a_wrong_file_table_or_query_is_one_message(tmp_path, local):
    for url in local:
        assert refusal(tmp_path, url, "nope") == f"{url} nope: no such table"
        assert "nope" in refusal(tmp_path, url, query="SELECT nope FROM orders")
        assert "syntax error" in refusal(tmp_path, url, query="DELETE FROM orders")
    missing = f"duckdb:///{tmp_path}/none.duckdb"
    assert refusal(tmp_path, missing, "orders").startswith(f"{missing}: no such file")
    assert "no such kind of database" in refusal(tmp_path, "nosuch://host/shop", "orders")


@pytest.mark.parametrize(
    ("url", "is_refused"),
    [
        ("postgres://me:secret@host/shop", True),
        ("postgres://me:${NAME:-secret}@host/shop", True),
        ("postgres://me:s@cret@host/shop", True),
        ("postgres://me:${PGPASSWORD}@host/shop", False),
        ("postgres://me@host:5432/shop", False),
        ("postgres://host:5432/shop", False),
        ("sqlite:///shop@home.sqlite", False),
        ("see http://example.com: me@example.com", False),
    ],
)
def test_a_password_that_is_written_out_is_refused_with_its_line(
    tmp_path, url, is_refused, monkeypatch
):
    monkeypatch.setenv("PGPASSWORD", "x")
    path = tmp_path / "mine.yaml"
    path.write_text(f"business: B\nsources:\n  source: '{url}'\n", "utf-8")
    if not is_refused:
        lines.parse(path)
        return
    with pytest.raises(ConfigError) as error:
        lines.parse(path)
    assert str(error.value).startswith(f"{path} line 3: a password is written out")
    assert "cret" not in str(error.value)


def test_a_report_s_tables_are_prepared_from_a_database(tmp_path, monkeypatch):
    """`cvm prepare` reads a query of a DuckDB file, by a path that starts from the config."""
    monkeypatch.chdir(tmp_path)
    with duckdb.connect("shop.duckdb") as con:
        con.execute("CREATE TABLE orders (who text, day date, amount decimal(12, 2))")
        con.execute(
            "INSERT INTO orders VALUES ('0001', '2025-01-02', 12.5), ('2', '2025-02-03', 7)"
        )
    (tmp_path / "mine.yaml").write_text(
        "business: Shop\ncurrency: EUR\npseudonyms: off\nextracted_on: 2025-03-01\nprepared: made\n"
        "regions: {main: {en: Main, zh: 主区域}}\nsources:\n  transactions:\n"
        "    - source: duckdb:///shop.duckdb\n      query: SELECT * FROM orders WHERE amount > 0\n"
        "      region: main\n      columns: {customer_id: who, ordered_at: day, amount: amount}\n",
        "utf-8",
    )
    for name in ("segments", "scorecards", "strategies"):
        (tmp_path / f"{name}.yaml").write_bytes(
            (postgres_server.CONFIG / f"{name}.yaml").read_bytes()
        )
    done = CliRunner().invoke(app, ["prepare", "mine.yaml"])
    assert done.exit_code == 0 and "2 of 2 order lines accepted" in done.output
    assert pq.read_table("made/transactions").column("customer_id").to_pylist() == ["0001", "2"]
    again = CliRunner().invoke(app, ["prepare", "mine.yaml"])
    assert "unchanged" in again.output
    assert not list(tmp_path.glob(".building-*"))
