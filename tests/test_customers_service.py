"""Late deliveries, maintenance and warranties, by hand; nothing is known too early."""

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


# Maintenance and warranties: floors are warranted for 730 days and maintained every 365, oak for
# 1,000; care needs maintenance every 180 days. The last day is 2024-12-31.

END = dt.date(2024, 12, 31)
WARRANTY = {"category": {"floor": 730}, "product": {"oak": 1000}}
MAINTENANCE = {"category": {"floor": 365, "care": 180}}
BOUGHT = [  # customer_id, ordered_at, order_id, amount, product, category, delivered_on
    ("ahead", "2024-01-20", "1", 10, "pine", "floor", "2024-01-31"),  # 365 days: 2025-01-30
    ("overdue", "2023-12-01", "2", 10, "pine", "floor", "2023-12-02"),  # 2024-12-01
    ("two", "2024-07-24", "3", 10, "wax", "care", None),  # 180 days: 2025-01-20
    ("two", "2024-03-01", "4", 10, "pine", "floor", "2024-03-01"),  # 2025-03-01
    ("oak", "2022-06-01", "5", 10, "oak", "floor", "2022-06-01"),  # 1,000 days: 2025-02-25
    ("ended", "2022-01-01", "6", 10, "pine", "floor", "2022-01-01"),  # 730 days: 2024-01-01
    ("back", "2024-05-01", "7", 10, "pine", "floor", "2024-05-02"),
    ("back", "2024-05-09", "7", -10, "pine", "floor", None),  # returned
    ("part", "2024-05-01", "8", 10, "pine", "floor", "2024-05-02"),
    ("part", "2024-05-09", "8", -3, "pine", "floor", None),  # some came back
    ("other", "2024-05-01", "9", 10, "saw", "tools", None),  # nothing is owed
    ("later", "2025-01-01", "10", 10, "pine", "floor", None),
    ("underway", "2024-12-20", "11", 10, "pine", "floor", "2025-01-05"),  # not yet delivered
]
VISITS = [  # customer_id, at, action, result
    ("overdue", "2024-06-10", "visit", "Reached"),  # 365 days: 2025-06-10
    ("ended", "2024-06-10", "visit", "no_answer"),  # not done
    ("two", "2024-08-01", "visit", None),  # care: 2025-01-28, floor: 2025-08-01
    ("ahead", "2025-01-02", "visit", "reached"),  # after the last day
    ("part", "2024-06-10", "call", "reached"),  # another action
]


def bought(rows):
    columns = ["customer_id", "ordered_at", "order_id", "amount", "product", "category"]
    table = pd.DataFrame(rows, columns=[*columns, "delivered_on"])
    days = {name: pd.to_datetime(table[name]) for name in ("ordered_at", "delivered_on")}
    return ibis.memtable(table.assign(**days)).cast({"delivered_on": "date"})


def visits():
    table = pd.DataFrame(VISITS, columns=["customer_id", "at", "action", "result"])
    return ibis.memtable(table.assign(at=pd.to_datetime(table["at"]))).cast({"at": "date"})


def due(*more, warranty=WARRANTY, maintenance=MAINTENANCE, rows=BOUGHT):
    found = customers.service_due(bought(rows), END, warranty, maintenance, *more)
    return found.to_pandas().set_index("customer_id")


def test_maintenance_is_due_so_long_after_the_delivery_of_what_comes_first():
    assert due()["days_to_service"].to_dict() == {
        **{"ahead": 30, "overdue": -30, "two": 20, "part": 122, "underway": 354},
        **{"oak": (dt.date(2023, 6, 1) - END).days, "ended": (dt.date(2023, 1, 1) - END).days},
    }


def test_a_warranty_ends_so_long_after_the_delivery_and_the_product_decides():
    found = due()["days_to_warranty_end"]
    assert found.dropna().to_dict() == {
        **{"ahead": 395, "overdue": (dt.date(2025, 12, 1) - END).days, "two": 425, "oak": 56},
        **{
            "part": (dt.date(2026, 5, 2) - END).days,
            "underway": (dt.date(2026, 12, 20) - END).days,
        },
    }
    assert np.isnan(found["ended"])


def test_the_last_day_of_a_warranty_counts():
    rows = [("last", "2023-01-01", "1", 10, "pine", "floor", "2023-01-01")]
    assert due(rows=rows)["days_to_warranty_end"].to_dict() == {"last": 0}
    rows = [("last", "2022-12-31", "1", 10, "pine", "floor", "2022-12-31")]
    assert due(rows=rows)["days_to_warranty_end"].isna().all()


def test_after_maintenance_that_was_done_the_clock_starts_again():
    found = due(visits(), ["visit"], ["reached"])["days_to_service"]
    assert found["overdue"] == (dt.date(2025, 6, 10) - END).days
    assert found["two"] == 28, "done without a result; each thing from that day on"
    unchanged = due()["days_to_service"]
    for name in ("ended", "ahead", "part", "oak"):
        assert found[name] == unchanged[name], name
    warranties = due(visits(), ["visit"], ["reached"])["days_to_warranty_end"]
    pd.testing.assert_series_equal(warranties, due()["days_to_warranty_end"])


def test_what_came_back_or_is_not_covered_is_owed_nothing():
    assert not {"back", "other", "later"} & set(due().index)


def test_one_of_the_two_may_be_left_out():
    assert due(maintenance={})["days_to_service"].isna().all()
    only = due(warranty={})
    assert only["days_to_warranty_end"].isna().all() and only.loc["ahead", "days_to_service"] == 30


def test_service_of_a_business_and_of_one_without_the_setting(tmp_path):
    sales = "customer_id,ordered_at,amount,land,category\na,2024-01-01,10,Nord,floor\n"
    data = prepared.open(small(tmp_path, "{from: land}", {"sales.csv": sales}), "all")
    found = data.service_due(END, {}, {"category": {"floor": 365}}, ["visit"], ["reached"])
    assert found.loc["a", "days_to_service"] == 0 and found["days_to_warranty_end"].isna().all()
    nothing = data.service_due(END, {}, {}, [], [])
    assert nothing.empty and list(nothing.columns) == []
