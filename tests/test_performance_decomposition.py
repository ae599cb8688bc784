"""The effects of three factors: all orders of change one by one, and cases by hand."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import stable_business

from cvm_analysis.performance import decomposition, histories, totals
from cvm_analysis.performance.decomposition import attribute


def columns(*years):
    return np.array(years, dtype=float).T


def effects(before, after):
    return attribute(columns(before), columns(after))[:, 0].tolist()


def test_an_example_by_hand():
    """100 customers, 2 orders each, of 50; then 110, 2.5 and 48: 3,200 more.

    Customers: 10 x ((2 x 50 + 2.5 x 48) / 3 + (2 x 48 + 2.5 x 50) / 6) = 10 x 110.1667.
    """
    found = effects((100, 200, 10_000), (110, 275, 13_200))
    assert found == pytest.approx([1101.6667, 2571.6667, -473.3333], abs=5e-5)
    assert sum(found) == pytest.approx(3_200)


def test_the_mean_over_all_orders_in_which_the_factors_may_change():
    rng = np.random.default_rng(0)
    for _ in range(50):
        one, other = rng.uniform(0.5, 9, 3), rng.uniform(0.5, 9, 3)
        expected = np.zeros(3)
        for order in permutations(range(3)):
            now = one.copy()
            for i in order:
                earlier = now.prod()
                now[i] = other[i]
                expected[i] += (now.prod() - earlier) / 6
        sums = [(c, c * o, c * o * v) for c, o, v in (one, other)]
        assert effects(*sums) == pytest.approx(expected.tolist())


def test_a_small_change_is_divided_as_the_logarithmic_mean_index_does():
    """LMDI-I (Ang 2015): L(V1, V0) ln(x1 / x0); it differs in the third order only."""
    one, other = np.array([100.0, 2, 50]), np.array([100.3, 2.002, 49.9])
    change = other.prod() - one.prod()
    lmdi = change / np.log(other.prod() / one.prod()) * np.log(other / one)
    sums = [(c, c * o, c * o * v) for c, o, v in (one, other)]
    assert effects(*sums) == pytest.approx(lmdi.tolist(), rel=2e-6)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((0, 0, 0), (10, 20, 500), (500, 0, 0)),  # nobody bought before
        ((10, 20, 500), (0, 0, 0), (-500, 0, 0)),
        ((0, 0, -30), (10, 20, 500), (530, 0, 0)),  # returns only
        ((0, 0, -30), (0, 0, -10), (20, 0, 0)),
        ((0, 0, 0), (0, 0, 0), (0, 0, 0)),
        ((10, 20, 500), (10, 20, -100), (0, 0, -600)),  # more returned than bought
        ((10, 20, 0), (10, 20, 100), (0, 0, 100)),
    ],
)
def test_zeros_and_negative_net_sales_leave_no_rest(before, after, expected):
    assert effects(before, after) == pytest.approx(list(expected))


def test_effects_add_up_to_the_change_of_net_sales_for_each_type():
    sums = stable_business.simulate(np.random.default_rng(1))
    types = stable_business.types_of(sums)
    types = types.where(np.arange(len(types)) % 5 > 0, "dealer")
    years, nothing = stable_business.YEARS, stable_business.NO_FEEDBACK
    found = decomposition.decompose(totals.draw(histories.join(sums, years, nothing), types))
    kinds = sums["customer_id"].map(types)
    for kind in ("all", "dealer", "retail"):
        own = sums[(kinds == kind) | (kind == "all")].groupby("period")
        rows, net = found.loc[kind], own["net_sales"].sum()
        assert rows["effect"].sum() == pytest.approx(net[0] - net[1], abs=1e-6)
        assert rows["value"].prod() == pytest.approx(net[0])
        assert rows["before"].prod() == pytest.approx(net[1])
        assert rows.loc["customers", "value"] == own["customer_id"].nunique()[0]
        assert (rows["low"] < rows["effect"]).all() and (rows["effect"] < rows["high"]).all()


def test_without_a_year_before_there_is_nothing_to_explain():
    sums = stable_business.simulate(np.random.default_rng(1))
    years = stable_business.YEARS.head(1)
    wide = histories.join(sums[sums["period"] == 0], years, stable_business.NO_FEEDBACK)
    found = decomposition.decompose(totals.draw(wide, stable_business.types_of(sums)))
    assert found.empty and found.index.names == ["customer_type", "factor"]
    assert isinstance(found, pd.DataFrame)
