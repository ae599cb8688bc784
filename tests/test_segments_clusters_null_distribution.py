"""The null distribution has the customers' margins, correlations and ties, and no groups."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from three_kinds import cloud, once

from cvm_analysis.segments.clusters import features, null_distribution


def drawn(measured, customers=None, n=4000):
    """Features of customers, and as many of their cloud."""
    made = features.build(measured, once(measured) if customers is None else customers)
    rng = np.random.default_rng(0)
    found = null_distribution.fit(made, rng).draw(n, rng)
    return made.table, pd.DataFrame(found, columns=made.table.columns)


def bought(n=800, seed=0):
    """Customers of one taste: their shares of three categories, orders and spend."""
    rng = np.random.default_rng(seed)
    orders = rng.geometric(0.5, n)
    lines = rng.multinomial(1, [0.5, 0.3, 0.2], (n, orders.max()))
    seen = np.arange(orders.max()) < orders[:, None]
    money = (lines * rng.gamma(4, size=lines.shape) * seen[..., None]).sum(axis=1)
    columns = ["category:a", "category:b", "category:c"]
    shares = pd.DataFrame(money / money.sum(axis=1, keepdims=True), columns=columns)
    return shares, pd.DataFrame({"n_orders": orders, "gross_sales": money.sum(axis=1)})


def test_margins_and_rank_correlations_are_those_of_the_customers():
    own, found = drawn(cloud(1000, 0))
    at = [0.05, 0.25, 0.5, 0.75, 0.95]
    assert np.abs(found.quantile(at) - own.quantile(at)).max().max() < 0.15
    assert spearmanr(found)[0] == pytest.approx(spearmanr(own)[0], abs=0.06)


def test_an_even_number_stays_even():
    own, found = drawn(pd.DataFrame({"u": np.random.default_rng(0).uniform(size=2000)}))
    assert found["u"].min() > own["u"].min() - 0.01
    assert found["u"].quantile([0.1, 0.5, 0.9]).tolist() == pytest.approx(
        own["u"].quantile([0.1, 0.5, 0.9]).tolist(), abs=0.08
    )


def test_two_peaks_become_one():
    rng = np.random.default_rng(0)
    two = np.r_[rng.normal(-3, 0.5, 500), rng.normal(3, 0.5, 500)]
    own, found = drawn(pd.DataFrame({"u": two}))
    middle = (own["u"].abs() < 0.4).mean(), (found["u"].abs() < 0.4).mean()
    assert middle[0] < 0.01 and middle[1] > 0.08


def test_equal_values_stay_equal():
    own, found = drawn(cloud(1000, 0).assign(u=lambda t: t["u"].clip(lower=0.7)))
    least = (own["u"] == own["u"].min()).mean()
    assert (found["u"] == own["u"].min()).mean() == pytest.approx(least, abs=0.01)
    assert set(found["u"].round(9)) <= set(own["u"].round(9))


def test_a_number_cut_in_two_goes_as_closely_with_the_whole_one():
    """That which is above the median of u has a latent normal that is u itself."""
    points = cloud(1500, 0)
    level = np.array(["low", "high"])[(points["u"] > points["u"].median()).astype(int)]
    _own, found = drawn(points.assign(level=level.astype(object)))
    high = found["level=high"] == found["level=high"].max()
    assert found["u"][high].min() > found["u"][~high].max() - 0.1


def test_levels_keep_their_shares_and_order_in_the_null_distribution():
    points = cloud(1500, 0)
    level = np.array(["low", "mid", "high"])[np.digitize(points["u"], [-0.5, 1])]
    own, found = drawn(points.assign(level=level.astype(object)))
    for name in ("level=low", "level=mid", "level=high"):
        top = own[name].max()
        assert (found[name] == top).mean() == pytest.approx((own[name] == top).mean(), abs=0.01)
        assert found["u"][found[name] == top].mean() == pytest.approx(
            own["u"][own[name] == top].mean(), abs=0.25
        )
    tops = [found[name] == own[name].max() for name in own.filter(like="level=")]
    assert (np.sum(tops, axis=0) == 1).all()  # everybody has one level


def test_shares_of_one_time_buyers_are_extreme_here_too():
    own, found = drawn(*bought(), n=800)
    assert found.var(ddof=0).sum() == pytest.approx(own.var(ddof=0).sum())
    pure = own[(bought()[0] == 1).any(axis=1) & (bought()[1]["n_orders"] == 1)]
    in_corner = lambda table: [  # noqa: E731
        (np.abs(table.to_numpy() - corner).max(axis=1) < 0.2).mean()
        for corner in np.unique(pure.to_numpy().round(9), axis=0)
    ]
    assert in_corner(found) == pytest.approx(in_corner(own), abs=0.1)


def test_one_taste_has_no_spread_and_many_tastes_have_one():
    shares, customers = bought()
    rng = np.random.default_rng(0)
    one = null_distribution.fit(features.build(shares, customers), rng).blocks[0]
    assert one.spread <= null_distribution.TASTES[2]
    pure = shares.eq(shares.max(axis=1), axis=0).astype(float)  # however often they bought
    many = customers.assign(n_orders=np.where(customers["n_orders"] > 1, 10, 1))
    wide = null_distribution.fit(features.build(pure, many), rng).blocks[0]
    assert wide.spread == null_distribution.TASTES[-1]


def test_a_basket_counts_by_what_was_spent_on_it():
    """Of twenty purchases half are of a, at nine times the price: nine tenths of the money."""
    whole = features.Composition({"category:a": 0.5, "category:b": 0.5}, {}, 1.0)
    made = null_distribution.Baskets(
        whole, np.eye(2), np.array([9.0, 1.0]), 1.0, lambda r: r, 0.0, 1.0
    )
    rng = np.random.default_rng(0)
    drawn = made.features(np.zeros((500, 2)), np.full(500, 1e9), rng)
    assert (drawn**2).mean(axis=0) == pytest.approx([0.9, 0.1], abs=0.02)


def test_the_same_customers_give_the_same_null_distribution():
    shares, customers = bought(100)
    first, second = (drawn(shares.assign(u=range(100)), customers, 50)[1] for _ in range(2))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
