"""The share of late deliveries by place: by hand, and by chance."""

import math

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.experience import late_deliveries
from cvm_analysis.tables import TABLES, check


def customers(n_due, n_late, **levels):
    ids = pd.Index([f"c{i:04}" for i in range(len(n_due))], name="customer_id")
    return pd.DataFrame({"n_due": n_due, "n_late": n_late, **levels}, ids)


def at(found, group, level):
    return found.set_index(["group", "level"]).loc[(group, level)]


def test_shares_are_of_order_lines():
    given = customers([4, 1, 5], [1, 1, 0], region=["north", "north", "south"])
    found = late_deliveries.shares(given, ["region"], 365)
    check("late_deliveries", found)
    assert list(found) == list(TABLES["late_deliveries"].columns)
    assert (found["period_days"] == 365).all()
    assert at(found, "all", "all")[["n_due", "n_late", "late_share"]].tolist() == [10, 2, 0.2]
    assert at(found, "region", "north")[["n_due", "n_late", "late_share"]].tolist() == [5, 2, 0.4]
    assert found[["low", "high", "p_value", "q_value"]].isna().all(axis=None), "three customers"


def test_without_repeats_the_interval_is_that_of_a_share():
    """20 of 100 customers with one line each: 0.2 +- 1.96 sqrt(0.2 x 0.8 / 99)."""
    given = customers([1] * 100, [1] * 20 + [0] * 80)
    row = late_deliveries.shares(given, [], 365).iloc[0]
    reach = 1.959964 * np.sqrt(0.16 / 99)
    assert [row["low"], row["high"]] == pytest.approx([0.2 - reach, 0.2 + reach], abs=1e-6)


def test_lines_that_are_late_together_count_once():
    """Ten lines of a customer, all late or none: no more is known than of one line each."""
    one = late_deliveries.shares(customers([1] * 50, [1] * 10 + [0] * 40), [], 365).iloc[0]
    ten = late_deliveries.shares(customers([10] * 50, [10] * 10 + [0] * 40), [], 365).iloc[0]
    assert ten[["late_share", "low", "high"]].tolist() == pytest.approx(
        one[["late_share", "low", "high"]].tolist()
    )


def test_places_that_differ_by_chance_alone_are_seldom_found():
    """Ten places with the same share: in at most about 5% of 300 businesses is one found."""
    rng = np.random.default_rng(5)
    place = np.repeat(list("abcdefghij"), 60)
    found = []
    for _ in range(300):
        due = rng.integers(1, 6, len(place))
        rate = rng.beta(2, 8, len(place))  # customers differ
        given = customers(due, rng.binomial(due, rate), city=place)
        found.append((late_deliveries.shares(given, ["city"], 365)["q_value"] < 0.05).any())
    assert np.mean(found) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_a_place_that_is_late_more_often_is_found_and_the_others_are_compared_without_it():
    rng = np.random.default_rng(1)
    place = np.repeat(list("abcd"), 200)
    due = rng.integers(1, 6, len(place))
    late = rng.binomial(due, np.where(place == "c", 0.4, 0.1))
    found = late_deliveries.shares(customers(due, late, city=place), ["city"], 365)
    levels = found[found["group"] == "city"].set_index("level")
    assert levels["q_value"].idxmin() == "c" and levels.loc["c", "q_value"] < 1e-6
    assert (levels["q_value"].astype(float) >= levels["p_value"].astype(float)).all()


def test_a_place_is_compared_with_all_others():
    """12 of 30 against 3 of 30: 0.3 / sqrt((0.24 + 0.09) / 29) = 2.8123 standard errors."""
    late = [1] * 12 + [0] * 18 + [1] * 3 + [0] * 27
    given = customers([1] * 60, late, city=["a"] * 30 + ["b"] * 30)
    found = late_deliveries.shares(given, ["city"], 365)
    p = math.erfc(2.8123 / math.sqrt(2))
    assert found["p_value"].dropna().tolist() == pytest.approx([p, p], rel=1e-3)


def test_customers_without_a_place_and_nobody_at_all():
    given = customers([1] * 30, [1] * 6 + [0] * 24, city=["a"] * 15 + [None] * 15)
    found = late_deliveries.shares(given, ["city"], 365)
    assert at(found, "city", "a")["n_due"] == 15 and len(found) == 2
    nobody = late_deliveries.shares(given.head(0), ["city"], 365)
    assert nobody.empty and list(nobody) == list(TABLES["late_deliveries"].columns)


def test_a_place_where_all_are_late_has_no_interval_beyond_one():
    given = customers([1] * 30, [1] * 30)
    assert late_deliveries.shares(given, [], 365).iloc[0][["low", "high"]].tolist() == [1, 1]
