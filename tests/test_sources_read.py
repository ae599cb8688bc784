"""A raw file becomes text rows: nothing interpreted, nothing lost, nothing guessed."""

import gzip

import ibis
import pytest

from cvm_analysis.errors import InputError
from cvm_analysis.sources import csv_blocks, read

COLUMNS = {"customer_id": "客户", "amount": "金额"}
CONTENT = "客户,金额\n000123,10\n622202020001234567,-2.50\n"


def staged(path, tmp_path, columns=COLUMNS, encoding=None):
    raw = read.write(path, "named.csv", columns, encoding, tmp_path / "staged.parquet")
    found = read.stage(ibis.duckdb.connect(), [raw])
    digests = read.digests(found.contents, found.rows.select("file", "line"))
    rows = found.rows.join(digests, ["file", "line"]).order_by("line")
    return raw.file, rows.to_pandas()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings_are_told_apart_by_the_bytes(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes(CONTENT.encode(encoding))
    raw, rows = staged(path, tmp_path)
    assert raw.encoding == encoding
    assert list(rows["customer_id"]) == ["000123", "622202020001234567"]


def test_korean_bytes_are_not_taken_for_chinese(tmp_path):
    """All of them are common Chinese characters, of the first half alone."""
    path = tmp_path / "a.csv"
    text = "고객번호,상품명,금액\nA1,서울 강남구 원목마루,10\nA2,부산 해운대구 걸레받이,5\n"
    path.write_bytes(text.encode("euc-kr"))
    with pytest.raises(InputError, match=r"set its encoding .* \(encoding: cp949 if it is Korean"):
        staged(path, tmp_path, {"customer_id": "고객번호"})
    _, rows = staged(path, tmp_path, {"customer_id": "상품명"}, "cp949")
    assert list(rows["customer_id"]) == ["서울 강남구 원목마루", "부산 해운대구 걸레받이"]


def test_compressed_files_are_read_as_their_content(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(CONTENT.encode()))
    assert staged(path, tmp_path)[0].n_rows == 2


def test_a_row_knows_the_line_it_ends_on_even_after_a_cell_of_two_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('客户,金额\n"a\nb",1\n\nc,2\n', "utf-8")
    _, rows = staged(path, tmp_path)
    assert list(rows["line"]) == [3, 5]


def test_short_and_long_rows_are_kept_and_counted(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("客户,金额\na\nb,1,x\n", "utf-8")
    _, rows = staged(path, tmp_path)
    assert list(rows["ragged"]) == [True, True]
    assert list(rows["customer_id"]) == ["a", "b"]


def test_every_batch_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_blocks, "ROWS", 3)
    path = tmp_path / "a.csv"
    path.write_text("客户,金额\n" + "".join(f"c{i},{i}\n" for i in range(10)), "utf-8")
    raw, rows = staged(path, tmp_path)
    assert raw.n_rows == 10
    assert list(rows["customer_id"]) == [f"c{i}" for i in range(10)]


def test_only_lines_alike_in_every_cell_share_a_digest(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("客户,金额,x\na,1,p\na,1,q\na,1,p\n", "utf-8")
    _, rows = staged(path, tmp_path)
    for name in ("digest", "key"):
        assert rows[name][0] == rows[name][2] != rows[name][1]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "an empty file"),
        ("客户,金额\n".encode(), "a header and no rows"),
        (b"\xe5\xae\xa2,x\n1,\xff\xff\n", "cannot be decoded, as utf-8: bytes ff ff near line 2"),
        ("客户,钱\n1,2\n".encode(), "amount: no column '金额'"),
        ('客户,金额\n1,"2\n'.encode(), "line 2: a quote opens here"),
    ],
)
def test_what_cannot_be_read_is_one_message_naming_the_file(tmp_path, content, says):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.csv") as error:
        staged(path, tmp_path)
    assert says in str(error.value)


def test_a_stated_encoding_is_taken_at_its_word(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(CONTENT.encode("gb18030"))
    with pytest.raises(InputError, match="as utf-8"):
        staged(path, tmp_path, encoding="utf-8")
