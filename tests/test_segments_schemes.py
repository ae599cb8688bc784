"""Classes by hand: one customer per rule."""

import pandas as pd

from cvm_analysis.segments import schemes


def test_levels_are_the_best_half_and_the_best_fifth():
    values = pd.Series(range(1, 11), dtype=float)
    limits = schemes.thresholds(values, "auto", "auto")
    assert limits == {"mid": 6, "high": 9}
    found = schemes.level(values, pd.Series(True, values.index), limits)
    assert list(found) == ["low"] * 5 + ["mid"] * 3 + ["high"] * 2


def test_many_one_time_buyers_are_all_low():
    values = pd.Series([1.0] * 70 + [2.0] * 30)
    limits = schemes.thresholds(values, "auto", "auto")
    assert limits["mid"] == 2
    assert pd.isna(limits["high"])
    found = schemes.level(values, pd.Series(True, values.index), limits)
    assert set(found[:70]) == {"low"}
    assert set(found[70:]) == {"mid"}


def test_thresholds_of_the_config_win():
    assert schemes.thresholds(pd.Series([1.0, 2.0]), 7, "auto") == {"mid": 2, "high": 7}


def test_life_cycle_of_one_customer_per_class():
    columns = "n_orders spend_total days_since_last T gap_median_days gap_last_days"
    rows = {
        "prospect": (0, 0, None, None, None, None),
        "returns_only": (0, -5, None, None, None, None),
        "new": (1, 5, 30, 30 / 7, None, None),
        "lost": (5, 5, 130, 100, 30, 30),
        "declining": (5, 5, 70, 100, 30, 30),
        "returned": (5, 5, 10, 100, 30, 200),
        "growing": (5, 5, 10, 40, 30, 30),
        "mature": (5, 5, 10, 100, 30, 30),
    }
    people = pd.DataFrame(rows.values(), index=list(rows), columns=columns.split(), dtype=float)
    found = schemes.life_cycle(people, company_gap=60)
    assert found.to_dict() == {name: name for name in rows}


def test_one_time_buyers_are_judged_by_the_companys_rhythm():
    columns = "n_orders spend_total days_since_last T gap_median_days gap_last_days"
    people = pd.DataFrame([(1, 5, 200, 200 / 7, None, None)], columns=columns.split(), dtype=float)
    assert schemes.life_cycle(people, company_gap=40)[0] == "lost"
    assert schemes.life_cycle(people, company_gap=80)[0] == "declining"
    assert schemes.life_cycle(people, company_gap=150)[0] == "growing"
