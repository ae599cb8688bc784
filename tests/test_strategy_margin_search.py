"""Better plans near the margin: by hand, and compared with every possible plan."""

import itertools

import numpy as np
import pytest

from cvm_analysis.strategy import margin_search
from cvm_analysis.strategy.margin_search import improve
from cvm_analysis.strategy.offers import Offers


def offers(customer, owner, net, cost):
    return Offers(
        np.array(customer),
        np.arange(len(customer)),
        np.array(owner),
        np.array(net, dtype=float),
        np.array(cost, dtype=float),
        np.zeros(max(customer) + 1, dtype=np.intp),
    )


def draw(seed, n=7):
    draws = np.random.default_rng(seed)
    customer = np.repeat(np.arange(n), 2)
    net, cost = draws.integers(1, 30, 2 * n), draws.integers(0, 9, 2 * n)
    return offers(customer, draws.integers(0, 2, 2 * n), net, cost)


def try_every_plan(found, limits):
    rows = [[None, *np.flatnonzero(found.customer == i)] for i in range(len(found.group))]
    plans = (np.array([r for r in p if r is not None], dtype=int) for p in itertools.product(*rows))
    return max(found.net[p].sum() for p in plans if (found.use(p, len(limits)) <= limits).all())


def bound(found, prices, limits):
    profit = margin_search.choose_at(found, prices)[1]
    return profit.sum() + prices @ limits


def test_a_knapsack_by_hand():
    """Net gains 6, 5, 5 at costs 6, 5, 5 and money 10: the two of 5, at the price 1 of money."""
    found = offers([0, 1, 2], [0, 0, 0], [6, 5, 5], [6, 5, 5])
    prices, limits = np.array([1.0, 0.0]), np.array([10.0, 9])
    assert bound(found, prices, limits) == 10
    assert improve(found, prices, limits, 4.0).tolist() == [1, 2]  # better than 6
    assert improve(found, prices, limits, 0.0) is None  # nothing is better than 10


@pytest.mark.parametrize("prices", [(0.0, 0.0, 0.0), (1.5, 4.0, 1.0), (3.0, 0.0, 8.0)])
def test_at_any_prices_the_best_of_all_plans_is_found(prices):
    """The search needs no good prices, only a bound that follows from them."""
    prices = np.array(prices)
    for seed in range(25):
        draws = np.random.default_rng(seed)
        found = draw(seed)
        limits = np.array([draws.integers(5, 25), *draws.integers(0, 5, 2)], dtype=float)
        best, gap = try_every_plan(found, limits), bound(found, prices, limits)
        rows = improve(found, prices, limits, gap)
        assert rows is not None or best == 0
        if rows is not None:
            assert found.net[rows].sum() == best, seed
            assert (found.use(rows, 3) <= limits).all()
            assert len(np.unique(found.customer[rows])) == len(rows)
        assert improve(found, prices, limits, gap - best) is None  # the best plan is known


def test_a_narrow_search_finds_a_plan_within_the_limits(monkeypatch):
    monkeypatch.setattr(margin_search, "WIDTH", 20)
    found, limits = draw(3, n=200), np.array([150.0, 40, 40])
    prices = np.array([2.5, 1.0, 1.0])
    rows = improve(found, prices, limits, bound(found, prices, limits))
    assert rows is None or (found.use(rows, 3) <= limits).all()
