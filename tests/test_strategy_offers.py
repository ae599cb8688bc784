"""Offers are taken in order: by hand, and compared with a loop over rows."""

import numpy as np

from cvm_analysis.strategy.offers import Offers, fill


def offers(customer, owner, net, cost):
    columns = (customer, np.arange(len(customer)), owner)
    codes = (np.array(column, dtype=np.intp) for column in columns)
    group = np.zeros(max(customer) + 1, dtype=np.intp)
    return Offers(*codes, np.array(net, dtype=float), np.array(cost, dtype=float), group)


def draw(seed, n=60):
    draws = np.random.default_rng(seed)
    customer = np.sort(np.concatenate([np.arange(20), draws.integers(0, 20, n - 20)]))
    cost = draws.integers(0, 9, n)
    return offers(customer, draws.integers(0, 3, n), draws.integers(1, 30, n), cost)


def take_one_by_one(found, order, limits):
    left, customers, taken = list(limits), set(), []
    for row in order:
        owner = 1 + found.owner[row]
        if found.customer[row] in customers or found.cost[row] > left[0] or left[owner] < 1:
            continue
        customers.add(found.customer[row])
        left[0], left[owner] = left[0] - found.cost[row], left[owner] - 1
        taken.append(row)
    return sorted(taken)


def test_what_does_not_fit_is_passed_over():
    found = offers([0, 0, 1, 2], [0, 1, 0, 1], [9, 8, 7, 6], [5, 1, 5, 2])
    order = np.arange(4)
    assert fill(found, order, np.array([20.0, 9, 9])).tolist() == [0, 2, 3]
    assert fill(found, order, np.array([7.0, 9, 9])).tolist() == [0, 3]  # no money for row 2
    assert fill(found, order, np.array([20.0, 0, 1])).tolist() == [1]  # no contacts of owner 0
    assert fill(found, order[::-1], np.array([7.0, 9, 9])).tolist() == [2, 3]
    assert fill(found, order[:0], np.array([7.0, 9, 9])).tolist() == []


def test_batches_take_what_a_loop_over_rows_takes():
    for seed in range(200):
        draws = np.random.default_rng(seed)
        found, order = draw(seed), draws.permutation(60)
        limits = np.array([draws.integers(0, 80), *draws.integers(0, 12, 3)], dtype=float)
        assert fill(found, order, limits).tolist() == take_one_by_one(found, order, limits), seed


def test_free_contacts_come_first_then_net_gain_per_unit_of_cost():
    found = offers([0, 1, 2, 3, 4], [0] * 5, [10, 4, 1, 20, 3], [5, 1, 0, 10, 0])
    assert found.order_by_ratio().tolist() == [4, 2, 1, 3, 0]  # of 2 a unit, the larger first


def test_selected_rows_have_customers_and_groups_without_gaps():
    found = offers([0, 1, 1, 2], [0, 1, 0, 2], [9, 8, 7, 6], [5, 1, 5, 2])
    kept = found._replace(group=np.array([4, 7, 9])).select(np.array([1, 2, 3]))
    assert kept.customer.tolist() == [0, 0, 1] and kept.group.tolist() == [0, 1]
    assert kept.action.tolist() == [1, 2, 3] and kept.net.tolist() == [8, 7, 6]
    assert kept.starts.tolist() == [0, 2]
    assert kept.use(np.array([0, 2]), 4).tolist() == [3, 0, 1, 1]
