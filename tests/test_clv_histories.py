"""Histories: nothing is lost by putting equal customers together."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import histories
from cvm_analysis.errors import InputError


def test_cdnow_has_the_published_counts(cdnow):
    """Fader, Hardie & Lee (2005): 2,357 customers; the counts are theirs and BTYD's."""
    assert len(cdnow) == 2357
    assert cdnow["x"].sum() == 2457
    assert (cdnow["x"] == 0).sum() == 1411
    assert cdnow["holdout"].sum() == 1882


def test_the_key_leads_back_to_each_customer(cdnow):
    h, key = histories.distinct(cdnow)
    back = h.loc[key].set_axis(key.index)
    pd.testing.assert_frame_equal(back[["x", "t_x", "T"]], cdnow[["x", "t_x", "T"]], atol=1e-12)
    assert h["n"].sum() == len(cdnow)
    assert not h.duplicated(["x", "t_x", "T"]).any()


def test_who_never_bought_is_left_out():
    customers = pd.DataFrame(
        {"x": [2, np.nan, 0, 0], "t_x": [3, np.nan, 0, 0], "T": [9, np.nan, 5, 5]},
        index=["a", "b", "c", "d"],
    )
    h, key = histories.distinct(customers.assign(n_orders=[3, 0, 1, 0]))
    assert list(key.index) == ["a", "c"]
    assert h["n"].tolist() == [1, 1]


def test_weeks_are_rounded_to_the_nearest():
    customers = pd.DataFrame({"x": [1, 1, 1], "t_x": [10 / 7, 11 / 7, 14 / 7], "T": [4.0] * 3})
    h, key = histories.distinct(customers, resolution="week")
    assert h["t_x"].tolist() == [1.0, 2.0]
    assert h["n"].tolist() == [1, 2]
    assert key.tolist() == [0, 1, 1]


def test_times_that_are_not_days_are_refused():
    hours = pd.DataFrame({"x": [1], "t_x": [0.5], "T": [4.0]}, index=["C1"])
    with pytest.raises(InputError, match=r"1 of 1 customers is not a whole number of days.*C1"):
        histories.distinct(hours)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ((1.5, 1.0, 2.0, 1), "x is not a whole number"),
        ((np.nan, 1.0, 2.0, 1), "x is not a whole number"),
        ((1, 3.0, 2.0, 1), "not 0 <= t_x <= T"),
        ((1, np.nan, 2.0, 1), "not 0 <= t_x <= T"),
        ((1, 1.0, np.inf, 1), "not 0 <= t_x <= T"),
        ((0, 1.0, 2.0, 1), "t_x above 0 without a repeat"),
        ((1, 1.0, 2.0, 0), "n is not above 0"),
    ],
)
def test_impossible_histories_are_named(row, said):
    good = (1, 1.0, 2.0, 1)
    h = pd.DataFrame([good, row], columns=["x", "t_x", "T", "n"])
    with pytest.raises(InputError, match=rf"{said}.* in 1 of 2 rows \(the first: 1\)"):
        histories.arrays(h)


def test_missing_columns_are_named():
    with pytest.raises(InputError, match="missing: t_x, T"):
        histories.arrays(pd.DataFrame({"x": [1]}))
