"""Raw files and configs with one fault each, drawn from a seed, and what becomes of them."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
import yaml

from cvm_analysis.errors import CvmError
from cvm_analysis.settings import load
from cvm_analysis.sources import formats, read

KINDS = ("csv", "csv.gz", "xlsx", "parquet", "yaml")
HEADER = ["cust", "day", "amt", "地区"]
COLUMNS = {"customer_id": "cust", "ordered_at": "day", "amount": "amt", "sold_in": "地区"}
ROWS = [[f"C{i % 7:04}", f"2024-0{1 + i % 9}-11", f"{i}.5", "东" if i % 2 else "西"]
        for i in range(40)]  # fmt: skip
ENDS = (2, 3)  # exit codes of faults


def good(kind: str) -> bytes:
    """A file without fault; of a config its text."""
    text = "".join(",".join(row) + "\n" for row in [HEADER, *ROWS]).encode()
    if kind == "csv":
        return text
    if kind == "csv.gz":
        return gzip.compress(text, mtime=0)
    if kind == "yaml":
        return yaml.safe_dump(config("sales.csv"), allow_unicode=True).encode()
    into = io.BytesIO()
    if kind == "xlsx":
        with xlsxwriter.Workbook(into) as book:
            page = book.add_worksheet()
            for i, row in enumerate([HEADER, *ROWS]):
                page.write_row(i, 0, row)
    else:
        columns = dict(zip(HEADER, map(list, zip(*ROWS, strict=True)), strict=True))
        pq.write_table(pa.table(columns), into)
    return into.getvalue()


def config(file: str) -> dict:
    """A config of one file of sales."""
    rules = Path(__file__).parent.parent / "config"
    shared = {
        name: str(rules / f"{name}.yaml") for name in ("segments", "scorecards", "strategies")
    }
    return {
        "business": "Tiny",
        "currency": "EUR",
        "timezone": "Asia/Shanghai",
        "pseudonyms": False,
        "prepared": "prepared",
        "extracted_on": "2025-01-01",
        "regions": {"east": {"match": ["东"], "en": "East", "zh": "东"},
                    "west": {"match": ["西"], "en": "West", "zh": "西"}},
        "sources": {"transactions": [{"files": file, "columns": dict(COLUMNS)}]},
        "rules": {"stop_above": {"default": 0.2}},
        **shared,
    }  # fmt: skip


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """One fault: bytes flipped, cut, doubled, left out, put in, or taken from elsewhere."""
    at, n = int(rng.integers(len(content))), int(rng.integers(1, 60))
    before, within, after = content[:at], content[at : at + n], content[at + n :]
    odd = [b'"', b"\x00", b"\xff\xfe", b",,,", b"\r", b"\n\n", b"9" * 40, "é".encode("cp1252")]
    faults = (
        lambda: before,
        lambda: before + within + within + after,
        lambda: before + after,
        lambda: before + odd[int(rng.integers(len(odd)))] + within + after,
        lambda: before + bytes(rng.integers(0, 256, len(within), np.uint8)) + after,
        lambda: before + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 :],
        lambda: content.replace(within[:2], odd[int(rng.integers(len(odd)))]),
    )
    return faults[int(rng.integers(len(faults)))]()


def outcome(kind: str, content: bytes, folder: Path) -> int | str:
    """Rows staged, or the message of the fault; any other error is raised.

    AssertionError if a row is lost between the file and its staged rows.
    """
    path, staged = folder / f"faulty.{kind}", folder / "staged.parquet"
    path.write_bytes(content)
    staged.unlink(missing_ok=True)  # which would be used again
    con = ibis.duckdb.connect()  # another one each time: it remembers files by their paths
    try:
        if kind == "yaml":
            load(path)
            return 0
        with formats.open_rows(path) as file:
            n = sum(1 for _ in file.records)
        raw = read.write(path, "faulty", COLUMNS, None, staged)
        rows = read.stage(con, [raw]).rows
    except CvmError as error:
        assert error.exit_code in ENDS
        return str(error)
    assert raw.file.n_rows == n == rows.count().execute()
    return n
