"""One order among thousands that moves a headline is named; nothing is removed."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import large_orders

AMOUNT = 50_000_000.0


@pytest.fixture
def people():
    rng = np.random.default_rng(8)
    n = 600
    x = rng.poisson(3, n)
    mean = 10_000 / rng.gamma(4, 1, n)
    spend = np.where(x > 0, mean * rng.gamma(6 * np.maximum(x, 1)) / (6 * np.maximum(x, 1)), np.nan)
    sales = mean + np.where(x > 0, x * spend, 0)
    return pd.DataFrame(
        {
            "customer_type": "retail",
            "x": x.astype(float),
            "n_purchase_days": x + 1,
            "first_order": pd.Timestamp("2024-01-01"),
            "spend_per_repeat_day": spend,
            "gross_sales": sales,
            "net_sales": sales,
        },
        [f"C{i}" for i in range(n)],
    )


VALUES = pd.DataFrame({"expected_orders": 1.0}, [f"C{i}" for i in range(600)])


def with_order(people, customer, amount, day="2025-03-04"):
    one = people.loc[customer]
    table = people.copy()
    table.loc[customer, ["gross_sales", "net_sales"]] += amount
    if day > "2024-01-01":
        x = one["x"] + 1
        total = np.nan_to_num(one["spend_per_repeat_day"]) * one["x"] + amount
        table.loc[customer, ["x", "spend_per_repeat_day", "n_purchase_days"]] = x, total / x, x + 1
    row = {"customer_id": customer, "day": pd.Timestamp(day), "amount": amount}
    return table, pd.DataFrame([row])


@pytest.mark.parametrize("customer", ["C0", "C1"])
def test_an_order_that_moves_the_total_is_named_with_its_amount_and_day(people, customer):
    table, largest = with_order(people, customer, AMOUNT)
    before = table.copy()
    (note,) = large_orders.find(largest, table, VALUES, 0.3)
    assert (note.code, note.have) == ("large_order", AMOUNT)
    assert (note.customer, note.day) == (customer, "2025-03-04")
    assert note.need > 100
    pd.testing.assert_frame_equal(table, before)


def test_the_change_is_that_of_the_data_without_the_order(people):
    table, _ = with_order(people, "C0", AMOUNT)
    again = large_orders._without(table, "C0", "2025-03-04", AMOUNT)
    for name in ("gross_sales", "net_sales", "spend_per_repeat_day"):
        assert again[name].to_numpy() == pytest.approx(people[name].to_numpy(), nan_ok=True)


def test_a_usual_order_is_not_named(people):
    table, largest = with_order(people, "C0", 20_000.0)
    assert large_orders.find(largest, table, VALUES, 0.3) == []
    table, largest = with_order(people, "C0", 0.05 * people["gross_sales"].sum(), "2024-01-01")
    assert large_orders.find(largest, table, VALUES, 0.3) == []  # no spend after the first day


def test_an_order_of_a_customer_without_a_value_is_passed_over(people):
    table, largest = with_order(people, "C0", AMOUNT)
    assert large_orders.find(largest, table, VALUES.drop("C0"), 0.3) == []
    assert large_orders.find(largest.head(0), table, VALUES, 0.3) == []
