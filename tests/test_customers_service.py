"""Late deliveries, by hand and against pandas; nothing is known too early."""

import datetime as dt
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
from small_business import small

from cvm_analysis import customers, prepared

DAY = dt.date(2024, 3, 31)
LINES = [  # customer_id, ordered_at, amount, promised_on, delivered_on
    ("late", "2024-03-01", 10, "2024-03-10", "2024-03-12"),
    ("late", "2024-02-01", 10, "2024-02-10", "2024-02-20"),  # an earlier one
    ("punctual", "2024-03-01", 10, "2024-03-10", "2024-03-10"),
    ("overdue", "2024-03-01", 10, "2024-03-25", None),
    ("today", "2024-03-01", 10, "2024-03-31", None),  # may still come today
    ("after", "2024-03-01", 10, "2024-03-20", "2024-04-02"),  # on DAY it has not arrived
    ("return", "2024-03-01", -10, "2024-03-10", "2024-03-20"),
    ("future", "2024-04-01", 10, "2024-03-10", "2024-03-12"),  # ordered after DAY
    ("no_promise", "2024-03-01", 10, None, "2024-03-12"),
]


def transactions(lines):
    table = pd.DataFrame(
        lines, columns=["customer_id", "ordered_at", "amount", "promised_on", "delivered_on"]
    )
    days = ("ordered_at", "promised_on", "delivered_on")
    table = table.assign(**{day: pd.to_datetime(table[day]) for day in days})
    return table, ibis.memtable(table).cast(dict.fromkeys(days[1:], "date"))


def late(lines, day=DAY):
    found = customers.late_deliveries(transactions(lines)[1], day).to_pandas()
    return found.set_index("customer_id")["days_since_late"]


def test_days_since_a_late_delivery_arrived_or_was_due():
    assert late(LINES).to_dict() == {"late": 19, "overdue": 6, "after": 11}
    assert late(LINES, dt.date(2024, 4, 2)).to_dict() == {
        **{"late": 21, "overdue": 8, "today": 2},
        **{"after": 0, "future": 21},
    }


def test_late_deliveries_are_those_of_the_share(lines=400, seed=3):
    """Against pandas, on the last days before and after promises of random orders."""
    rng = np.random.default_rng(seed)
    ordered = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, lines), "D")
    promised = ordered + pd.to_timedelta(rng.integers(1, 15, lines), "D")
    arrived = promised + pd.to_timedelta(rng.integers(-5, 10, lines), "D")
    arrived = pd.Series(arrived).where(rng.random(lines) < 0.9)
    who = rng.choice(list("abcdefghij"), lines)
    amounts = rng.choice([5, -5], lines, p=[0.9, 0.1])
    table, rows = transactions(list(zip(who, ordered, amounts, promised, arrived, strict=True)))
    day = pd.Timestamp(2024, 3, 10)
    bought = table[(table["ordered_at"] <= day) & (table["amount"] > 0)]
    there = bought["delivered_on"] <= day
    due = bought["promised_on"]
    is_late = np.where(there, bought["delivered_on"] > due, due < day)
    last = bought["delivered_on"].where(there, bought["promised_on"])[is_late]
    expected = (day - last.groupby(bought["customer_id"]).max()).dt.days
    found = customers.late_deliveries(rows, day.date()).to_pandas().set_index("customer_id")
    pd.testing.assert_series_equal(
        found["days_since_late"], expected, check_names=False, check_dtype=False
    )


def counted(lines, days, day=DAY):
    found = customers.count_deliveries(transactions(lines)[1], day, days).to_pandas()
    return found.set_index("customer_id").to_numpy().tolist(), found["customer_id"].tolist()


def test_deliveries_due_in_a_period_are_counted_by_the_day_promised():
    """Of the last 30 days: promised from 2 March on. What may still come today is not due yet."""
    pairs, who = counted(LINES, 30)
    assert dict(zip(who, pairs, strict=True)) == {
        **{"late": [1, 1], "punctual": [1, 0], "overdue": [1, 1], "after": [1, 1]}
    }
    assert counted(LINES, 51)[0][who.index("late")] == [2, 2], "promised 50 days before"
    assert counted(LINES, 50)[0][who.index("late")] == [1, 1]


def test_counted_deliveries_are_those_of_the_share():
    everything, who = counted(LINES, 9999)
    day = customers.as_of(transactions(LINES)[1].mutate(region=ibis.literal("n")), DAY)
    shares = day.to_pandas().set_index("customer_id")["late_share"].dropna()
    assert {
        w: late / due for w, (due, late) in zip(who, everything, strict=True)
    } == shares.to_dict()


SALES = """customer_id,ordered_at,amount,land,promised_on,delivered_on
a,2024-03-01,10,Nord,2024-03-10,2024-03-12
b,2024-03-01,10,Nord,2024-03-10,2024-03-10
c,2024-03-01,10,Sud,2024-03-10,
"""


def test_late_deliveries_of_a_region_are_one_row_per_customer(tmp_path):
    found = prepared.open(small(tmp_path, "{from: land}", {"sales.csv": SALES}), "all")
    assert found.late_deliveries(DAY)["days_since_late"].to_dict() == {"a": 19, "c": 21}


def test_deliveries_of_a_business(tmp_path):
    business = small(tmp_path, "{from: land}", {"sales.csv": SALES})
    found = prepared.open(business, "all").deliveries(DAY, 365)
    assert found.to_dict("index") == {
        **{"a": {"n_due": 1, "n_late": 1}, "b": {"n_due": 1, "n_late": 0}},
        **{"c": {"n_due": 1, "n_late": 1}},
    }
    without = replace(prepared.open(business, "all"), transactions=ibis.memtable({"x": [1]}))
    assert without.deliveries(DAY, 365).empty


def test_without_dates_of_delivery_nothing_was_late(tmp_path):
    sales = "customer_id,ordered_at,amount,land\na,2024-03-01,10,Nord\n"
    found = prepared.open(small(tmp_path, "{from: land}", {"sales.csv": sales}), "all")
    assert found.late_deliveries(DAY).empty
