"""A source says where its rows are: in files, or in a table or query of a database."""

import pytest
from raw_business import write

from cvm_analysis import settings
from cvm_analysis.errors import ConfigError

COLUMNS = "columns: {customer_id: who, ordered_at: day, amount: amount}"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("region: main", "the setting 'files' (or 'source') is missing"),
        ("{files: a.csv, source: 'duckdb:///a.duckdb', table: t}", "keep one of the settings"),
        ("source: orders", "write the URL of a database, such as postgres://host/database"),
        ("source: postgres://host/shop", "a database needs either `table` or `query`"),
        ("{source: 'postgres://host/shop', table: t, query: q}", "either `table` or `query`"),
        ("{files: a.csv, table: t}", "`table` and `query` are for databases"),
    ],
)
def test_a_place_without_or_with_two_meanings_is_an_error_with_its_line(tmp_path, place, said):
    inline = place.strip("{}").replace(", ", "\n")
    path = write(tmp_path, f"{COLUMNS}\n{inline}", {})
    with pytest.raises(ConfigError) as error:
        settings.load(path)
    assert said in str(error.value) and f"{path} line " in str(error.value)


def test_a_place_that_is_joined_is_checked_too(tmp_path):
    path = write(tmp_path, f"files: a.csv\n{COLUMNS}\njoin: [{{on: id}}]", {})
    with pytest.raises(ConfigError, match=r"the setting 'files' \(or 'source'\) is missing"):
        settings.load(path)


def test_the_path_of_a_database_starts_from_the_config(tmp_path):
    made = settings.load(
        write(tmp_path, f"source: sqlite:///../shop.sqlite\ntable: t\n{COLUMNS}", {})
    )
    (source,) = made.business.sources.transactions
    assert made.resolve_url(source.source) == f"sqlite:///{tmp_path.parent}/shop.sqlite"
    assert made.resolve_url("postgres://host/shop") == "postgres://host/shop"
    assert made.raw_folders == []
