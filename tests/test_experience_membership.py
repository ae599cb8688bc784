"""Levels by hand; members against comparable others in an invented shop."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.experience import membership, points
from cvm_analysis.experience.membership import Level

AS_OF = dt.date(2025, 12, 31)
BY_POINTS = (Level("silver", from_points=100), Level("gold", from_points=500))
BY_SALES = (Level("basic", from_net_sales=0), Level("plus", from_net_sales=1_000))


def figures(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "points", "net_sales"]).set_index(
        "customer_id"
    )


def test_a_level_begins_at_its_points():
    have = figures(("a", 99, 0), ("b", 100, 0), ("c", 499.5, 9e9), ("d", 500, 0), ("e", np.nan, 0))
    found = membership.find_levels(have, BY_POINTS)
    assert found["level"].fillna("").tolist() == ["", "silver", "silver", "gold", ""]
    assert found["next_level"].fillna("").tolist() == ["silver", "gold", "gold", "", "silver"]
    assert found["points_to_level"].fillna(-1).tolist() == [1, 400, 0.5, -1, 100]
    assert found["net_sales_to_level"].isna().all()


def test_a_level_may_count_net_sales():
    found = membership.find_levels(figures(("a", 0, 0), ("b", 0, 999), ("c", 0, 1_000)), BY_SALES)
    assert found["level"].tolist() == ["basic", "basic", "plus"]
    assert found["net_sales_to_level"].fillna(-1).tolist() == [1_000, 1, -1]


def test_without_levels_nobody_has_one():
    assert membership.find_levels(figures(("a", 1, 1)), ()).isna().all(axis=None)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ((Level("a"),), "level a needs from_points or from_net_sales"),
        ((Level("a", from_points=1, from_net_sales=1),), "one of them"),
        ((Level("a", from_points=1), Level("b", from_net_sales=2)), "all levels need"),
        ((Level("a", from_points=2), Level("b", from_points=2)), "the lowest first"),
        ((Level("a", from_points=1), Level("a", from_points=2)), "the same code"),
    ],
)
def test_levels_that_cannot_be_are_an_error(levels, message):
    with pytest.raises(ValueError, match=message):
        membership.check_levels(levels)


def test_points_of_the_last_year_count_and_what_was_taken_back_does_not():
    rows = pd.DataFrame(
        [
            ("a", "2024-12-31", "earn", 50),
            ("a", "2025-01-01", "earn", 30),
            ("a", "2025-06-01", "earn", -10),
            ("a", "2025-06-02", "redeem", 15),
        ],
        columns=["customer_id", "at", "kind", "points"],
    )
    moved = points.movements(rows, AS_OF, None)
    assert membership.earned_within(moved, AS_OF, 365)["a"] == 20


def shop(extra, seed, n=1_200):
    """Customers buy at their own pace; some join at a purchase and then spend `extra` more."""
    rng = np.random.default_rng(seed)
    rate, size = rng.gamma(2, 1 / 120, n), rng.lognormal(3, 0.5, n)
    rows, joined = [], {}
    for i in range(n):
        days = np.cumsum(np.maximum(1, rng.exponential(1 / rate[i], 60).astype(int)))
        days = days[days < 1_000]
        joins = days[rng.random(len(days)) < 0.06]
        if len(joins):
            joined[f"c{i}"] = pd.Timestamp("2023-01-01") + pd.Timedelta(days=int(joins[0]))
        for day in days:
            at = pd.Timestamp("2023-01-01") + pd.Timedelta(days=int(day))
            after = f"c{i}" in joined and at > joined[f"c{i}"]
            rows.append((f"c{i}", at, size[i] * rng.lognormal(0, 0.3) * (1 + extra * after)))
    purchases = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    return purchases, pd.Series(joined)


@pytest.mark.parametrize("extra", [0.0, 1.0])
def test_members_spend_more_by_what_was_planted(extra):
    found = membership.compare_members(*shop(extra, 4), dt.date(2025, 9, 26), 90)
    assert found.n > 150
    assert found.low <= extra * found.mean / (1 + extra) <= found.high  # of what they would spend
    assert (found.low > 0) == (extra > 0)


def test_who_joins_later_counts_as_no_member_before():
    day = pd.Timestamp("2025-01-01")
    names = [f"m{i}" for i in range(20)] + ["later", "o1", "o2"]
    first = pd.DataFrame({"customer_id": names, "day": day, "amount": 10.0})
    again = first.assign(day=day + pd.Timedelta(days=20), amount=5.0)
    again.loc[again["customer_id"] == "later", "amount"] = 11.0
    joined = pd.Series(dict.fromkeys(names[:20], day))
    joined["later"] = day + pd.Timedelta(days=20)
    found = membership.compare_members(pd.concat([first, again]), joined, AS_OF, 345)
    assert (found.n, found.mean, found.mean_others) == (20, 5.0, 7.0)


def test_close_to_a_level_are_those_who_miss_at_most_a_tenth_of_it():
    """90 of 100 and 450 of 500 points are close, 89.9 and 449.9 are not."""
    have = figures(("a", 89.9, 0), ("b", 90, 0), ("c", 449.9, 0), ("d", 450, 0), ("e", 499, 0))
    levels = membership.find_levels(have, BY_POINTS)
    found = membership.near_next_level(levels, BY_POINTS)
    assert found["n_customers"].to_dict() == {"gold": 2, "silver": 1}
    assert found.index.tolist() == ["gold", "silver"]
    sales = membership.find_levels(figures(("a", 0, 899), ("b", 0, 900)), BY_SALES)
    assert membership.near_next_level(sales, BY_SALES)["n_customers"].to_dict() == {"plus": 1}
    assert membership.near_next_level(levels, ()).empty
    assert membership.near_next_level(pd.DataFrame(columns=["next_level"]), BY_POINTS).empty
