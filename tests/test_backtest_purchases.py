"""Customers as of a day are counted from purchases alone."""

import datetime as dt

import pandas as pd
import pytest

from cvm_analysis.backtest import purchases
from cvm_analysis.errors import InputError

LOG = pd.DataFrame(
    {
        "customer_id": ["a", "a", "a", "a", "b"],
        "ordered_at": pd.to_datetime(
            [
                "2025-01-01 09:00",
                "2025-01-01 17:00",
                "2025-01-15 08:00",
                "2025-03-01 08:00",
                "2025-01-08 08:00",
            ]
        ),
        "amount": [5.0, 7.0, 30.0, 9.0, 0.0],
    }
)


def test_a_day_is_one_purchase_and_nothing_paid_is_none():
    found = purchases.by_day(LOG)
    assert found["customer_id"].tolist() == ["a"] * 3 and found["amount"].tolist() == [12, 30, 9]
    assert set(found["customer_type"]) == {"retail"}


def test_customers_are_those_known_on_the_day():
    found = purchases.customers(purchases.by_day(LOG), dt.date(2025, 1, 29)).loc["a"]
    assert found[["n_purchase_days", "x", "t_x", "T"]].tolist() == [2, 1, 2, 4]
    assert found[["net_sales", "gross_sales", "spend_per_repeat_day"]].tolist() == [42, 42, 30]


def test_days_need_no_amount_and_keep_the_type():
    days = pd.DataFrame({"customer_id": ["a"], "day": ["2025-01-01"], "customer_type": "dealer"})
    assert purchases.by_day(days)["customer_type"].tolist() == ["dealer"]


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="no column ordered_at"):
        purchases.by_day(LOG[["customer_id"]])
