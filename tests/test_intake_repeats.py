"""Rows that repeat an earlier one; they stay in the order of their files."""

import ibis
import pandas as pd
import pytest

from cvm_analysis.intake import repeats
from cvm_analysis.queries import connect
from cvm_analysis.sources import read

CELLS = ["a", "b", "a", "c", "a", "b"]
OUT = [None, None, "filtered", None, None, None]
AGAIN = [False, False, False, False, True, True]  # the third counts for nothing


@pytest.fixture
def con(tmp_path):
    found = connect(tmp_path, tmp_path / "work.duckdb")
    yield found
    found.disconnect()


def stage(con, folder, cells, name):
    """A file of one column, read as `prepare` does."""
    path = folder / name
    path.write_text("\n".join(["id", *cells, ""]))
    file = read.write(path, name, {"id": "id"}, None, folder / f"{name}.parquet")
    return read.stage(con, [file])


def mark(con, rows, contents):
    marked = repeats.mark(con, "sales", rows, contents, int(rows.count().execute()))
    return marked.order_by("row", "refunded").to_pandas()


def add(staged, before=0, refunded=False):
    """As staging does: the number of a row among those of all files, what is left out, returns."""
    row = staged.rows.row + before
    out = ibis.cases(*((row == i, why) for i, why in enumerate(OUT) if why), else_=None)
    return staged.rows.mutate(row=row, left_out=out.cast("string"), refunded=refunded)


def test_a_row_repeats_one_before_it_that_counts_as_it_does(con, tmp_path):
    staged = stage(con, tmp_path, CELLS, "sales.csv")
    found = mark(con, add(staged), staged.contents)
    assert list(found["id"]) == CELLS
    assert list(found["repeated"]) == AGAIN


@pytest.mark.parametrize("at_once", [1, 2, repeats.MOST_KEYS])
def test_rows_of_several_files_repeat_each_other(con, tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(repeats, "MOST_KEYS", at_once)
    first, second = (stage(con, tmp_path, CELLS[i : i + 3], f"{i}.csv") for i in (0, 3))
    rows = add(first).union(add(second, before=3))
    assert list(mark(con, rows, [*first.contents, *second.contents])["repeated"]) == AGAIN


def test_a_return_repeats_what_its_line_repeats(con, tmp_path):
    staged = stage(con, tmp_path, CELLS, "sales.csv")
    rows = add(staged).union(add(staged, refunded=True))
    assert list(mark(con, rows, staged.contents)["repeated"]) == [x for x in AGAIN for _ in "12"]


def test_the_first_row_of_a_file_that_is_read_twice_repeats_none(con, tmp_path):
    staged = [stage(con, tmp_path, ["a", "b"], "sales.csv") for _ in range(2)]
    rows = add(staged[0]).union(add(staged[1], before=3))  # not those that OUT leaves out
    marked = repeats.mark(con, "sales", rows, [*staged[0].contents, *staged[1].contents], 5)
    found = marked.order_by("row").to_pandas()
    assert list(found["repeated"]) == [False, False, True, True]


def test_no_row_repeats_another(con, tmp_path):
    staged = stage(con, tmp_path, ["a", "b", "c"], "sales.csv")
    assert not mark(con, add(staged), staged.contents)["repeated"].any()


def test_marked_rows_are_written_in_the_order_of_the_file(con, tmp_path):
    cells = [str(i // 2) for i in range(300_000)]
    staged = stage(con, tmp_path, cells, "sales.csv")
    marked = repeats.mark(con, "sales", staged.rows, staged.contents, len(cells))
    marked.select("line", "repeated").to_parquet(tmp_path / "marked.parquet")
    expected = pd.DataFrame({"line": range(2, 300_002), "repeated": [False, True] * 150_000})
    assert pd.read_parquet(tmp_path / "marked.parquet").equals(expected)
