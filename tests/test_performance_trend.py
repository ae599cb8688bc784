"""Periods beside those of a year before: gaps are zero, what is not recorded is empty."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.performance import periods, trend
from cvm_analysis.tables import check

SPANS = periods.trend(dt.date(2025, 12, 31), dt.date(2024, 1, 1))
TYPES = pd.Series({"a": "retail", "b": "dealer"})


def sums(rows):
    return pd.DataFrame(
        rows, columns=["customer_id", "period", "net_sales", "margin", "n_orders"]
    ).astype({"net_sales": float, "margin": float})


def period(start, is_before=False):
    of = SPANS[(SPANS["period_start"] == start) & (SPANS["is_before"] == is_before)]
    return int(of["period"].iloc[0])


def test_quarters_by_type_and_together():
    last, before = period("2025-10-01"), period("2025-10-01", is_before=True)
    rows = [("a", last, 90, 30, 2), ("b", last, -10, -4, 0), ("a", before, 40, 20, 1)]
    found = trend.summarize(sums(rows), SPANS, TYPES)
    check("sales_trend", found.assign(region="east").reset_index())
    quarter = pd.Timestamp("2025-10-01")
    columns = ["net_sales", "net_sales_before", "margin", "margin_before", "n_orders",
               "n_customers", "n_days"]  # fmt: skip
    assert found.loc[("retail", quarter), columns].tolist() == [90, 40, 30, 20, 2, 1, 92]
    assert found.loc[("dealer", quarter), columns].tolist() == [-10, 0, -4, 0, 0, 0, 92]
    assert found.loc[("all", quarter), columns].tolist() == [80, 40, 26, 20, 2, 1, 92]


def test_every_quarter_has_a_row_and_only_recorded_ones_a_comparison():
    found = trend.summarize(sums([("a", period("2025-10-01"), 9, 3, 1)]), SPANS, TYPES)
    before = found.loc["retail", "net_sales_before"]
    assert len(before) == 8 and before[:"2024-12-31"].isna().all()
    assert before["2025-01-01":].tolist() == [0, 0, 0, 0]
    assert found.loc["retail", "net_sales"].tolist() == pytest.approx([0] * 7 + [9])


def test_margin_is_there_where_it_is_known():
    rows = sums([("a", period("2025-10-01"), 9, np.nan, 1)]).drop(columns="margin")
    found = trend.summarize(rows, SPANS, TYPES)
    assert "margin" not in found and "margin_before" not in found
    check("sales_trend", found.assign(region="east").reset_index())
