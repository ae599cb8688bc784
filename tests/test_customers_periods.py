"""Sums of overlapping periods: by hand, and against pandas on the sample's order lines."""

import ibis
import pandas as pd
import pytest

from cvm_analysis import customers

PERIODS = pd.DataFrame(
    {
        "period": [0, 1, 2],
        "begins": pd.to_datetime(["2024-02-01", "2024-01-01", "2024-01-01"]),
        "ends": pd.to_datetime(["2024-02-29", "2024-01-31", "2024-02-29"]),
    }
)
LINES = [  # customer_id, ordered_at, order_id, amount, cost, promised_on, delivered_on
    ("a", "2024-01-31 23:59", "1", 100, 60, "2024-02-05", "2024-02-06"),  # late, but only later
    ("a", "2024-02-01 00:00", "1", 50, None, "2024-02-05", "2024-02-05"),  # of the same order
    ("a", "2024-02-10", "2", 20, 10, "2024-03-05", None),  # not due yet
    ("a", "2024-02-29", "3", -30, -18, None, None),
    ("b", "2024-01-05", "4", -8, -5, None, None),
    ("b", "2024-01-06", "5", 0, 0, None, None),  # neither bought nor returned
    ("b", "2024-03-01", "6", 99, 50, None, None),
    ("c", "2024-01-02", None, 10, 5, "2024-01-10", None),  # overdue
    ("c", "2024-01-02", None, 10, 5, "2024-01-10", "2024-01-10"),
]


def lines(*without):
    table = pd.DataFrame(
        LINES,
        columns=["customer_id", "ordered_at", "order_id", "amount", "cost", "promised_on",
                 "delivered_on"],
    )  # fmt: skip
    days = ("ordered_at", "promised_on", "delivered_on")
    table = table.assign(**{day: pd.to_datetime(table[day], format="mixed") for day in days})
    rows = ibis.memtable(table).cast(dict.fromkeys(days[1:], "date"))
    return rows.drop(*without)


def found(*without, margin_share=0.5):
    table = customers.in_periods(lines(*without), PERIODS, margin_share).to_pandas()
    return table.set_index(["customer_id", "period"])


def test_each_line_counts_in_every_period_that_holds_it():
    table = found()
    assert table.index.tolist() == [
        *[("a", 0), ("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 1), ("c", 2)]
    ]
    assert table.loc["a", "net_sales"].tolist() == [40, 100, 140]
    assert table.loc["a", "gross_sales"].tolist() == [70, 100, 170]
    assert table.loc["a", "returned"].tolist() == [30, 0, 30]
    assert table.loc["a", "n_orders"].tolist() == [2, 1, 2]
    assert table.loc[("b", 1), ["net_sales", "n_orders"]].tolist() == [-8, 0]
    assert table.loc[("c", 1), "n_orders"] == 1  # without order ids, a day is an order


def test_a_delivery_is_late_as_known_on_the_last_day_of_the_period():
    table = found()
    assert table.loc["a", "n_due"].tolist() == [1, 0, 2]
    assert table.loc["a", "n_late"].tolist() == [0, 0, 1]
    assert table.loc[("c", 1), ["n_due", "n_late"]].tolist() == [2, 1]
    assert not {"n_due", "n_late"} & set(found("delivered_on"))


@pytest.mark.parametrize(("share", "margin"), [(0.5, 25 + 10 - 12), (1.0, 50 + 10 - 12)])
def test_a_line_without_cost_has_the_margin_of_the_config(share, margin):
    assert found(margin_share=share).loc[("a", 0), "margin"] == margin


def test_without_costs_and_a_margin_of_the_config_there_is_none():
    assert "margin" not in found("cost", margin_share=1.0)
    table = found("cost", margin_share=0.4)
    assert table["margin"].tolist() == pytest.approx((0.4 * table["net_sales"]).tolist())
