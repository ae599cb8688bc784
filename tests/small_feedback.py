"""Feedback of a small sample company, as its file has it: read by plain Python, not by intake."""

import csv
import tempfile
from functools import cache
from pathlib import Path

import pandas as pd

from cvm_analysis import sample

HEADERS = {
    "客户编号": "customer_id", "日期": "at", "类型": "kind", "维度": "dimension", "分数": "score",
    "内容": "text", "关闭日期": "closed_at", "涉及产品": "about_product", "订单号": "about_order",
}  # fmt: skip


@cache
def records() -> tuple[dict[str, str], ...]:
    """The rows of feedback.csv that are no dirt, by our names, all values as text."""
    with tempfile.TemporaryDirectory() as folder:
        sample.make(Path(folder) / "sample", 800)
        path = Path(folder) / "sample" / "raw" / "feedback.csv"
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [{HEADERS[k]: v for k, v in row.items()} for row in csv.DictReader(file)]
    known = [row for row in rows if row["customer_id"] and row["at"] <= "2025-12-31"]
    return tuple(row for row in known if row["score"].isdigit() or row["kind"] == "complaint")


def table() -> pd.DataFrame:
    """The same as intake prepares it: dates, numbers, and empty cells as missing."""
    rows = pd.DataFrame(records()).replace("", None)
    return rows.assign(
        at=pd.to_datetime(rows["at"]),
        closed_at=pd.to_datetime(rows["closed_at"]),
        score=rows["score"].astype(float),
    )
