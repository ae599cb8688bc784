"""The program over groups compared with the linear program over single customers."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from cvm_analysis.strategy.column_generation import (
    MOST_COLUMNS,
    PRECISION,
    ROUNDS,
    Relaxation,
    choose_at,
    merge_groups,
    relax,
    round_shares,
)
from cvm_analysis.strategy.offers import Offers


def draw(seed, n=300, n_groups=6):
    """Three actions of two owners; gains with the customer's value in common."""
    draws = np.random.default_rng(seed)
    cost = np.tile([2.0, 5.0, 9.0], n)
    gain = draws.lognormal(2, 1, (n, 1)) * [0.7, 1.2, 1.9] * draws.lognormal(0, 0.4, (n, 3))
    customer, action = np.repeat(np.arange(n), 3), np.tile(np.arange(3), n)
    group = draws.integers(0, n_groups, n)
    every = Offers(customer, action, np.minimum(action, 1), gain.ravel() - cost, cost, group)
    return every.select(np.flatnonzero(every.net > 0))


def solve_by_customer(offers, limits):
    columns = np.arange(len(offers.net))
    ones = np.ones(len(columns))
    within = sparse.vstack(
        [
            sparse.csr_array(offers.cost[None, :]),
            sparse.csr_array((ones, (offers.owner, columns)), shape=(2, len(columns))),
            sparse.csr_array((ones, (offers.customer, columns))),
        ]
    )
    most = np.concatenate([limits, np.ones(len(offers.group))])
    return -linprog(-offers.net, A_ub=within, b_ub=most, bounds=(0, 1), method="highs").fun


@pytest.mark.parametrize("limits", [(300, 40, 30), (80, 1e6, 1e6), (1e6, 20, 1e6), (1e6, 1e6, 1e6)])
def test_the_bound_is_the_optimum_of_the_program_over_single_customers(limits):
    limits = np.array(limits, dtype=float)
    for seed in range(5):
        offers = draw(seed)
        found, optimum = relax(offers, limits), solve_by_customer(offers, limits)
        assert found.bound >= optimum * (1 - 1e-9)
        assert found.bound == pytest.approx(optimum, rel=2 * PRECISION)
        assert (found.shares >= 0).all() and (found.shares.sum(axis=0) <= 1 + 1e-9).all()


def test_a_limit_that_does_not_bind_has_no_price():
    found = relax(draw(1), np.array([1e6, 20.0, 1e6]))
    assert found.prices[0] == found.prices[2] == 0 and found.prices[1] > 0


def test_each_customer_gets_the_largest_profit_at_prices():
    customer, owner = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    net, cost = np.array([9.0, 8.0, 3.0, 4.0]), np.array([5.0, 1.0, 2.0, 0.0])
    offers = Offers(customer, np.arange(4), owner, net, cost, np.zeros(3, dtype=np.intp))
    rows, profit = choose_at(offers, np.array([1.0, 0.5, 2.0]))
    assert rows.tolist() == [1, 3] and profit.tolist() == [5.0, 0.0, 3.5]  # 9-5-.5; 8-1-2; 3-2-2
    rows, profit = choose_at(offers, np.zeros(3))
    assert rows.tolist() == [0, 2, 3] and profit.tolist() == [9.0, 3.0, 4.0]


def test_shares_of_equal_customers_become_whole_customers():
    """Net gains 9 for 1 and 13 for 5, 3 a customer: half of them each."""
    n = 50
    offers = Offers(
        np.repeat(np.arange(n), 2),
        np.tile([0, 1], n),
        np.tile([0, 1], n),
        np.tile([9.0, 13.0], n),
        np.tile([1.0, 5.0], n),
        np.zeros(n, dtype=np.intp),
    )
    limits = np.array([3.0 * n, 1e6, 1e6])
    found = relax(offers, limits)
    assert found.bound == pytest.approx(11 * n, rel=PRECISION)
    rows = round_shares(offers, found)
    assert offers.use(rows, 3).tolist() == [3 * n, n / 2, n / 2]


def test_of_a_divided_group_the_best_customers_come_first():
    """Half a share at price 10, where two of six pay, and half at 0, where all do."""
    net = np.array([3.0, 12.0, 9.0, 1.0, 20.0, 8.0])
    none = np.zeros(6, dtype=np.intp)
    offers = Offers(np.arange(6), none, none, net, np.ones(6), none)
    prices = [np.array([10.0, 0.0]), np.zeros(2)]
    half = Relaxation(0.0, prices[0], prices, np.array([[0.5], [0.5]]))
    assert round_shares(offers, half).tolist() == [1, 2, 4, 5]  # 12 and 20, then 9 and 8
    quarter = half._replace(shares=np.array([[0.5], [0.25]]))  # the rest gets nothing
    assert round_shares(offers, quarter).tolist() == [1, 2, 4]


def test_rounding_keeps_the_limits_but_for_a_few_contacts():
    limits = np.array([300.0, 40, 30])
    for seed in range(10):
        offers = draw(seed)
        rows = round_shares(offers, relax(offers, limits))
        assert len(np.unique(offers.customer[rows])) == len(rows)
        assert (offers.use(rows, 3) <= limits + np.array([30, 4, 4])).all()
        assert offers.net[rows].sum() == pytest.approx(solve_by_customer(offers, limits), rel=0.05)


def test_many_groups_are_merged_so_that_the_columns_suffice():
    merged = merge_groups(np.arange(50_000))
    assert (merged.max() + 1) * ROUNDS <= MOST_COLUMNS
    assert (np.diff(merged) >= 0).all() and merged.max() > 1000
    assert merge_groups(np.array([2, 0, 1])).tolist() == [2, 0, 1]
    limits = np.array([300.0, 40, 30])
    assert relax(draw(1, n_groups=300), limits).bound == pytest.approx(
        relax(draw(1, n_groups=1), limits).bound, rel=0.01
    )
