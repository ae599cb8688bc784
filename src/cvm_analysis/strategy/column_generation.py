"""The budget as a linear program over groups of customers, solved by column generation.

A column is a partial group: those customers of a group who pay at given prices of the limits,
each with the action that brings most at these prices; the best customers come first, because only
they pay where prices are high. The program mixes columns within the limits (HiGHS, dual simplex);
its dual values are the prices of the next columns, half-way from the best prices so far. At any
prices the profits plus the value of the limits are an upper bound of every plan's net gain, so the
rounds end when the mix reaches the bound.

Sources: Dantzig & Wolfe (1960), "Decomposition principle for linear programs", Operations Research
8(1), 101-111; Wentges (1997), "Weighted Dantzig-Wolfe decomposition for linear mixed-integer
programming", International Transactions in Operational Research 4(2), 151-162.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.strategy.offers import Offers

MOST_COLUMNS = 100_000
ROUNDS = 60
PRECISION = 1e-5  # of the bound, where the rounds end
SHARE = 1e-9  # smaller shares are rounding errors


class Relaxation(NamedTuple):
    """The optimum where groups may be divided.

    bound : no plan has a larger net gain; prices : of one more unit of each limit, at the bound
    tried : prices of each round; shares : of each group (columns) that takes each round's column
    """

    bound: float
    prices: Array
    tried: list[Array]
    shares: Array

    @property
    def n_columns(self) -> int:
        """How many columns the last program had."""
        return self.shares.size


def relax(offers: Offers, limits: Array) -> Relaxation:
    """Solve the linear program; at least one row of offers."""
    group = merge_groups(offers.group)
    n_groups = int(group.max()) + 1
    bound, center, price = np.inf, np.zeros(len(limits)), np.zeros(len(limits))
    tried: list[Array] = []
    gains: list[Array] = []
    uses: list[Array] = []
    while True:
        rows, profit = choose_at(offers, price)
        if profit.sum() + price @ limits < bound:
            bound, center = profit.sum() + price @ limits, price
        tried.append(price)
        members = group[offers.customer[rows]]
        gains.append(np.bincount(members, offers.net[rows], n_groups).astype(float))
        uses.append(_use_by_group(offers, rows, members, (len(limits), n_groups)))
        gain, shares, dual = _mix(np.vstack(gains), np.hstack(uses), limits)
        if bound - gain <= PRECISION * bound or len(tried) == ROUNDS:
            return Relaxation(bound, center, tried, shares)
        price = (center + dual) / 2


def choose_at(offers: Offers, prices: Array) -> tuple[Ints, Array]:
    """Choose for each customer the row with the largest profit at prices, if there is a profit.

    Returns the rows chosen, and the profit of each customer (0 or more).
    """
    profit = profits(offers, prices)
    top = np.maximum.reduceat(profit, offers.starts)
    hits = np.flatnonzero((profit == top[offers.customer]) & (profit > 0))
    is_first = np.diff(offers.customer[hits], prepend=-1) > 0
    return hits[is_first], np.maximum(top, 0)


def profits(offers: Offers, prices: Array) -> Array:
    """Net gain of each row less the value of what it uses at prices."""
    return offers.net - prices[0] * offers.cost - prices[1:][offers.owner]


def merge_groups(group: Ints) -> Ints:
    """Merge neighbouring groups where there are too many for the columns allowed."""
    size = -(-(int(group.max()) + 1) // (MOST_COLUMNS // ROUNDS))
    return group // size


def round_shares(offers: Offers, relaxation: Relaxation) -> Ints:
    """Give each customer the row of one round, so that each group has its shares.

    Returns rows, sorted; limits may be missed by a few contacts.
    """
    group = merge_groups(offers.group)
    shares = np.where(relaxation.shares > SHARE, relaxation.shares, 0.0)
    is_divided = ((shares > 0).sum(axis=0) > 1) | (np.abs(shares.sum(axis=0) - 1) > SHARE)
    rows = []
    for k in np.flatnonzero(shares.any(axis=1)):
        whole = ~is_divided & (shares[k] > 0)
        if whole.any():
            chosen, _ = choose_at(offers, relaxation.tried[k])
            rows.append(chosen[whole[group[offers.customer[chosen]]]])
    for g in np.flatnonzero(is_divided & shares.any(axis=0)):
        members = np.flatnonzero(group[offers.customer] == g)
        used = np.flatnonzero(shares[:, g])
        prices = [relaxation.tried[k] for k in used]
        rows.append(members[_divide(offers.select(members), prices, shares[used, g])])
    return np.sort(np.concatenate([np.empty(0, dtype=np.intp), *rows]))


def _divide(offers: Offers, prices: list[Array], shares: Array) -> Ints:
    """Divide the customers of one group over the rounds at these prices; the rest gets nothing.

    Of customers with the same actions in all rounds, those who gain most by the dearest round,
    compared with the cheapest, get the dearest one.
    """
    chosen = np.full((len(prices) + 1, len(offers.group)), -1)
    for k, price in enumerate(prices):
        rows, _ = choose_at(offers, price)
        chosen[k, offers.customer[rows]] = rows
    spent = np.where(chosen < 0, 0.0, offers.cost[chosen]).sum(axis=1)
    dearest_first = np.lexsort(((chosen >= 0).sum(axis=1), spent))[::-1]
    chosen = chosen[dearest_first]
    shares = np.append(shares, 1 - shares.sum())[dearest_first]
    action = np.where(chosen < 0, -1, offers.action[chosen])
    net = np.where(chosen < 0, 0.0, offers.net[chosen])
    order = np.lexsort((net[-1] - net[0], *action))
    is_new = np.any(np.diff(action[:, order], axis=1, prepend=-2) != 0, axis=0)
    alike = np.cumsum(is_new) - 1
    size = np.bincount(alike)[alike]
    position = np.arange(len(order)) - np.flatnonzero(is_new)[alike]
    k = np.searchsorted(np.cumsum(shares)[:-1], (position + 0.5) / size)
    rows = chosen[k, order]
    return rows[rows >= 0]


def _use_by_group(offers: Offers, rows: Ints, group: Ints, shape: tuple[int, int]) -> Array:
    """Sum what each group (columns) uses of each limit (rows)."""
    n_limits, n_groups = shape
    money = np.bincount(group, offers.cost[rows], n_groups).astype(float)
    cell = offers.owner[rows] * n_groups + group
    contacts = np.bincount(cell, minlength=(n_limits - 1) * n_groups)
    return np.vstack([money, contacts.reshape(n_limits - 1, n_groups)])


def _mix(gain: Array, use: Array, limits: Array) -> tuple[float, Array, Array]:
    """Mix columns for the largest gain; shares of a group add up to 1 at most.

    gain : one row per round, one column per group; use : one row per limit, columns by round

    Returns
    -------
    The gain, the share of each column in the shape of `gain`, and the price of each limit.
    """
    rounds, n_groups = gain.shape
    within = sparse.vstack(
        [sparse.csr_array(use), sparse.hstack([sparse.eye_array(n_groups)] * rounds)]
    )
    found = linprog(
        -gain.ravel(),
        A_ub=within,
        b_ub=np.concatenate([limits, np.ones(n_groups)]),
        method="highs-ds",
    )
    shares = found.x.reshape(gain.shape)
    return -found.fun, shares, np.maximum(-found.ineqlin.marginals[: len(limits)], 0.0)
