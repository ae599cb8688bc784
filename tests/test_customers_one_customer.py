"""One customer's order lines: orders, what is bought, when, and what chance gives."""

import datetime as dt
from math import comb

import ibis
import pandas as pd
import pytest

from cvm_analysis.customers import one_customer

DAY = dt.date(2025, 12, 31)
COLUMNS = ["customer_id", "ordered_at", "order_id", "amount", "product", "category", "channel"]
ROWS = [
    ("a", "2025-03-01 10:00", "1", 100.0, "oak", "floor", "web", "2025-03-05", "2025-03-09"),
    ("a", "2025-03-01 10:00", "1", 20.0, "glue", "glue", "web", "2025-03-05", "2025-03-05"),
    ("a", "2025-03-20 10:00", "1", -30.0, "oak", "floor", "web", None, None),
    ("a", "2025-12-20 09:00", "2", 50.0, "glue", "glue", "shop", "2025-12-28", None),
    ("a", "2026-01-05 09:00", "3", 70.0, "oak", "floor", "shop", "2026-01-09", None),
    ("b", "2025-03-02 10:00", "9", 999.0, "oak", "floor", "web", "2025-03-05", None),
]


def transactions():
    table = pd.DataFrame(ROWS, columns=[*COLUMNS, "promised_on", "delivered_on"])
    dates = {c: pd.to_datetime(table[c]) for c in ("promised_on", "delivered_on")}
    table = table.assign(ordered_at=pd.to_datetime(table["ordered_at"]), **dates)
    rows = ibis.memtable(table).mutate(amount=lambda t: t.amount.cast("decimal(18,4)"))
    return rows.cast({"promised_on": "date", "delivered_on": "date"})


@pytest.fixture(scope="module")
def lines():
    return one_customer.lines_of(transactions(), "a", DAY).to_pandas()


def test_lines_are_the_customers_own_by_that_day(lines):
    assert lines["amount"].tolist() == [20.0, 100.0, -30.0, 50.0]
    late = dict(zip(lines["amount"], lines["days_late"], strict=True))
    assert late == {20.0: 0, 100.0: 4, -30.0: 0, 50.0: 3}, "not there yet: late until that day"


def test_days_are_summed_up_and_returns_stand_beside_them(lines):
    found = one_customer.by_day(lines)
    assert found["bought"].tolist() == [120.0, 0.0, 50.0]
    assert found["returned"].tolist() == [0.0, -30.0, 0.0]


def test_an_order_has_its_returns_and_names_what_cost_most_first(lines):
    last, first = one_customer.orders(lines).to_dict("records")
    assert (last["order"], last["amount"], last["bought"], last["days_late"]) == (
        "2", 50.0, ("glue",), 3,
    )  # fmt: skip
    assert (first["amount"], first["bought"], first["days_late"]) == (90.0, ("oak", "glue"), 4)
    assert str(first["day"])[:10] == "2025-03-01"


def test_shares_are_of_gross_sales(lines):
    found = one_customer.shares(lines, "category")
    assert found["share"].to_dict() == pytest.approx({"floor": 100 / 170, "glue": 70 / 170})
    assert found["n_orders"].to_dict() == {"floor": 1, "glue": 2}
    assert one_customer.shares(lines.drop(columns="channel"), "channel").empty


def lines_on(days):
    return pd.DataFrame({"day": pd.to_datetime(days), "amount": 1.0, "order": days})


def test_a_weekday_stands_out_only_beyond_chance():
    """Four of four Saturdays: 7 (1/7)^4 = 0.3 %; two of four: far more often by chance."""
    saturdays = [f"2025-{month:02d}-{day:02d}" for month, day in ((1, 4), (3, 1), (5, 3), (8, 2))]
    assert one_customer.favourite(lines_on(saturdays), DAY, "weekday") == (5, 4, 4)
    mixed = [*saturdays[:2], "2025-05-05", "2025-08-06"]
    assert one_customer.favourite(lines_on(mixed), DAY, "weekday") is None
    assert one_customer.favourite(lines_on([]), DAY, "weekday") is None


def test_chance_is_that_of_the_days_a_customer_had_and_of_all_levels():
    """Nine of ten days in one of two months: 2 P(B(10, p) >= k) by hand, p its share of days."""
    days = [f"2025-11-{day:02d}" for day in range(1, 10)] + ["2025-12-01"]
    p, n = 30 / 61, 10  # November has 30 of the 61 days from 1 November to 31 December
    chance = 2 * sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in (9, 10))
    assert chance < 0.05
    assert one_customer.favourite(lines_on(days), DAY, "month") == (11, 9, 10)
    days[-2] = "2025-12-02"
    assert 2 * sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in (8, 9, 10)) > 0.05
    assert one_customer.favourite(lines_on(days), DAY, "month") is None


def test_returns_are_no_purchase_days():
    lines = lines_on(["2025-01-04", "2025-03-01", "2025-05-03", "2025-08-02"])
    lines.loc[3, "amount"] = -1.0
    assert one_customer.favourite(lines, DAY, "weekday") == (5, 3, 3)
