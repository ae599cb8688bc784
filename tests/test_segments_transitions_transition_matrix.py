"""Transitions add up to all customers; downgrades are compared with those expected by chance."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvm_analysis.errors import InputError
from cvm_analysis.segments.transitions import transition_matrix

ORDER = ["high", "mid", "low"]
BEFORE = pd.Series({"a": "high", "b": "high", "c": "mid", "d": "low", "g": "low", "h": "prospect"})
AFTER = pd.Series(
    {"a": "low", "b": "high", "c": "low", "d": "high", "e": "mid", "g": None, "h": "low"}
)
NET_SALES = pd.Series({"a": 10.0, "b": 20.0, "c": 30.0, "d": 40.0, "e": 50.0, "h": 70.0})


def happened(table):
    return table[table["n_customers"] > 0].set_index(["before", "after"])


def test_seven_customers_by_hand():
    table = happened(transition_matrix.count(BEFORE, AFTER, NET_SALES, ORDER))
    assert table.to_dict("index") == {
        ("high", "high"): {"move": "stayed", "n_customers": 1, "net_sales": 20.0},
        ("high", "low"): {"move": "fell", "n_customers": 1, "net_sales": 10.0},
        ("mid", "low"): {"move": "fell", "n_customers": 1, "net_sales": 30.0},
        ("low", "high"): {"move": "rose", "n_customers": 1, "net_sales": 40.0},
        ("low", "none"): {"move": "other", "n_customers": 1, "net_sales": 0.0},
        ("prospect", "low"): {"move": "other", "n_customers": 1, "net_sales": 70.0},
        ("not_yet", "mid"): {"move": "other", "n_customers": 1, "net_sales": 50.0},
    }


def test_every_pair_of_classes_has_a_row_in_the_callers_order():
    table = transition_matrix.count(BEFORE, AFTER, None, ORDER)
    assert list(table["before"].unique()) == ["high", "mid", "low", "prospect", "not_yet"]
    assert list(table["after"].unique()) == ["high", "mid", "low", "none"]
    assert len(table) == 20 and table["net_sales"].isna().all()


CLASSES = st.dictionaries(
    st.integers(0, 30), st.sampled_from([*ORDER, "not_graded", None]), min_size=1
).map(lambda found: pd.Series(found, dtype=object))


@given(CLASSES, CLASSES)
@settings(max_examples=25, deadline=None)
def test_the_counts_add_up_to_all_customers_of_each_day(before, after):
    table = transition_matrix.count(before, after, pd.Series(1.0, range(31)), ORDER)
    assert table["n_customers"].sum() == len(set(before.index) | set(after.index))
    assert (table["net_sales"] == table["n_customers"]).all()
    counts = after.value_counts()
    by_class = table[table["after"] != "none"].groupby("after")["n_customers"].sum()
    assert by_class[by_class > 0].to_dict() == counts.to_dict()
    turned = (
        transition_matrix.count(after, before, None, ORDER).groupby("move")["n_customers"].sum()
    )
    moves = table.groupby("move")["n_customers"].sum()
    assert moves.get("fell", 0) == turned.get("rose", 0)


def test_neither_the_order_of_rows_nor_their_names_matter():
    def new(values):
        return values.sample(frac=1, random_state=3).rename(lambda name: f"z{name}")

    table = transition_matrix.count(BEFORE, AFTER, NET_SALES, ORDER)
    pd.testing.assert_frame_equal(
        table, transition_matrix.count(new(BEFORE), new(AFTER), new(NET_SALES), ORDER)
    )


def test_no_customers_give_a_matrix_of_zeros():
    nobody = pd.Series(dtype=object)
    assert (transition_matrix.count(nobody, nobody, None, ORDER)["n_customers"] == [0] * 9).all()


def test_downgrades_with_the_largest_net_sales_come_first():
    found = transition_matrix.downgrades(BEFORE, AFTER, ORDER, NET_SALES)
    assert found.to_dict("index") == {
        "c": {"before": "mid", "after": "low", "steps": 1, "net_sales": 30.0},
        "a": {"before": "high", "after": "low", "steps": 2, "net_sales": 10.0},
    }
    assert list(found.index) == ["c", "a"]
    even = transition_matrix.downgrades(BEFORE, AFTER, ORDER, pd.Series(dtype=float)).head(1)
    assert list(even.index) == ["a"] and even["net_sales"].eq(0).all()
    assert transition_matrix.downgrades(BEFORE, BEFORE, ORDER, NET_SALES).empty


def test_threshold_effect_counts_customers_classed_otherwise_by_the_new_thresholds():
    spend = pd.Series({"a": 1.0, "b": 4.0, "c": 6.0, "d": 9.0})
    earlier = spend.map(lambda v: "high" if v >= 5 else "low")
    later = spend.map(lambda v: "high" if v >= 7 else "low")
    table = transition_matrix.threshold_effect(earlier, later, ["high", "low"])
    assert table.to_dict("records") == [
        {"before": "high", "after": "low", "move": "fell", "n_customers": 1, "share": 0.25}
    ]
    assert transition_matrix.threshold_effect(earlier, earlier, ["high", "low"]).empty
    with pytest.raises(InputError, match="1 customers have a class by only one"):
        transition_matrix.threshold_effect(earlier, later.drop("a"), ["high", "low"])


def test_the_mean_of_matrices_takes_a_missing_pair_for_zero():
    one = transition_matrix.count(pd.Series({"a": "high"}), pd.Series({"a": "low"}), None, ORDER)
    two = transition_matrix.count(
        pd.Series({"a": "high"}), pd.Series({"a": "prospect"}), None, ORDER
    )
    mean = happened(transition_matrix.mean_counts([one, two]))["n_customers"]
    assert mean.to_dict() == {("high", "low"): 0.5, ("high", "prospect"): 0.5}
    assert transition_matrix.mean_counts([one, two])["net_sales"].isna().all()
    with pytest.raises(InputError, match="no matrices"):
        transition_matrix.mean_counts([])


def test_observed_and_expected_shares_downgraded():
    before = pd.Series(["high"] * 100 + ["mid"] * 50)
    after = pd.Series(["high"] * 60 + ["mid"] * 30 + ["low"] * 10 + ["mid"] * 50)
    calm = pd.Series(["high"] * 80 + ["mid"] * 20 + ["mid"] * 40 + ["prospect"] * 10)
    observed = transition_matrix.count(before, after, None, ORDER)
    expected = transition_matrix.mean_counts([transition_matrix.count(before, calm, None, ORDER)])
    table = transition_matrix.with_expected(observed, expected)
    pairs = table.set_index(["before", "after"])
    assert pairs.loc[("high", "mid"), ["n_customers", "expected", "difference"]].tolist() == [
        30, 20, 10,
    ]  # fmt: skip
    assert pairs.loc[("mid", "prospect"), "difference"] == -10
    assert table["n_customers"].sum() == table["expected"].sum() == 150
    rates = transition_matrix.compare_downgrades(table)
    assert list(rates.index) == ["high", "mid"]
    high = rates.loc["high"]
    assert high[["n_customers", "fell", "expected"]].tolist() == [100, 0.4, 0.2]
    error = 1.96 * np.sqrt(0.2 * 0.8 / 100)
    assert high[["low", "high"]].tolist() == pytest.approx([0.2 - error, 0.2 + error])
    assert rates.loc["mid", ["fell", "expected", "low", "high"]].eq(0).all()


def test_upgrades_are_the_other_direction():
    pairs = [("mid", "high", "rose", 30, 12.0), ("mid", "mid", "stayed", 70, 88.0)]
    table = pd.DataFrame(pairs, columns=["before", "after", "move", "n_customers", "expected"])
    middle = transition_matrix.compare_upgrades(table).loc["mid"]
    assert middle[["n_customers", "rose", "expected"]].tolist() == [100, 0.3, 0.12]
    error = 1.96 * np.sqrt(0.12 * 0.88 / 100)
    assert middle[["low", "high"]].tolist() == pytest.approx([0.12 - error, 0.12 + error])
    assert transition_matrix.compare_downgrades(table).empty
