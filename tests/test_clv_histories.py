"""Histories: nothing is lost by putting equal customers together."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import bg_nbd, histories, mbg_nbd, nbd, pareto_nbd
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


def test_customers_without_purchase_are_left_out():
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


def test_every_customer_keeps_the_history_of_their_weeks(cdnow):
    """To the nearest week: 3.5 days is the most that anyone moves, and it is not one way only."""
    h, key = histories.distinct(cdnow, resolution="week")
    assert h["n"].sum() == len(cdnow)
    assert not h.duplicated(["x", "t_x", "T"]).any()
    assert key.index.equals(cdnow.index)
    moved = h.loc[key, ["t_x", "T"]].set_axis(key.index) - cdnow[["t_x", "T"]]
    assert moved.abs().to_numpy().max() < 0.5
    assert moved["T"].min() < 0 < moved["T"].max()
    assert (h["t_x"] <= h["T"]).all()


def test_who_came_within_half_a_week_is_not_rounded_to_no_time_at_all():
    days = pd.DataFrame({"x": [1, 2, 0, 1], "t_x": [1, 3, 0, 4], "T": [2, 60, 3, 60]})
    h, key = histories.distinct(days.assign(t_x=days["t_x"] / 7, T=days["T"] / 7), "week")
    found = (h.loc[key, ["t_x", "T"]].to_numpy() * 7).round(9).tolist()
    assert found == [[0, 2], [0, 63], [0, 3], [7, 63]]


def test_rounding_to_weeks_changes_little_where_flooring_changes_much(cdnow):
    """Parameters by 2.1 %, the total by 0.4 %; floored, alpha by 12.6 %."""
    h, _ = histories.distinct(cdnow)
    weekly, _ = histories.distinct(cdnow, "week")
    by_day, by_week = bg_nbd.fit(h), bg_nbd.fit(weekly)
    total, other = ((each.expected_purchases(h, 39) * h["n"]).sum() for each in (by_day, by_week))
    assert total == pytest.approx(1653.4, abs=0.06)
    assert other / total - 1 == pytest.approx(-0.004, abs=0.0006)
    assert by_day.params.alpha == pytest.approx(4.4136, abs=6e-5)
    assert np.abs(np.divide(by_week.params, by_day.params) - 1).max() < 0.022
    floored = bg_nbd.fit(np.floor(cdnow[["t_x", "T"]]).assign(x=cdnow["x"]))
    assert floored.params.alpha / by_day.params.alpha == pytest.approx(0.874, abs=0.0006)


def test_order_and_names_of_customers_do_not_matter(cdnow):
    h, key = histories.distinct(cdnow)
    other = cdnow.sample(frac=1, random_state=1)
    again, key_again = histories.distinct(other.set_axis(other.index + "x"))
    pd.testing.assert_frame_equal(h, again)
    assert key_again.set_axis(key_again.index.str[:-1]).loc[key.index].equals(key)


def test_times_that_are_not_days_are_refused():
    hours = pd.DataFrame({"x": [1], "t_x": [0.5], "T": [4.0]}, index=["C1"])
    with pytest.raises(InputError, match=r"1 of 1 customers is not a whole number of days.*C1"):
        histories.distinct(hours)


def test_purchases_on_one_day_are_one():
    """A day counts once: three orders on the first day are no repeat purchases."""
    orders = pd.DataFrame({"x": [1, 2, 2], "t_x": [1.0, 0, 0], "T": 4.0}, index=["a", "b", "c"])
    with pytest.raises(InputError, match=r"t_x is 0 with repeat purchases for 2 of 3.*first: b"):
        histories.distinct(orders)


@pytest.mark.parametrize("model", [bg_nbd, mbg_nbd, pareto_nbd])
def test_repeat_purchases_that_took_no_time_tell_nothing_of_drop_out(model):
    h = pd.DataFrame({"x": [0, 1, 2, 3], "t_x": 0.0, "T": 30.0})
    with pytest.raises(InputError, match="t_x is 0 for all 3 histories with repeat purchases"):
        model.fit(h)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ((1.5, 1.0, 2.0, 1), "x is not a whole number"),
        ((np.nan, 1.0, 2.0, 1), "x is not a whole number"),
        ((1, 3.0, 2.0, 1), "not 0 <= t_x <= T"),
        ((1, np.nan, 2.0, 1), "not 0 <= t_x <= T"),
        ((1, 1.0, np.inf, 1), "not 0 <= t_x <= T"),
        ((0, 1.0, 2.0, 1), "t_x above 0 without a repeat"),
        ((1, 0.0, 0.0, 1), "T is 0 with repeat purchases, which are on later days"),
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


@pytest.mark.parametrize("module", [pareto_nbd, bg_nbd, nbd])
def test_a_table_of_lifetimes_is_recognised(module):
    """Its columns are frequency, recency, T and monetary_value, in days by default."""
    table = pd.DataFrame({"frequency": [2], "recency": [30.0], "T": [40.0]})
    for refused in (module.fit, histories.distinct):
        with pytest.raises(InputError, match=r"missing: x, t_x\. frequency and recency.*lifetimes"):
            refused(table)
    with pytest.raises(InputError, match=r"missing: t_x$"):
        histories.arrays(table.rename(columns={"frequency": "x", "recency": "last"}))
