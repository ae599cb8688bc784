"""Files as people have them: read whole, or one message that names the place and the cure."""

import datetime as dt
import gzip
import zipfile

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from cvm_analysis.errors import InputError
from cvm_analysis.sources import formats, read

TABLE = "cust,day,amt,note\nC0007,2023-10-25,94.5,x\nC0028,2023-12-18,119.48,x\n"
ROWS = [["C0007", "2023-10-25", "94.5", "x"], ["C0028", "2023-12-18", "119.48", "x"]]


def opened(path, **how):
    with formats.open_rows(path, **how) as file:
        rows = list(file.records)
        return file, rows


def text(tmp_path, content, encoding="utf-8", name="a.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def says(path, **how):
    with pytest.raises(InputError) as error:
        opened(path, **how)
    return str(error.value).replace(str(path), path.name)


@pytest.mark.parametrize(
    ("content", "delimiter", "lines"),
    [
        (TABLE.replace(",", "|"), "pipe", [2, 3]),
        ("sep=;\n" + TABLE.replace(",", ";"), "semicolon", [3, 4]),
        ("sep=,\n" + TABLE, "comma", [3, 4]),
        ("Sales report 2025,,,\n\n" + TABLE, "comma", [4, 5]),
        ("Sales report 2025\nby day\n" + TABLE.replace(",", "\t"), "tab", [4, 5]),
    ],
)
def test_what_stands_above_the_header_is_passed_over(tmp_path, content, delimiter, lines):
    path = text(tmp_path, content)
    file, rows = opened(path)
    assert (file.delimiter, file.header) == (delimiter, ["cust", "day", "amt", "note"])
    assert rows == list(zip(lines, ROWS, strict=True)) and not file.notes
    assert formats.header(path) == file.header


def test_total_rows_at_the_end_are_left_out_and_said(tmp_path):
    file, rows = opened(text(tmp_path, TABLE + "合计,,213.98,\n"))
    assert [row for _, row in rows] == ROWS
    assert file.notes == ["line 4 is left out: a total row ('合计')"]
    inside = TABLE.replace("C0028", "Total").replace("119.48,x", "119.48,") + "C1,2024-01-01,5,\n"
    file, rows = opened(text(tmp_path, inside))
    assert len(rows) == 3 and not file.notes  # rows follow it: it is a row
    file, rows = opened(text(tmp_path, TABLE + "Total,2024-01-01,5,y\n"))
    assert len(rows) == 3 and not file.notes  # every cell is filled: it is a row


def test_an_open_quote_is_reported_where_it_opens(tmp_path):
    bad = TABLE + 'C1,2024-01-01,5,"never closed\n' + "C2,2024-01-02,6,x\n" * 400
    assert says(text(tmp_path, bad)).startswith("a.csv line 4: a quote opens here")
    closed = bad + 'C3,2024-01-03,"7",x\n'
    assert says(text(tmp_path, closed)).startswith("a.csv line 4: a quote opens here")
    swallowed = bad + 'C3",2024-01-03,7,x\n'
    assert says(text(tmp_path, swallowed)).startswith("a.csv line 4: a quote opens here")


def test_a_letter_of_several_lines_is_a_cell(tmp_path):
    _, rows = opened(text(tmp_path, TABLE + 'C1,2024-01-01,5,"Dear all,\nhello\nbye"\n'))
    assert rows[2] == (6, ["C1", "2024-01-01", "5", "Dear all,\nhello\nbye"])


def test_western_bytes_are_not_taken_for_chinese(tmp_path):
    western = TABLE.replace("C00", "Renée-Rhône-C").replace("note", "Straße")
    path = text(tmp_path, western, "cp1252")
    assert "encoding: cp1252 if it is Western European" in says(path)
    with pytest.raises(InputError, match="cp1252"):
        formats.header(path)
    assert opened(path, encoding="cp1252")[1][0][1][0] == "Renée-Rhône-C07"
    assert "cannot be decoded" in says(text(tmp_path, TABLE.replace("x", "Привет"), "cp1251"))
    chinese = text(tmp_path, TABLE.replace("x", "上海市闵行区，李垚"), "gb18030")
    assert opened(chinese)[0].encoding == "gb18030"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("stated", [None, "utf-16"])
def test_utf_16_needs_no_mark(tmp_path, encoding, stated):
    path = text(tmp_path, TABLE.replace("x", "金"), encoding)
    file, rows = opened(path, encoding=stated)
    assert file.encoding == encoding and rows[0][1][3] == "金"
    assert formats.header(path, stated) == ["cust", "day", "amt", "note"]


def test_cut_and_damaged_files_are_one_message(tmp_path):
    cut = (TABLE + "C1,2024-01-01,5,地").encode()[:-1]
    said = says(text(tmp_path, cut))
    assert said.startswith("a.csv: cut off, line 4 ends within a character (bytes e5")
    packed = gzip.compress((TABLE * 50).encode())
    assert "damaged or cut off" in says(text(tmp_path, packed[:-9], name="a.csv.gz"))
    pq.write_table(pa.table({"id": [str(i) for i in range(5000)]}), tmp_path / "a.parquet")
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[20:200] = bytes(180)
    assert "damaged or cut off" in says(text(tmp_path, bytes(content), name="a.parquet"))
    assert "by its content a zip or Excel file" in says(text(tmp_path, b"PK\x03\x04rest"))


def test_a_zip_holds_one_file(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("sales.csv", TABLE)
    assert [row for _, row in opened(path)[1]] == ROWS
    assert formats.header(path) == ["cust", "day", "amt", "note"]
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr("more.csv", TABLE)
    assert "holds sales.csv, more.csv; a zip may hold one csv file" in says(path)


def test_two_columns_of_one_header_are_named_with_their_places(tmp_path):
    path = text(tmp_path, "客户,日期,金额,单号,金额\na,2024-01-01,1,2,3\n")
    with pytest.raises(InputError, match="called '金额': the columns 3 and 5"):
        staged(path, {"amount": "金额"}, tmp_path)
    assert staged(path, {"customer_id": "客户"}, tmp_path).file.n_rows == 1


def staged(path, columns, tmp_path):
    to = tmp_path / "to.parquet"
    return read.write(path, path.name, columns, None, to)


def book(tmp_path, sheets, hidden=()):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as made:
        for name, rows in sheets.items():
            page = made.add_worksheet(name)
            for i, row in enumerate(rows):
                for j, cell in enumerate(row):
                    page.write(i, j, cell)
            if name in hidden:
                page.hide()
    return path


def test_all_sheets_of_one_table_are_read(tmp_path):
    head, day = ["cust", "day", "amt"], dt.date(2024, 1, 1)
    sheets = {
        "Notes": [["read me"]],
        "2024": [head, ["a", day, 9.45], ["b", day, 12.345]],
        "2025": [["Sales"], head, ["c", day, 1]],
        "old": [head, ["d", day, 2]],
    }
    path = book(tmp_path, sheets, hidden=["old"])
    file, rows = opened(path)
    assert file.header == head and formats.header(path) == head
    assert [(line, row[0], row[2]) for line, row in rows] == [
        *((2, "a", "9.45"), (3, "b", "12.3450"), (3, "c", "1")),
    ]
    assert [note.split(" is left out")[0] for note in file.notes] == [
        *("sheet 'Notes' has other columns and", "hidden sheet 'old'"),
    ] or [note.split("'")[1] for note in file.notes] == ["Notes", "old"]
    assert opened(path, sheet="old")[1][0][1][0] == "d"
    assert says(path, sheet="2042").startswith("a.xlsx: no sheet '2042'; did you mean '202")
    found = staged(path, {"customer_id": "cust"}, tmp_path)
    assert found.file.n_rows == 3
    rows = read.stage(ibis.duckdb.connect(), [found]).rows
    assert sorted(rows.file.to_pandas()) == [
        *("a.xlsx[2024]", "a.xlsx[2024]", "a.xlsx[2025]"),
    ]


def test_a_cell_far_outside_is_named_before_memory_ends(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as made:
        page = made.add_worksheet()
        page.write_row(0, 0, ["id", "amt"])
        page.write_row(1, 0, ["a", 5])
        page.write(1_048_575, 16_383, "x")
    assert "reaches to column XFD, row 1,048,576" in says(path)


def test_numbers_of_a_workbook_take_the_decimal_sign_of_the_source(tmp_path):
    path = book(tmp_path, {"S": [["id", "amt"], ["a", 12.5], ["b", "1.234,56"]]})
    assert [row[1] for _, row in opened(path, decimal="comma")[1]] == ["12,5", "1.234,56"]


def test_parquet_keeps_the_zone_of_instants_and_the_digits_of_doubles(tmp_path):
    at = pa.array([dt.datetime(2024, 3, 1, 20, 22, 31)], pa.timestamp("us", "UTC"))
    content = {"at": at, "id": [10002.0], "long": [6925380000001.0], "lost": [1e16]}
    pq.write_table(pa.table(content), tmp_path / "a.parquet")
    ((_, row),) = opened(tmp_path / "a.parquet")[1]
    assert row == ["2024-03-01 20:22:31.000000Z", "10002", "6925380000001", "1E+16"]
