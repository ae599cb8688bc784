"""Blocks that Arrow reads have the same cells and lines as Python's reader gives."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvm_analysis.errors import InputError
from cvm_analysis.sources import csv_blocks
from cvm_analysis.sources.csv_dialect import Dialect, records
from cvm_analysis.sources.layout import without_totals

COMMA = Dialect("comma", 1)
HEADER = "id,day,note\n"
LINES = ["a,2024-01-01,x\n", "b,,\n", ",,\n", "\n", 'c,1,"two words"\n', 'd,1,"a ""b"", c"\n']
ODD = ["\r\n", "e,1,y\r\n", 'f,1,5" pipe\n', "g,1\n", "h,1,2,3\n", 'i,"1\n2",z\n']
ODD += ['j,"",""\n', "k,1,\ufeff\n", "l,1,é\u2028\n", "  \n", 'm,1,"\n\n"\n']


def by_blocks(content, size, path="a.csv", dialect=COMMA):
    """Header and rows (line, n_fields, cells), with blocks of `size` characters; and the notes."""
    notes, whole = [], csv_blocks.SIZE
    csv_blocks.SIZE = size
    try:
        header, tables = csv_blocks.read(path, io.StringIO(content, newline=""), dialect, notes)
        rows = [
            (row["line"], row["n_fields"], [row[str(i)] for i in range(len(header))])
            for table in tables
            for row in table.to_pylist()
        ]
    finally:
        csv_blocks.SIZE = whole
    return header, rows, notes


def by_row(content, dialect=COMMA):
    notes = []
    rows = records("a.csv", io.StringIO(content, newline=""), dialect)
    header = next(rows)[1]
    width = len(header)
    found = [
        (line, len(row), (row + [""] * width)[:width]) for line, row in without_totals(rows, notes)
    ]
    return header, found, notes


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*LINES * 3, *ODD]), max_size=60),
    st.sampled_from(["", "Total,,3\n", "Total,,\nn,1,\n", "Total,,\nSum,,3\n,,\n"]),
    st.integers(30, 200),
)
def test_blocks_and_rows_are_alike_whatever_the_lines(lines, end, size):
    content = HEADER + "".join(lines) + end
    assert by_blocks(content, size) == by_row(content)


def test_a_row_that_ends_in_the_last_block_does_not_hide_its_total():
    lines = ["a,2024-01-01,x\n"] * 5 + ["b,,\n", "b,,\n", 'i,"1\n2",z\n'] + ["a,2024-01-01,x\n"] * 2
    content = HEADER + "".join(lines) + "Total,,3\n"
    assert by_blocks(content, 42) == by_row(content)
    assert by_blocks(content, 42)[2] == ["line 13 is left out: a total row ('Total')"]


def test_plain_blocks_are_read_by_arrow(monkeypatch):
    content = HEADER + "".join(f'{i},2024-01-01,"a, ""{i}"""\r\n' for i in range(200))
    seen = []
    plain = csv_blocks._read_plain
    monkeypatch.setattr(csv_blocks, "_read_plain", lambda *a: seen.append(plain(*a)) or seen[-1])
    header, rows, _ = by_blocks(content, 500)
    assert header == ["id", "day", "note"] and len(rows) == 200
    assert rows[100] == (102, 3, ["100", "2024-01-01", 'a, "100"'])
    assert len(seen) > 5 and all(table is not None for table in seen)


def test_a_quote_that_does_not_close_is_named_by_its_line():
    lines = [f"{i},1,x\n" for i in range(100)]
    lines[60] = '60,1,"x\n'
    with pytest.raises(InputError, match="line 62: a quote opens here"):
        by_blocks(HEADER + "".join(lines), 50)


def test_several_blanks_as_delimiter_are_read_row_by_row():
    content = "id  day\n" + "a   1\n" * 50
    assert by_blocks(content, 20, dialect=Dialect("spaces", 1))[1] == [
        (line, 2, ["a", "1"]) for line in range(2, 52)
    ]
    assert csv.field_size_limit() > csv_blocks.LONGEST  # longer cells are errors of Python's reader
