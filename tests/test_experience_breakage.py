"""Breakage: by hand, against the curves of unweighted points, and against a planted truth."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.experience import breakage, points
from cvm_analysis.survival import cumulative_incidence

AS_OF = dt.date(2025, 12, 31)
END = pd.Timestamp(AS_OF)


def parts(*rows):
    """(customer, points, age in days, ended_by or None); all still open ones reach as_of."""
    found = pd.DataFrame(rows, columns=["customer_id", "points", "age", "ended_by"])
    earned = END - pd.to_timedelta(found["age"], unit="D")
    ended = pd.Series(END, found.index).where(found["ended_by"].notna())
    return found.assign(earned_on=earned, ended_on=ended).drop(columns="age")


def estimate(rows, days=None, n=99):
    return breakage.estimate(rows, AS_OF, days, n, 0)


def one_each(n=300, seed=5):
    rng = np.random.default_rng(seed)
    age = rng.integers(0, 101, n)
    by = np.where(
        age == 100, "expire", rng.choice(["redeem", "adjust", None], n, p=[0.5, 0.1, 0.4])
    )
    return parts(*((f"c{i}", 1.0, int(age[i]), by[i]) for i in range(n)))


def test_with_one_point_each_the_curves_are_those_of_aalen_and_johansen():
    rows = one_each()
    fates = estimate(rows, 100)
    ages = (END - rows["earned_on"]).dt.days.astype(float)
    outcome = pd.DataFrame({"duration": ages, "cause": rows["ended_by"].astype(object)})
    outcome["cause"] = outcome["cause"].where(outcome["cause"].notna(), None)
    for cause, curve in fates.curves.items():
        table = cumulative_incidence.cumulative_incidence(outcome)
        expected = table.loc[table["cause"] == cause, "incidence"].to_numpy()
        assert curve == pytest.approx(expected[: len(curve)])
    known = rows["ended_by"].notna() | (ages >= fates.horizon_days)
    assert fates.n_effective == pytest.approx(known.sum())
    rest = fates.redeemed.mean + fates.withdrawn.mean
    assert fates.breakage.mean == pytest.approx(1 - rest)


def test_points_count_and_not_customers():
    rows = [(f"c{i}", 10.0, 50, "expire") for i in range(20)]
    rows += [(f"d{i}", 1.0, 50, "redeem") for i in range(20)]
    fates = estimate(parts(*rows), 50)
    assert fates.is_final and fates.breakage.mean == pytest.approx(200 / 220)
    assert fates.n_effective == pytest.approx(220**2 / (20 * 100 + 20))
    assert fates.breakage.low < 200 / 220 < fates.breakage.high


def test_without_a_rule_it_goes_as_far_as_enough_customers_were_observed():
    rows = [(f"c{i}", 1.0, 30 + i, None) for i in range(25)]
    rows += [(f"d{i}", 1.0, 10, "redeem") for i in range(25)]
    fates = estimate(parts(*rows))
    assert fates.horizon_days == 35  # 20 of 50 customers have points of this age
    assert not fates.is_final
    assert fates.breakage.mean == pytest.approx(0.5)
    assert estimate(parts(*rows), 400).is_final is False
    assert estimate(parts(*rows[:19])) is None


def test_liability_by_hand():
    """Half of the points are used at age 10; 100 held points are 5 days old, 40 are 20 days old."""
    rows = [(f"c{i}", 1.0, 10, "redeem") for i in range(30)]
    rows += [(f"d{i}", 1.0, 30, "expire") for i in range(30)]
    fates = estimate(parts(*rows), 30)
    held = parts(("x", 100.0, 5, None), ("y", 40.0, 20, None), ("z", 9.0, 10, "redeem"))
    found = breakage.liability(held, fates, AS_OF, 0.01)
    assert found.points == 140 and found.face_value == pytest.approx(1.4)
    assert found.expected == pytest.approx(100 * 0.5 * 0.01)
    assert 0 < found.low < found.expected < found.high < 1.4
    unknown = breakage.liability(held, None, AS_OF, 0.01)
    assert unknown.face_value == pytest.approx(1.4) and np.isnan(unknown.expected)


def test_the_share_that_never_uses_points_is_found():
    """A quarter never redeems, the others everything after an exponential time of mean 100."""
    rng = np.random.default_rng(2)
    n = 3_000
    moves = []
    for i in range(n):
        day, used = int(rng.integers(0, 1_000)), int(np.ceil(rng.exponential(100)))
        moves.append((f"c{i}", day, "earn", 50))
        if rng.random() < 0.75:
            moves.append((f"c{i}", day + used, "redeem", 50))
    table = pd.DataFrame(moves, columns=["customer_id", "at", "kind", "points"])
    table["at"] = END - pd.Timedelta(days=999) + pd.to_timedelta(table["at"], unit="D")
    table = table[table["at"] <= END]
    late = points.match(points.movements(table, AS_OF, 200))
    found = estimate(late, 200).breakage
    assert found.mean == pytest.approx(0.25 + 0.75 * np.exp(-2), abs=0.03)
    assert found.low < 0.25 + 0.75 * np.exp(-2) < found.high


def test_the_same_seed_gives_the_same_interval():
    assert estimate(one_each(), 100).breakage == estimate(one_each(), 100).breakage
