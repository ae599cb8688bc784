"""A table of a database is drafted as a file is; its password never comes into the config."""

from pathlib import Path

import duckdb
import pytest
import yaml
from typer.testing import CliRunner

from cvm_analysis.cli import app
from cvm_analysis.errors import InputError

URL = "duckdb:///data/shop.duckdb"


@pytest.fixture(autouse=True)
def shop(tmp_path, monkeypatch):
    """A database of orders and an empty table, in the folder where `cvm` is typed."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    with duckdb.connect("data/shop.duckdb") as con:
        con.execute("CREATE TABLE later (order_id integer)")
        con.execute(
            "CREATE TABLE orders AS SELECT i AS order_id, 'c' || i % 9 AS customer, "
            "TIMESTAMP '2024-01-01 10:00:00' + to_days(i::integer) AS ordered_at, "
            "(i + 0.5)::decimal(10, 2) AS amount FROM range(60) r(i)"
        )


def init(*arguments):
    return CliRunner().invoke(app, ["init", *arguments])


def test_a_table_is_a_source_whose_path_starts_from_the_config(shop):
    done = init(URL, "--table", "orders")
    assert done.exit_code == 0, done.output
    drafted = yaml.safe_load(done.stdout)
    (source,) = drafted["sources"]["transactions"]
    assert source == {
        "source": "duckdb:///../data/shop.duckdb",
        "table": "orders",
        "region": "main",
        "columns": {
            "customer_id": "customer", "ordered_at": "ordered_at", "amount": "amount",
            "order_id": "order_id",
        },
    }  # fmt: skip
    assert drafted["business"] == "Orders"
    assert "the files span" in done.stdout  # 59 days: shorter horizons


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([URL], f"{URL}: name a table: --table NAME; it has later, orders"),
        ([URL, "--table", "nope"], f"{URL} nope: no such table"),
        ([URL, "--table", "later"], f"{URL} later: a header and no rows; is this the right file?"),
        (
            ["postgres://me:secret@host/shop", "--table", "orders"],
            "a password in the URL would stand in the config; leave it out, and set PGPASSWORD",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_one_message(arguments, said):
    done = init(*arguments)
    assert isinstance(done.exception, InputError) and str(done.exception) == said
