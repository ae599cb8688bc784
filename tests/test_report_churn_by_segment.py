"""What differs from segment to segment, in sentences."""

import html

import numpy as np
import pandas as pd
import pytest
from test_report_churn import EN, text

from cvm_analysis.churn import by_segment
from cvm_analysis.report import churn_by_segment as churn_by_segment_tables
from cvm_analysis.report.writer import Writer
from cvm_analysis.texts import words

SAY = words("en")


def table():
    """`rate` is unlike, `nps` alike; `grade` told by one segment; nobody of `lost` came back."""
    ratios = {
        ("champions", "rate"): 1.6, ("loyal", "rate"): 1.0,
        ("champions", "nps"): 1.02, ("loyal", "nps"): 1.01, ("loyal", "grade"): 1.3,
        ("lost", "rate"): np.nan,
    }  # fmt: skip
    rows = [(s, f, 50, r, r / 1.1, r * 1.1) for (s, f), r in ratios.items()]
    columns = ["segment", "feature", "events", "hazard_ratio", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def said(rows, means=()):
    return churn_by_segment_tables.sentences(rows, by_segment.test_differences(rows), SAY, means)


def test_each_feature_is_in_one_sentence_and_segments_without_ratios_in_another():
    unlike, alike, untested, too_few = said(table())
    assert unlike.endswith("Purchase days per year (Loyal 1.00, Champions 1.60).")
    assert alike.endswith("beyond chance: Likelihood to recommend.")
    assert untested.endswith(": Grade.") and too_few.endswith(": Lost.")


def test_of_an_unlike_feature_that_is_but_a_mean_it_is_said():
    sentences = said(table(), ["rate", "nps"])
    (mean,) = (s for s in sentences if "vary with" in s)
    assert mean.endswith(": Purchase days per year.")
    assert not any("vary with" in s for s in said(table(), ["nps"]))


def test_where_nothing_is_told_that_is_all_that_is_said():
    rows = table()
    assert said(rows[rows["segment"] == "lost"]) == [
        SAY("report.churn_by_segment.too_few", names="Lost")
    ]
    assert said(rows.head(0)) == [SAY("report.churn_by_segment.unsure")]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_block_holds_every_sentence_and_no_code(language):
    rows = table()
    tested = by_segment.test_differences(rows)
    block = churn_by_segment_tables.hazard_ratios(Writer(language, "EUR"), rows, tested, ["rate"])
    for each in churn_by_segment_tables.sentences(rows, tested, words(language), ["rate"]):
        assert each in html.unescape(text(block))
    assert "champions" not in block.html and "{" not in text(block)
    assert (
        text(churn_by_segment_tables.hazard_ratios(EN, rows.head(0), tested.head(0)))
        .strip()
        .endswith("not compared.")
    )
