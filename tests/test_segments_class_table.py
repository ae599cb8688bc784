"""Classes of all schemes, of ten customers whose place is plain."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.segments import class_table, classes
from cvm_analysis.segments.loyalty import Loyalty, fit_cards

AUTO = classes.Levels()
LOYAL = SimpleNamespace(loyal=80, potentially_loyal=40)


@pytest.fixture
def measured():
    """Ten households, the next better than the one before; one inactive, one who never bought."""
    n = np.arange(1.0, 11)
    bought = pd.DataFrame(
        {"n_orders": n, "period_orders": n, "period_sales": 100 * n, "x": n - 1},
        index=[f"c{i:02.0f}" for i in n],
    ).assign(loyalty_index=10 * n)
    others = pd.DataFrame(
        {"n_orders": [99.0, 0], "period_orders": 0.0, "period_sales": [-5.0, 0], "x": [98, np.nan]},
        index=["c11", "c12"],
    ).assign(loyalty_index=[90, np.nan])
    return pd.concat([bought, others]).assign(customer_type="retail")


@pytest.fixture
def thresholds(measured):
    return class_table.find_thresholds(measured, AUTO, AUTO, LOYAL)


def test_auto_is_the_best_half_and_the_best_fifth_of_those_who_bought_in_the_period(thresholds):
    assert thresholds == {
        "retail": {
            "frequency": {"mid": 6, "high": 9},
            "amount": {"mid": 600, "high": 900},
            "loyalty": {"potentially_loyal": 40, "loyal": 80},
        }
    }


def test_every_customer_has_one_class_of_each_scheme(measured, thresholds):
    found = class_table.classify(measured, thresholds)
    levels = ["low"] * 5 + ["mid"] * 3 + ["high"] * 2 + ["inactive", "prospect"]
    assert found["frequency"].tolist() == found["amount"].tolist() == levels
    loyal = ["not_loyal"] * 3 + ["potentially_loyal"] * 4 + ["loyal"] * 4 + ["prospect"]
    assert found["loyalty"].tolist() == loyal
    assert class_table.classify(measured.iloc[:0], thresholds).empty


def test_each_type_has_its_own_thresholds(measured):
    dealers = measured.assign(
        customer_type="dealer",
        **{column: measured[column] * 10 for column in ("period_orders", "period_sales")},
    ).rename(index=lambda c: f"d{c}")
    together = pd.concat([measured, dealers]).iloc[::-1]
    found = class_table.find_thresholds(together, AUTO, AUTO, LOYAL)
    assert found["dealer"]["frequency"] == {"mid": 60, "high": 90}
    assigned = class_table.classify(together, found)
    assert assigned.index.equals(together.index)
    for scheme in class_table.SCHEMES:
        of_dealers = assigned.loc[dealers.index, scheme]
        assert of_dealers.tolist() == assigned.loc[measured.index, scheme].tolist()


def test_customers_without_a_line_in_the_period_have_zero():
    people = pd.DataFrame(
        {"n_orders": [3, 1], "x": [2, 0], "t_x": [9.0, 0], "n_purchase_days": [3, 1]}
    ).assign(customer_type="retail", gap_cv=[0.5, np.nan])
    people.index = ["a", "b"]
    in_period = pd.DataFrame({"period_orders": [2], "period_sales": [7.5]}, ["a"])
    records = SimpleNamespace(measures=lambda day: people, in_period=lambda day, days: in_period)
    cards = fit_cards(people, Loyalty(weights={"repeat": 1.0}))
    found = class_table.measure(records, dt.date(2025, 1, 1), 365, cards)
    assert found["period_orders"].tolist() == [2, 0]
    assert found["period_sales"].tolist() == [7.5, 0]
    assert found["loyalty_index"].tolist() == pytest.approx([1000 / 19, 0])  # half are worse


def test_sizes_count_all_customers_and_add_up_their_sales(measured, thresholds):
    found = class_table.classify(measured, thresholds)
    sizes = class_table.size(measured, found["loyalty"], "period_sales")
    assert sizes.index.tolist() == ["loyal", "potentially_loyal", "not_loyal", "prospect"]
    assert sizes["n_customers"].tolist() == [4, 4, 3, 1]
    assert sizes["period_sales"].tolist() == [2695, 2200, 600, 0]
    by_type = class_table.sizes_by_type(measured, found["frequency"])
    assert by_type["class"].tolist() == ["high", "mid", "low", "inactive", "prospect"]
    assert by_type["n_customers"].tolist() == [2, 3, 5, 1, 1]
    assert by_type["share_customers"].tolist() == pytest.approx(
        [2 / 12, 3 / 12, 5 / 12, *[1 / 12] * 2]
    )
    assert by_type["period_sales"].sum() == measured["period_sales"].sum()
    totals = measured.assign(net_sales=measured["period_sales"])
    names = pd.Series(["b", "a"] * 6, measured.index, name="rfm")
    assert class_table.size(totals, names).index.tolist() == ["a", "b"]  # 3,000 and 2,495
