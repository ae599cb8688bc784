"""RFM: equal customers score alike, better ones never lower, every combination has one name."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvm_analysis.config import load
from cvm_analysis.errors import ConfigError
from cvm_analysis.segments import rfm, scores

ROOT = Path(__file__).parent.parent


def customers(days, orders, spend):
    ids = [f"c{i}" for i in range(len(days))]
    table = {"days_since_last": days, "n_orders": orders, "spend_total": spend}
    return pd.DataFrame(table, index=pd.Index(ids, name="customer_id"))


rows = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 4), st.integers(-3, 9)), min_size=1, max_size=40
)


@settings(max_examples=150, deadline=None)
@given(rows, st.integers(2, 10), st.randoms())
def test_permuting_rows_and_ids_changes_no_score(values, bins, random):
    table = customers(*zip(*values, strict=True))
    shuffled = list(range(len(values)))
    random.shuffle(shuffled)
    moved = table.iloc[shuffled]
    renamed = moved.set_axis([f"z{i}" for i in range(len(moved))])
    pd.testing.assert_frame_equal(rfm.score(moved, bins), rfm.score(table, bins).loc[moved.index])
    assert (rfm.score(renamed, bins).to_numpy() == rfm.score(moved, bins).to_numpy()).all()


@settings(max_examples=150, deadline=None)
@given(rows, st.integers(2, 10))
def test_scores_are_one_plus_floor_of_bins_times_share_strictly_worse(values, bins):
    table = customers(*zip(*values, strict=True))
    better = rfm.measures(table)
    n = len(better)
    slow = {
        c: [1 + bins * sum(other < value for other in better[c]) // n for value in better[c]]
        for c in better
    }
    assert rfm.score(table, bins).to_dict("list") == slow


def test_one_time_buyers_score_one_however_many_they_are():
    table = customers([1] * 100, [1] * 95 + [2] * 5, [10] * 100)
    found = rfm.score(table)["f"]
    assert set(found[:95]) == {1}
    assert set(found[95:]) == {5}


def test_bins_that_ties_make_impossible_are_named():
    table = customers([1] * 100, [1] * 95 + [2] * 5, [10] * 100)
    cuts = rfm.cut_points(table)
    assert rfm.empty_bins(table, cuts) == {"r": [2, 3, 4, 5], "f": [2, 3, 4], "m": [2, 3, 4, 5]}
    assert cuts["f"] == [2, 2, 2, 2]
    assert np.isnan(cuts["r"]).all()


def test_a_region_is_measured_by_the_cut_points_of_the_company():
    company = customers(range(100), [1] * 50 + list(range(2, 52)), range(100))
    region = company.iloc[60:]
    cuts = rfm.cut_points(company)
    pd.testing.assert_frame_equal(
        rfm.score(region, cuts=cuts), rfm.score(company).loc[region.index]
    )


def test_who_never_bought_is_a_prospect():
    table = customers([5, None], [2, 0], [10.0, 0.0])
    segments = load(ROOT / "config" / "sample.yaml").segments.rfm.segments
    named = rfm.name(rfm.score(table), table, segments)
    assert named["c1"] == "prospect"
    assert named["c0"] != "prospect"


def test_the_shipped_names_cover_every_combination_once():
    rules = load(ROOT / "config" / "sample.yaml").segments.rfm
    rfm.prove(rules.segments, rules.bins)


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"a": {"r": "1-4"}}, "25 of 125 combinations of scores have no name, the first r5 f1 m1"),
        (
            {"a": {"r": "1-5"}, "b": {"r": 5, "f": 2}},
            "5 of 125.*more than one name.*r5 f2 m1 .a and b",
        ),
        ({"a": {"r": "1-6"}}, "'1-6' is outside the scores 1 to 5"),
        ({"a": {"r": "top"}}, "'top' is no score"),
    ],
)
def test_holes_and_overlaps_of_names_are_errors(rules, says):
    with pytest.raises(ConfigError, match=says):
        rfm.prove(rules, 5)


def test_cut_points_by_hand():
    values = pd.Series([1, 1, 2, 3, 4, 5, 6, 7, 8, 9.0])
    assert scores.cut_points(values, [(1, 5), (2, 5), (3, 5), (4, 5)]) == [2, 4, 6, 8]
    assert list(scores.score(values, [2, 4, 6, 8])) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
