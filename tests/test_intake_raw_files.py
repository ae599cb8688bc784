"""The raw files of a source: those of its pattern, and one file for each join."""

import subprocess
import sys

import duckdb
import pytest
from raw_business import write

from cvm_analysis import settings
from cvm_analysis.errors import InputError
from cvm_analysis.intake import raw_files

SOURCE = """
files: lines_*.csv
columns: {customer_id: who, ordered_at: day, amount: price}
join: [{files: orders*.csv, on: order}]
"""
FILES = {"lines_a.csv": "order\n", "lines_b.csv": "order\n", "orders.csv": "order\n"}


def test_each_file_of_a_pattern_is_an_input_with_its_joined_file(tmp_path):
    made = settings.load(write(tmp_path, SOURCE, FILES))
    with raw_files.open_inputs(made) as inputs:
        assert [each.name for each in inputs] == ["lines_a.csv", "lines_b.csv"]
        assert [[other.name for other in each.others] for each in inputs] == [["orders.csv"]] * 2
    assert not list(tmp_path.glob(".building-*"))


def test_several_files_are_not_joined_as_one(tmp_path):
    made = settings.load(write(tmp_path, SOURCE, {**FILES, "orders_2.csv": "order\n"}))
    one = pytest.raises(InputError, match=r"orders\*\.csv: 2 files; a join takes one")
    with one, raw_files.open_inputs(made):
        pass


def test_rows_of_a_database_go_after_a_kill(tmp_path):
    """A killed process cannot remove them; whoever prepares next does."""
    with duckdb.connect(tmp_path / "shop.duckdb") as con:
        con.execute("CREATE TABLE orders AS SELECT '1' who, DATE '2025-01-02' AS day, 7 price")
    columns = "columns: {customer_id: who, ordered_at: day, amount: price}"
    config = write(
        tmp_path, f"source: duckdb:///shop.duckdb\ntable: orders\nregion: main\n{columns}", {}
    )
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from cvm_analysis import settings\n"
        "from cvm_analysis.intake import raw_files\n"
        "with raw_files.open_inputs(settings.load(Path(sys.argv[1]))) as inputs:\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, config], check=False).returncode == -9
    assert list(tmp_path.glob(".building-databases-*/0.parquet"))
    with raw_files.open_inputs(settings.load(config)) as inputs:
        assert [each.path.is_file() for each in inputs] == [True]
        assert len(list(tmp_path.glob(".building-*/0.parquet"))) == 1
    assert not list(tmp_path.glob(".building-*"))
