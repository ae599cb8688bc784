"""Lifetime value as a reader finds it."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.report import value as value_tables
from cvm_analysis.report.writer import Writer
from cvm_analysis.texts import words

EN = Writer(words("en", horizon_weeks=52), "CNY")


def test_a_total_stands_beside_its_range_or_a_dash():
    totals = pd.DataFrame(
        {
            "n_customers": [20, 3],
            "expected_margin": [1500.0, 10.0],
            "expected_margin_low": [1200.0, np.nan],
            "expected_margin_high": [1900.0, np.nan],
        },
        index=["champions", "lost"],
    )
    html = value_tables.totals(EN, totals).html
    assert "Champions" in html and "¥1,500" in html and "¥1,200 to ¥1,900" in html
    assert "Lost" in html and "–" in html


def test_the_range_of_the_whole_says_what_it_rests_on():
    totals = pd.DataFrame(
        {
            "expected_margin_low": [1.0, 1_200_000.0],
            "expected_margin_high": [2.0, 1_900_000.0],
            "n_past_periods": [2, 2],
        },
        index=["lost", "all"],
    )
    html = value_tables.total(EN, totals).html
    assert ": ¥1.2M to ¥1.9M." in html and "2 past totals of this business" in html
    assert "one past total of" in value_tables.total(EN, totals.assign(n_past_periods=1)).html
    html = value_tables.total(EN, totals.assign(n_past_periods=0)).html
    assert ": ¥1.2M to ¥1.9M." in html and "No past total of this business" in html
    assert "has no range" in value_tables.total(EN, totals * np.nan).html


@pytest.mark.parametrize("periods", [0, 1, 2])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_coverage_is_claimed(language, periods):
    totals = pd.DataFrame(
        {"expected_margin_low": [1.0], "expected_margin_high": [2.0], "n_past_periods": [periods]},
        index=["all"],
    )
    html = value_tables.total(Writer(words(language, horizon_weeks=52), "CNY"), totals).html
    assert not any(claim in html for claim in ("80%", "eight times", "in ten", "八成"))


def test_the_bridge_from_last_year_to_the_margin_expected():
    parts = pd.DataFrame(
        {
            "n_customers": [2, 1, 3],
            "margin_last_year": [800_000.0, 200_000, 1_000_000],
            "expected_margin": [500_000.0, 150_000, 650_000],
        },
        index=["known", "new", "all"],
    )
    html = value_tables.bridge(EN, parts).html
    assert "¥1M of margin" in html and "¥800K from 2 customers" in html
    assert "¥200K from 1 customer " in html and "bring ¥650K" in html and "12 months" in html


def test_what_newly_won_customers_bring_is_per_head():
    groups = pd.DataFrame(
        {"n_customers": [7], "margin_so_far_mean": [30.0], "expected_margin_mean": [12.0],
         "value_residual_mean": [np.nan]}, index=["2025Q1"],
    )  # fmt: skip
    html = value_tables.by_group(EN, groups).html
    assert all(text in html for text in ("2025Q1", "¥30", "¥12", "–"))
    assert "no attribute" in value_tables.by_group(EN, groups.head(0)).html
    stages = groups.set_axis(pd.Index(["growing"], name="life_cycle"))
    assert "Growing" in value_tables.by_group(EN, stages, "classes").html


def by_segment(codes):
    margin = [600_000.0, 300_000.0, 50_000.0, 20_000.0, 20_000.0, 7_000.0, 3_000.0][: len(codes)]
    columns = {"n_customers": 10, "margin_last_year": 250_000.0, "expected_margin": margin}
    return pd.DataFrame(columns, index=pd.Index(codes, name="segment"))


CODES = ["champions", "loyal", "new", "promising", "at_risk", "lost", "hibernating"]


def test_last_years_margin_stands_beside_the_expected_one():
    """Seven segments of 250,000 last year; 600,000 of 1,000,000 expected is 60%."""
    segments = by_segment(CODES)
    assert value_tables.margin_heading(EN, segments) == (
        "Today's customers brought ¥1.75M of margin in the last 365 days and should bring ¥1M in "
        "the next 12 months; 60% of it comes from Champions"
    )
    assert value_tables.margin_heading(EN, segments.head(0)) == ""


def test_the_part_on_margins_is_empty_without_a_customer_valued():
    segments = by_segment(CODES)
    parts = pd.DataFrame(
        {"n_customers": [6, 1, 7], "margin_last_year": [1.5e6, 250e3, 1.75e6],
         "expected_margin": [9e5, 1e5, 1e6]}, index=["known", "new", "all"],
    )  # fmt: skip
    html = value_tables.margin_chapter(EN, segments, parts).html
    assert "60% of it comes from Champions" in html and "¥250K from 1 customer " in html
    assert value_tables.margin_chapter(EN, segments.head(0), parts).html == ""
