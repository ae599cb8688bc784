"""Last year's margin = from customers known before it + from those new in it."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import bridge


@pytest.fixture
def customers():
    return pd.DataFrame(
        {
            "customer_type": "retail",
            "first_order": pd.to_datetime(["2023-05-01", "2024-12-31", "2025-01-01", "2025-06-01"]),
            "net_sales": [1000.0, 400, 100, 50],
            "net_sales_365d": [200.0, 0, 100, 50],
        },
        list("abcd"),
    )


VALUES = pd.DataFrame({"expected_margin": [30.0, 5, 20, 10]}, list("abcd"))


def test_last_year_is_known_and_new_customers_and_the_expected_margin_is_of_the_same(customers):
    """2025 begins on 1 January: who bought first on 31 December 2024 was known before."""
    found = bridge.compare(customers, VALUES, dt.date(2025, 12, 31), 0.4)
    assert found.loc["known"].tolist() == pytest.approx([2, 80, 35])
    assert found.loc["new"].tolist() == pytest.approx([2, 60, 30])
    assert found.loc["all"].tolist() == pytest.approx([4, 140, 65])


def test_known_costs_come_first(customers):
    some = customers.assign(
        margin_total=[300.0, 120, np.nan, 20], margin_365d=[70.0, 0, np.nan, 20]
    )
    found = bridge.compare(some, VALUES, dt.date(2025, 12, 31), 0.4)
    assert found.loc["known", "margin_last_year"] == pytest.approx(70)
    assert 20 < found.loc["new", "margin_last_year"] - 20 < 40  # 100 at about 30 %


def test_customers_without_a_value_do_not_count(customers):
    found = bridge.compare(customers, VALUES.drop("d"), dt.date(2025, 12, 31), 0.4)
    assert found.loc["new"].tolist() == pytest.approx([1, 40, 20])
    nobody = bridge.compare(customers, VALUES.head(0), dt.date(2025, 12, 31), 0.4)
    assert (nobody == 0).all(axis=None)


def test_segments_hold_the_same_margins_the_largest_expected_first(customers):
    """d has no value and a segment of its own, which therefore does not appear."""
    segment = pd.Series(["loyal", "new", "loyal", "lost"], list("abcd"))
    values = pd.DataFrame({"expected_margin": [30.0, 60, 20]}, list("abc"))
    found = bridge.by_segment(customers, values, segment, 0.4)
    assert found.index.tolist() == ["new", "loyal"] and found["n_customers"].tolist() == [1, 2]
    assert found["margin_last_year"].tolist() == pytest.approx([0, 120])  # 40% of 0; of 200 and 100
    assert found["expected_margin"].tolist() == pytest.approx([60, 50])
    whole = bridge.compare(customers, values, dt.date(2025, 12, 31), 0.4).loc["all"]
    assert found.sum()[whole.index].tolist() == pytest.approx(whole.tolist())
    assert bridge.by_segment(customers, values.head(0), segment, 0.4).empty
