"""Scores are shares of rows without a fault, and are compared with those of earlier prepares."""

import io

import pandas as pd
import pytest
from small_business import NAMED, small

from cvm_analysis.cli import tables
from cvm_analysis.intake import quality_scores
from cvm_analysis.intake.prepare import prepare

SALES = (
    "customer_id,ordered_at,amount,sold_in\n"
    "c1,2025-01-01,1,Nord\nc2,2025-01-02,x,Nord\nc3,soon,3,Sud\nc4,2025-01-04,4,Sud\n"
)


def shown(settings, capsys):
    capsys.readouterr()
    tables.quality(settings.path)
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    return table.set_index(["region", "table", "column"])


def test_a_score_is_the_share_of_rows_without_a_fault_in_the_column(tmp_path, capsys):
    table = shown(small(tmp_path, NAMED, {"sales.csv": SALES}), capsys)
    scores = table["score"].xs("transactions", level="table")
    assert scores["all", "amount"] == 0.75 and scores["all", "ordered_at"] == 0.75
    assert scores["n", "amount"] == 0.5 and scores["n", "ordered_at"] == 1
    assert scores["s", "amount"] == 1 and scores["s", "ordered_at"] == 0.5
    assert table["score"].is_monotonic_increasing and table["before"].isna().all()


def test_scores_are_compared_with_earlier_prepares(tmp_path, capsys):
    settings = small(tmp_path, NAMED, {"sales.csv": SALES})
    for text in (SALES.replace("x", "2"), SALES.replace("x", "2").replace("4,Sud", "y,Sud")):
        (tmp_path / "sales.csv").write_text(text, "utf-8")
        prepare(settings)
    row = shown(settings, capsys).loc[("all", "transactions", "amount")]
    assert row[["score", "before", "mean_before", "change"]].tolist() == [0.75, 1, 0.875, -0.125]


def test_findings_that_only_count_are_no_fault():
    quality = pd.DataFrame(
        {
            "region": "all",
            "table": "feedback",
            "column": ["text", "score", "score"],
            "level": ["info", "warn", "error"],
            "share": [0.5, 0.1, 0.2],
        }
    )
    found = quality_scores.score(quality)
    assert found["column"].tolist() == ["score"] and found["score"].tolist() == [pytest.approx(0.7)]
