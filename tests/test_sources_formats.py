"""The same table in every kind of file gives the same header and the same cells of text."""

import datetime as dt
import decimal
import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from cvm_analysis.errors import InputError
from cvm_analysis.sources import formats

HEADER = ["Member No", "Order Time", "金额"]
ROWS = [["000123", "2025-03-04 08:26:00", "10"], ["622202020001234567", "2025-12-31", "-2.50"]]


def read(path, **how):
    with formats.open_rows(path, **how) as file:
        return file.delimiter, file.header, list(file.records)


def written(path, rows, mark, encoding="utf-8"):
    content = "".join(mark.join(row) + "\n" for row in rows).encode(encoding)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def sheet(path, rows):
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
        page = book.add_worksheet()
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                page.write_string(i, j, cell) if isinstance(cell, str) else page.write(i, j, cell)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.csv.gz"])
@pytest.mark.parametrize(("mark", "delimiter"), [(",", "comma"), (";", "semicolon"), ("\t", "tab")])
def test_what_parts_the_cells_is_told_by_the_lines(tmp_path, name, mark, delimiter):
    path = written(tmp_path / name, [HEADER, *ROWS], mark)
    assert read(path) == (delimiter, HEADER, [(2, ROWS[0]), (3, ROWS[1])])
    assert formats.header(path) == HEADER


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
def test_it_is_told_in_every_encoding(tmp_path, encoding):
    path = written(tmp_path / "a.csv", [HEADER, *ROWS], ";", encoding)
    assert read(path)[:2] == ("semicolon", HEADER)
    assert formats.header(path) == HEADER


@pytest.mark.parametrize(
    ("content", "delimiter", "header"),
    [
        ("Order Time,Net Amount\n2025-03-04 08:26:00,5\n", "comma", ["Order Time", "Net Amount"]),
        ("id;net, paid\na;1,50\nb;2,50\n", "semicolon", ["id", "net, paid"]),  # decimal commas
        ("a,b\n1\n1,2,3\n", "comma", ["a", "b"]),  # no row is as wide as the header
        ("only\n1\n2\n", "comma", ["only"]),
        ('"a;b",c\n"1;2",3\n', "comma", ["a;b", "c"]),  # within quotes it parts nothing
        ("a\tb c\n1\t2 3\n", "tab", ["a", "b c"]),
        ("a b\n1 2\n", "spaces", ["a", "b"]),
        ("note; name,b\nx,1\ny,2\n", "comma", ["note; name", "b"]),
        ("Order Time,Paid\n2025-03-04 08:26,5,\n", "comma", ["Order Time", "Paid"]),
    ],
)
def test_signs_that_part_nothing_are_passed_over(tmp_path, content, delimiter, header):
    path = tmp_path / "a.csv"
    path.write_text(content, "utf-8")
    assert read(path)[:2] == (delimiter, header)


def test_a_stated_delimiter_is_taken_at_its_word(tmp_path):
    path = written(tmp_path / "a.csv", [["a;b", "c"], ["1;2", "3"]], ",")
    for stated, header in (("semicolon", ["a", "b,c"]), ("comma", ["a;b", "c"])):
        assert read(path, delimiter=stated)[:2] == (stated, header)
        assert formats.header(path, delimiter=stated) == header


def test_any_number_of_blanks_and_tabs_is_one(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(' id  date  dollars\n\n 00001 19970101  1.50 \r\n "a b"\t2 3\n 4 5\n', "utf-8")
    delimiter, header, records = read(path)
    assert (delimiter, header) == ("spaces", ["id", "date", "dollars"])
    assert records == [
        (3, ["00001", "19970101", "1.50"]),
        (4, ["a b", "2", "3"]),
        (5, ["4", "5"]),  # a lost cell is not filled up: the row is set aside later
    ]


def test_cdnow_is_parted_by_spaces(lifetimes_data):
    delimiter, header, records = read(lifetimes_data / "CDNOW_master.txt")
    assert (delimiter, len(records)) == ("spaces", 69_659)
    assert header == ["customer_id", "date", "number_of_cds", "dollar_value"]
    assert {len(row) for _, row in records} == {4}
    assert records[0] == (2, ["00001", "19970101", "1", "11.77"])


def test_the_header_alone_does_not_wait_for_the_end_of_the_file(tmp_path):
    path = tmp_path / "a.csv"
    rows = "".join(f"{i},金\n" for i in range(20_000)).encode()
    path.write_bytes("id,金额\n".encode() + rows + b"1,\xff\xff\n")
    assert formats.header(path) == ["id", "金额"]
    with pytest.raises(InputError, match="cannot be decoded"):
        read(path)


def test_a_sign_cut_in_two_where_the_first_bytes_end_is_no_fault(tmp_path, monkeypatch):
    path = written(tmp_path / "a.csv", [["客户", "金额"], ["一", "1"]], ",")
    for n in range(16, 24):
        monkeypatch.setattr(formats, "START", n)
        assert formats.header(path) == ["客户", "金额"]


def test_a_sheet_gives_what_a_csv_would(tmp_path):
    path = sheet(
        tmp_path / "a.xlsx",
        [
            ["编号", " 日期", "时间", "金额", "件数"],
            ["622202020001234567", dt.date(2025, 3, 4), dt.datetime(2025, 3, 4, 8, 26), 1.5, 3],
            [],
            [100200, "2025-03-05", "", -2, 999_999_999_999_999],
        ],
    )
    delimiter, header, records = read(path)
    assert (delimiter, header) == ("", ["编号", "日期", "时间", "金额", "件数"])
    (line, first), second = records
    assert (line, first[0], first[3:]) == (2, "622202020001234567", ["1.5", "3"])
    assert first[1][:10] == "2025-03-04" and first[2] == "2025-03-04 08:26:00"
    assert second == (4, ["100200", "2025-03-05", "", "-2", "999999999999999"])
    assert formats.header(path) == header


def test_numbers_that_a_sheet_has_rounded_are_refused(tmp_path):
    rows = [["id"], [622202020001234567], ["622202020001234567"], [10**15]]
    with pytest.raises(InputError) as error:
        read(sheet(tmp_path / "a.xlsx", rows))
    assert "2 numbers have more than 15 digits, the first on line 2" in str(error.value)
    assert "export ids as text" in str(error.value)


def test_parquet_gives_what_a_csv_would(tmp_path):
    path = tmp_path / "a.parquet"
    content = {
        "id": [622202020001234567, None],
        "word": pa.array(["金", None]).dictionary_encode(),
        "day": [dt.date(2025, 3, 4), None],
        "time": [dt.datetime(2025, 3, 4, 8, 26), None],
        "paid": [decimal.Decimal("-2.50"), None],
    }
    pq.write_table(pa.table(content), path)
    delimiter, header, records = read(path)
    assert (delimiter, header) == ("", list(content))
    assert [cell[:19] for cell in records[0][1]] == [
        "622202020001234567",
        "金",
        "2025-03-04",
        "2025-03-04 08:26:00",
        "-2.50",
    ]
    assert records[1] == (3, [""] * 5)
    assert formats.header(path) == header


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.xls", b"x", "cannot be read; use one of .csv, .txt"),
        ("a.xlsx", b"x", "not an xlsx file"),
        ("a.parquet", b"x", "not a Parquet file"),
        ("a.txt", b"  \n", "an empty file"),
        ("a.txt", b"a,b\n1,\xff\xff\n", "bytes ff ff near line 2"),
    ],
)
def test_what_is_no_such_file_is_one_message_naming_it(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    for of in (read, formats.header):
        with pytest.raises(InputError, match=name.replace(".", r"\.")) as error:
            of(path)
        assert says in str(error.value)


def test_cells_of_several_values_are_refused(tmp_path):
    pq.write_table(pa.table({"id": ["a"], "tags": [["x", "y"]]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="tags"):
        read(tmp_path / "a.parquet")
