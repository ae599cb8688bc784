"""The ledger of points against a plain loop over days and lots."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvm_analysis.experience import points

AS_OF = dt.date(2025, 12, 31)


def table(*rows):
    found = pd.DataFrame(rows, columns=["customer_id", "at", "kind", "points"])
    return found.assign(at=pd.to_datetime(found["at"]))


def plain(rows, as_of, expire_after_days):
    """Day by day, lot by lot: balances {(customer, day): balance}, sums by kind, and open lots."""
    records = (rows["kind"] == "expire").any()
    balances, sums, open_lots = {}, {}, {}
    for customer in sorted(set(rows["customer_id"])):
        own = rows[(rows["customer_id"] == customer) & (rows["at"] <= pd.Timestamp(as_of))]
        lots, debt = [], 0  # [day, points]
        total = dict.fromkeys(("earn", "redeem", "expire", "adjust"), 0)
        days = set(own["at"])
        if expire_after_days is not None and not records:
            days |= {day + pd.Timedelta(days=expire_after_days) for day in days}
        for day in sorted(each for each in days if each <= pd.Timestamp(as_of)):
            moved = []
            for kind, n in own.loc[own["at"] == day, ["kind", "points"]].to_numpy().tolist():
                n = -abs(n) if kind in ("redeem", "expire") else n
                moved.append(("adjust" if kind == "earn" and n < 0 else kind, n))
            happened = bool(moved)
            for kind, n in moved:
                total[kind] += abs(n) if kind in ("redeem", "expire") else n
                if n > 0:
                    paid = min(debt, n)
                    debt -= paid
                    lots.append([day, n - paid])
            for _kind, n in moved:
                need = max(-n, 0)
                for lot in lots:
                    taken = min(lot[1], need)
                    lot[1] -= taken
                    need -= taken
                debt += need
            if expire_after_days is not None and not records:
                for lot in lots:
                    if lot[1] and (day - lot[0]).days >= expire_after_days:
                        total["expire"] += lot[1]
                        lot[1] = 0
                        happened = True
            if happened:
                balances[customer, day] = sum(lot[1] for lot in lots) - debt
        sums[customer] = total
        open_lots[customer] = [(day, n) for day, n in lots if n]
    return balances, sums, open_lots


def compare(rows, days):
    moved = points.movements(rows, AS_OF, days)
    parts = points.match(moved)
    balances, sums, open_lots = plain(rows, AS_OF, days)
    by_day = moved.groupby(["customer_id", "at"])["points"].sum()
    assert by_day.groupby(level="customer_id").cumsum().to_dict() == balances
    figures = points.totals(moved, parts, AS_OF, days, 30)
    for customer, total in sums.items():
        if customer not in figures.index:
            assert not any(total.values())
            continue
        row = figures.loc[customer]
        names = {"earn": "earned", "redeem": "redeemed", "expire": "expired", "adjust": "adjusted"}
        assert {kind: row[f"points_{name}"] for kind, name in names.items()} == total
        own = parts[(parts["customer_id"] == customer) & parts["ended_on"].isna()]
        left = own.groupby("earned_on")["points"].sum().to_dict()
        expected = {}
        for day, n in open_lots[customer]:
            expected[day] = expected.get(day, 0) + n
        assert left == expected
        if days is not None:
            last = pd.Timestamp(AS_OF) + pd.Timedelta(days=30 - days)
            assert row["points_expiring"] == sum(n for day, n in open_lots[customer] if day <= last)


movement = st.tuples(
    st.sampled_from("abc"),
    st.integers(0, 60).map(lambda n: pd.Timestamp("2025-11-10") + pd.Timedelta(days=n)),
    st.sampled_from(["earn", "earn", "redeem", "adjust"]),
    st.integers(-20, 50),
)


@given(st.lists(movement, min_size=1, max_size=25), st.sampled_from([None, 3, 10, 40]))
@settings(max_examples=120, deadline=None)
def test_balances_are_those_of_a_plain_loop_to_the_point(rows, days):
    compare(table(*rows), days)


@given(st.lists(movement, min_size=1, max_size=15))
@settings(max_examples=30, deadline=None)
def test_a_file_that_records_what_expired_is_taken_as_it_is(rows):
    compare(table(*rows, ("a", "2025-12-01", "expire", 5)), None)
    with_rule = points.movements(table(*rows, ("a", "2025-12-01", "expire", 5)), AS_OF, 10)
    assert (with_rule["kind"] == "expire").sum() == 1


def test_a_large_ledger_is_that_of_a_plain_loop():
    rng = np.random.default_rng(1)
    n = 3_000
    day = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 1_095, n), unit="D")
    kind = rng.choice(["earn", "redeem", "adjust"], n, p=[0.7, 0.25, 0.05])
    size = np.round(rng.gamma(2, 100, n), 2)
    compare(
        pd.DataFrame(
            {"customer_id": rng.integers(0, 150, n).astype(str), "at": day, "kind": kind,
             "points": np.rint(size)}
        ),
        365,
    )  # fmt: skip


def test_the_oldest_points_go_first():
    rows = table(
        ("a", "2025-01-01", "earn", 100),
        ("a", "2025-02-01", "earn", 50),
        ("a", "2025-03-01", "redeem", 120),
    )
    parts = points.match(points.movements(rows, AS_OF, None))
    assert parts["points"].tolist() == [100, 20, 30]
    assert parts["ended_by"].fillna("").tolist() == ["redeem", "redeem", ""]
    assert parts["earned_on"].dt.month.tolist() == [1, 2, 2]


def test_points_can_be_used_on_their_last_day_and_not_after():
    rows = table(("a", "2025-01-01", "earn", 10), ("a", "2025-01-31", "redeem", 4))
    moved = points.movements(rows, AS_OF, 30)
    assert moved[["kind", "points"]].to_numpy().tolist() == [
        ["earn", 10], ["redeem", -4], ["expire", -6]
    ]  # fmt: skip
    assert moved["at"].iloc[-1] == pd.Timestamp("2025-01-31")
    late = rows.assign(at=pd.to_datetime(["2025-01-01", "2025-02-01"]))
    assert points.movements(late, AS_OF, 30)["points"].tolist() == [10, -10, -4]


def test_what_is_about_to_expire_is_counted_from_the_day():
    rows = table(("a", "2025-01-10", "earn", 7), ("a", "2025-03-01", "earn", 5))
    moved = points.movements(rows, AS_OF, 365)
    row = points.totals(moved, points.match(moved), AS_OF, 365, 30).loc["a"]
    assert row["points_expiring"] == 7 and row["expires_on"] == pd.Timestamp("2026-01-10")
    none = points.totals(moved, points.match(moved), AS_OF, None, 30).loc["a"]
    assert np.isnan(none["points_expiring"])


def test_movements_after_the_day_do_not_count_and_signs_do_not_matter():
    rows = table(
        ("a", "2025-01-01", "earn", 10),
        ("a", "2025-02-01", "redeem", 3),
        ("a", "2025-02-02", "redeem", -3),
        ("a", "2025-02-03", "earn", -1),
        ("a", "2026-01-01", "earn", 99),
    )
    moved = points.movements(rows, AS_OF, None)
    row = points.totals(moved, points.match(moved), AS_OF, None, 30).loc["a"]
    assert row[["points_balance", "points_redeemed", "points_adjusted"]].tolist() == [3, 6, -1]


def test_no_movements_give_no_rows():
    empty = table()
    moved = points.movements(empty, AS_OF, 365)
    parts = points.match(moved)
    assert moved.empty and parts.empty
    assert points.totals(moved, parts, AS_OF, 365, 30).empty


def test_hundredths_of_points_add_up():
    rows = table(*(("a", "2025-01-01", "earn", 0.1) for _ in range(10)))
    moved = points.movements(rows, AS_OF, None)
    balance = points.totals(moved, points.match(moved), AS_OF, None, 30)["points_balance"]
    assert balance.tolist() == [pytest.approx(1.0, abs=0)]
