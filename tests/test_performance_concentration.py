"""Lorenz shares and Gini coefficients by hand and by their definition."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.performance import concentration


def sums(values, period=0):
    return pd.DataFrame(
        {"customer_id": [f"c{n:03d}" for n in range(len(values))], "period": period,
         "net_sales": np.array(values, dtype=float)}
    )  # fmt: skip


def retail(table):
    return pd.Series("retail", pd.Index(table["customer_id"]))


def test_one_of_ten_customers_brings_half():
    table = sums([90, *[10] * 9])
    found = concentration.concentrate(table, retail(table)).loc["all"]
    shares = found["share_net_sales"]
    assert shares[[0.0, 0.1, 0.2, 1.0]].tolist() == pytest.approx([0, 0.5, 100 / 180, 1])
    assert shares[[0.01, 0.05]].tolist() == pytest.approx([0.05, 0.25])  # parts of a customer
    assert found["gini"].unique() == pytest.approx([0.4])


def test_the_gini_coefficient_is_half_the_relative_mean_difference():
    values = np.random.default_rng(0).lognormal(0, 1, 200)
    differences = np.abs(values[:, None] - values[None, :]).mean()
    assert concentration.gini(values) == pytest.approx(differences / 2 / values.mean())
    assert concentration.gini(np.full(7, 3.0)) == 0
    assert concentration.gini(np.array([0, 0, 0, 5.0])) == 0.75


def test_returns_let_the_curve_pass_the_whole():
    table = sums([60, 60, -20])
    found = concentration.concentrate(table, retail(table)).loc["all"]["share_net_sales"]
    assert found[0.6] == pytest.approx(1.8 * 0.6) and found[1.0] == 1


def test_types_have_their_own_curves_and_earlier_years_do_not_count():
    table = pd.concat([sums([1, 1, 8, 10]), sums([100], period=1)])
    types = pd.Series(["retail", "retail", "dealer", "project"], [f"c00{n}" for n in range(4)])
    found = concentration.concentrate(table, types)
    assert found.loc[("retail", 0.5), "share_net_sales"] == 0.5
    assert found.loc[("all", 0.5), "share_net_sales"] == pytest.approx(0.9)
    assert found.index.get_level_values("customer_type").nunique() == 4


def test_without_net_sales_there_is_no_curve():
    table = sums([-5, 2])
    assert concentration.concentrate(table, retail(table)).empty
    assert concentration.concentrate(sums([]), retail(table)).empty
