"""Imported indicators: by hand, and the sample's shares of wallet against its file and truth."""

import csv
import json
import statistics
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cvm_analysis.experience import indicator_figures
from cvm_analysis.tables import check


def measures(**columns):
    table = pd.DataFrame({name.replace("__", "."): values for name, values in columns.items()})
    return table.set_axis([f"c{i}" for i in range(len(table))])


def test_spending_elsewhere_by_hand_and_only_for_a_share_of_more_than_nothing():
    spent = pd.Series([100.0, 100.0, -50.0, 100.0, 100.0, 100.0, 0.0])
    share = pd.Series([0.25, 1.0, 0.5, 0.0, 35.0, np.nan, 0.5])
    found = indicator_figures.spend_elsewhere(spent, share)
    assert found.tolist() == pytest.approx([300, 0, 0, np.nan, np.nan, np.nan, 0], nan_ok=True)


def test_means_by_segment_are_students_and_shares_outside_do_not_count():
    values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.2, 0.4, 0.3, 0.5, 35.0, None]
    table = measures(
        net_sales_365d=[100.0] * 12,
        indicators__share_of_wallet=values,
        indicators__needs=[3.0] * 11 + [None],
    )
    segments = pd.Series(["x"] * 11 + ["y"], table.index)
    found = indicator_figures.figures(table, segments)
    check("indicator_figures", found)
    found = found.set_index(["indicator", "group", "level"])
    assert ("needs", "segment", "y") not in found.index
    row = found.loc[("share_of_wallet", "segment", "x")]
    known = values[:10]
    assert (row["n_customers"], row["n_outside"]) == (10, 1)
    assert row["average"] == pytest.approx(statistics.mean(known))
    theirs = stats.ttest_1samp(known, 0).confidence_interval()
    assert (row["low"], row["high"]) == pytest.approx(tuple(theirs))
    assert row["spend_elsewhere"] == pytest.approx(sum(100 * (1 - s) / s for s in known))
    needs = found.loc[("needs", "all", "all")]
    assert (needs["n_customers"], needs["n_outside"], needs["average"]) == (11, 0, 3)
    assert np.isnan(needs["spend_elsewhere"])


def test_few_customers_have_a_mean_without_an_interval():
    table = measures(net_sales_365d=[1.0] * 9, indicators__needs=np.arange(9.0))
    row = indicator_figures.figures(table, pd.Series("x", table.index)).iloc[0]
    assert row["average"] == 4 and np.isnan(row["low"]) and np.isnan(row["high"])


def test_without_indicators_or_values_there_are_no_rows():
    for table in (
        measures(net_sales_365d=[1.0]),
        measures(net_sales_365d=[1.0], indicators__needs=[np.nan]),
    ):
        found = indicator_figures.figures(table, pd.Series("x", table.index))
        check("indicator_figures", found)
        assert found.empty


def test_the_planted_shares_of_wallet_are_recovered_from_the_sample(whole_sample):
    truth = json.loads((whole_sample / "truth.json").read_text("utf-8"))
    kinds = {each["customer_id"]: each["customer_type"] for each in truth["trade"]}
    path = whole_sample / "raw" / "indicators.csv"
    latest = defaultdict(list)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["指标"] == "share_of_wallet" and row["客户编号"] in kinds:
                latest[row["客户编号"], row["日期"]].append(row["数值"])
    days = {customer: max(d for c, d in latest if c == customer) for customer, _ in latest}
    values = {}
    for customer, day in days.items():
        read = [v for v in latest[customer, day] if v != "不详"]
        numbers = [float(v.rstrip("%")) / (100 if v.endswith("%") else 1) for v in read]
        values[customer] = statistics.mean(numbers)
    table = pd.DataFrame({"indicators.share_of_wallet": pd.Series(values), "net_sales_365d": 1.0})
    segments = pd.Series(kinds).reindex(table.index)
    found = indicator_figures.figures(table, segments).set_index("level")
    outside = truth["files"]["raw/indicators.csv"]["dirt"]["percent_without_sign"]
    assert found.loc["all", "n_outside"] == outside > 0
    for kind, planted in truth["indicators"]["share_of_wallet"].items():
        row = found.loc[kind]
        error = planted["spread"] / row["n_customers"] ** 0.5
        assert row["average"] == pytest.approx(planted["mean"], abs=3 * error)
        inside = [v for c, v in values.items() if kinds[c] == kind and v <= 1]
        assert row["spend_elsewhere"] == pytest.approx(sum((1 - s) / s for s in inside))
