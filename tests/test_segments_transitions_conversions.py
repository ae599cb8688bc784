"""Conversions by hand: forty customers of one type and thirty of another."""

import pandas as pd
import pytest

from cvm_analysis.segments import class_table
from cvm_analysis.segments.transitions import conversions
from cvm_analysis.tables import check

LIMITS = {
    "frequency": {"mid": 2.0, "high": 5.0},
    "amount": {"mid": 20.0, "high": 50.0},
    "loyalty": {"potentially_loyal": 40.0, "loyal": 80.0},
}
THRESHOLDS = {"dealer": LIMITS, "retail": LIMITS}


def customers(orders, customer_type="retail"):
    """One customer for each number of orders in the period; loyal as they order."""
    found = pd.DataFrame(
        {"period_orders": orders}, [f"{customer_type}{i}" for i in range(len(orders))]
    )
    n = found["period_orders"]
    return found.assign(
        n_orders=9, x=8, period_sales=10 * n, loyalty_index=16 * n, customer_type=customer_type
    )


@pytest.fixture
def table():
    """Of 30 in the middle class 12 moved up, of 10 inactive one; by chance 6 and 9, none."""
    before = customers([3] * 30 + [0] * 10)
    after = customers([6] * 12 + [3] * 18 + [1] + [0] * 9)
    drawn = [customers([6] * n + [3] * (30 - n) + [0] * 10) for n in (6, 9)]
    newcomer = customers([7]).rename(index={"retail0": "new"})
    return conversions.count(before, pd.concat([after, newcomer]), drawn, THRESHOLDS)


def test_customers_of_both_days_are_counted_once_in_each_scheme(table):
    check("conversions", table.reset_index())
    counted = table["n_customers"].groupby(["customer_type", "scheme"]).sum()
    assert counted["retail"].to_dict() == dict.fromkeys(class_table.SCHEMES, 41)
    assert counted["dealer"].sum() == 0
    frequency = table.sort_index().loc[("retail", "frequency")]
    assert frequency.loc[("mid", "high"), ["move", "n_customers", "expected"]].tolist() == [
        "rose",
        12,
        7.5,
    ]
    assert frequency.loc[("not_yet", "high"), ["move", "n_customers"]].tolist() == ["other", 1]


def test_the_share_that_moved_up_stands_beside_the_one_by_chance(table):
    for scheme in ("frequency", "amount"):
        found = conversions.select_upgrades(table, scheme).set_index("before")
        assert found["customer_type"].unique().tolist() == ["retail"]  # there are no dealers
        middle = found.loc["mid"]
        assert middle[["n_customers", "n_rose", "n_expected"]].tolist() == [30, 12, 7.5]
        assert middle[["rose", "expected"]].tolist() == [0.4, 0.25]
        assert middle["low"] < 0.25 < middle["high"]
        assert found.loc["inactive", ["n_customers", "n_rose", "n_expected"]].tolist() == [10, 1, 0]
    loyal = conversions.select_upgrades(table, "loyalty").set_index("before")
    assert loyal.loc["potentially_loyal", ["n_customers", "n_rose"]].tolist() == [30, 12]


def test_without_draws_nothing_is_expected_by_chance():
    side = customers([3] * 40)
    found = conversions.select_upgrades(conversions.count(side, side, [], THRESHOLDS), "frequency")
    assert found.set_index("before").loc["mid", "n_rose"] == 0
    assert found[["expected", "low", "high", "n_expected"]].isna().all(axis=None)


def test_a_type_with_few_customers_is_left_out():
    dealers = customers([3] * 29, "dealer")
    table = conversions.count(dealers, dealers, [], THRESHOLDS)
    assert conversions.select_upgrades(table, "frequency").empty


def test_a_type_that_comes_later_has_no_class_to_move_from():
    before, later = customers([3] * 30), customers([9] * 5, "dealer")
    table = conversions.count(before, pd.concat([before, later]), [], {"retail": LIMITS})
    assert table.index.get_level_values("customer_type").unique().tolist() == ["retail"]
