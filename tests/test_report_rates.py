"""Rates in tables: each beside the number it is of; segments by their mean month."""

import pandas as pd
from test_report_churn import EN, text

from cvm_analysis.report import rates as rates_tables


def table(*rows):
    found = pd.DataFrame(rows, columns=["rate", "segment", "month", "n_due", "n_kept"])
    return found.assign(month=pd.to_datetime(found["month"])).set_index(
        ["rate", "segment", "month"]
    )


def test_months_have_the_rates_that_anybody_was_due_for():
    rates = table(
        ("retention", "all", "2025-11-01", 100, 98),
        ("retention", "all", "2025-12-01", 200, 190),
        ("repurchase", "all", "2025-12-01", 40, 10),
    )
    said = text(rates_tables.by_month(EN, rates))
    assert said.index("Retention rate") < said.index("Repurchase rate")
    assert "Nov 2025 98.0% 100 – –" in said and "Dec 2025 95.0% 200 25.0% 40" in said
    assert "Renewal" not in said
    assert "no rates" in text(rates_tables.by_month(EN, rates.head(0)))


def test_without_rates_there_is_no_part_on_them():
    rates = table(("retention", "all", "2025-11-01", 100, 98))
    assert rates_tables.chapter(EN, rates.head(0)).html == ""
    said = text(rates_tables.chapter(EN, rates))
    assert "Retention, renewal and repurchase" in said and said.count("98.0%") == 1


def test_segments_have_the_mean_month_of_contracts_and_the_last_of_purchases():
    """98 of 100 and 190 of 200 are 288 of 300, in a month with 150 contracts."""
    rates = table(
        ("retention", "champions", "2025-11-01", 100, 98),
        ("retention", "champions", "2025-12-01", 200, 190),
        ("repurchase", "champions", "2025-11-01", 40, 20),
        ("repurchase", "champions", "2025-12-01", 40, 10),
    )
    said = text(rates_tables.by_segment(EN, rates))
    assert "Champions 96.0% 150 25.0% 40" in said
