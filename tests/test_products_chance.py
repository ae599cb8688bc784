"""What chance pairs: compared with customers who really draw by popularity."""

import numpy as np
import pytest

from cvm_analysis.products import chance

N = 20
POPULARITY = 1 / np.arange(2, N + 2)


def drawn(sizes, rng):
    """For each customer the place in which each product came, `inf` if it did not."""
    at = rng.exponential(1 / POPULARITY, (len(sizes), len(POPULARITY)))
    place = at.argsort(axis=1).argsort(axis=1).astype(float)
    return np.where(place < np.asarray(sizes)[:, None], place, np.inf)


@pytest.fixture(scope="module")
def simulated():
    """200,000 customers with 1 to 6 products, each in a basket of its own."""
    rng = np.random.default_rng(7)
    sizes = rng.integers(1, 7, 200_000)
    return sizes, drawn(sizes, rng)


def fitted(sizes, place):
    return chance.fit(sizes, np.isfinite(place).sum(axis=0).astype(float))


def test_customers_and_products_keep_their_numbers(simulated):
    sizes, place = simulated
    found = fitted(sizes, place)
    counts = np.bincount(sizes)[found.size]
    assert found.has.sum(axis=1) == pytest.approx(found.size, rel=1e-6)
    assert counts @ found.has == pytest.approx(np.isfinite(place).sum(axis=0), rel=1e-6)


def test_pairs_and_their_order_are_those_of_draws_by_popularity(simulated):
    """Each within 10 %, which `pairs.LEAST_LIFT` allows for; half of both would be far off."""
    sizes, place = simulated
    found = fitted(sizes, place)
    n = np.bincount(sizes)[found.size].astype(float)
    expected = chance.in_order(found, n, np.zeros(len(n)))
    actual = ((place[:, :, None] < place[:, None, :]) & np.isfinite(place)[:, None, :]).sum(axis=0)
    off = ~np.eye(N, dtype=bool)
    assert expected[off] == pytest.approx(actual[off], rel=0.1)
    both = chance.at_all(found, n)
    assert np.abs(both[off] / 2 / actual[off] - 1).max() > 0.2
    assert expected[off].sum() == pytest.approx(actual[off].sum(), rel=0.02)


def test_in_one_basket_both_orders_count(simulated):
    sizes, place = simulated
    found = fitted(sizes, place)
    n = np.bincount(sizes)[found.size].astype(float)
    expected = chance.in_order(found, n, n)
    assert expected == pytest.approx(expected.T) and expected == pytest.approx(
        chance.at_all(found, n)
    )
    has = np.isfinite(place)
    actual = (has.T.astype(float) @ has)[0, 1]
    assert expected[0, 1] == pytest.approx(actual, rel=0.02)


def test_both_orders_are_all_who_have_both(simulated):
    sizes, place = simulated
    found = fitted(sizes, place)
    n = np.bincount(sizes)[found.size].astype(float)
    ordered = chance.in_order(found, n, 0 * n)
    assert ordered + ordered.T == pytest.approx(chance.at_all(found, n))


def test_one_product_makes_no_pair_and_all_of_them_every_pair():
    one = chance.fit(np.ones(50), np.full(5, 10.0))
    assert chance.in_order(one, np.array([50.0]), np.array([0.0])).sum() == 0
    every = chance.fit(np.full(50, 5), np.full(5, 50.0))
    together = chance.in_order(every, np.array([50.0]), np.array([50.0]))
    assert together == pytest.approx(50, rel=1e-2)
