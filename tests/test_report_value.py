"""Lifetime value as a reader finds it."""

import numpy as np
import pandas as pd

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


def test_the_range_of_the_whole_is_said_or_that_it_is_not_known():
    totals = pd.DataFrame(
        {"expected_margin_low": [1.0, 1_200_000.0], "expected_margin_high": [2.0, 1_900_000.0]},
        index=["lost", "all"],
    )
    html = value_tables.total(EN, totals).html
    assert ": ¥1.2M to ¥1.9M." in html
    assert "has no range" in value_tables.total(EN, totals * np.nan).html


def test_what_newly_won_customers_bring_is_per_head():
    groups = pd.DataFrame(
        {"n_customers": [7], "margin_so_far_mean": [30.0], "expected_margin_mean": [12.0],
         "value_residual_mean": [np.nan]}, index=["2025Q1"],
    )  # fmt: skip
    html = value_tables.by_group(EN, groups).html
    assert all(text in html for text in ("2025Q1", "¥30", "¥12", "–"))
    assert "no attribute" in value_tables.by_group(EN, groups.head(0)).html
