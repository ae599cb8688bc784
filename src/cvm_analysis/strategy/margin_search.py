"""A better plan near the margin: exact for small cases, a beam search for larger ones.

At the prices of the limits every row has a regret: the profit of the customer's best choice less
its own. The net gain of a plan is the bound less all regrets and the value of what it leaves
unused. Rows whose regret exceeds the distance between the bound and a known plan cannot be part of
a better one; the customers with more than one row left are decided one after the other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.strategy.column_generation import choose_at, profits
from cvm_analysis.strategy.offers import TOLERANCE, Offers, allow_rounding

MOST_CUSTOMERS = 100  # undecided ones; the others keep their best row
WIDTH = 2_000  # partial plans kept after each customer
NOTHING = -1  # the row of a customer without an action


class Choices(NamedTuple):
    """What one undecided customer may get: rows (or NOTHING), their regrets and their use."""

    rows: Ints
    regret: Array
    use: Array


def improve(offers: Offers, prices: Array, limits: Array, gap: float) -> Ints | None:
    """Find the plan whose loss against the bound at `prices` is smallest, if below `gap`.

    Returns rows; None if no plan with a smaller loss was found. With at most MOST_CUSTOMERS
    undecided customers and WIDTH partial plans at a time there is none.
    """
    gap -= TOLERANCE * max(1.0, gap)
    best, profit = choose_at(offers, prices)
    undecided, choices = _find_choices(offers, prices, best, profit, gap, len(limits))
    fixed = best[~np.isin(offers.customer[best], undecided)]
    left = allow_rounding(limits) - offers.use(fixed, len(limits))
    return _search(fixed, choices, left, prices, gap)


def _find_choices(
    offers: Offers, prices: Array, best: Ints, profit: Array, gap: float, n_limits: int
) -> tuple[Ints, list[Choices]]:
    """Find the customers with more than one choice within the gap, those nearest to it first."""
    regret = profit[offers.customer] - profits(offers, prices)
    second = _second_regret(offers, best, regret, profit)
    undecided = np.flatnonzero(second < gap)
    nearest = np.argsort(second[undecided], kind="stable")[:MOST_CUSTOMERS]
    undecided = undecided[nearest[::-1]]
    starts = np.append(offers.starts, len(offers.net))
    return undecided, [
        _list_choices(offers, np.arange(starts[i], starts[i + 1]), regret, profit[i], gap, n_limits)
        for i in undecided
    ]


def _second_regret(offers: Offers, best: Ints, regret: Array, profit: Array) -> Array:
    """The regret of each customer's second choice; nothing is a choice, its regret the profit."""
    others = regret.copy()
    others[best] = np.inf
    other = np.minimum.reduceat(others, offers.starts)
    has_row = np.zeros(len(profit), dtype=bool)
    has_row[offers.customer[best]] = True
    return np.where(has_row, np.minimum(other, profit), other)


def _list_choices(
    offers: Offers, rows: Ints, regret: Array, profit: float, gap: float, n_limits: int
) -> Choices:
    rows = rows[regret[rows] < gap]
    use = np.zeros((len(rows), n_limits))
    use[:, 0] = offers.cost[rows]
    use[np.arange(len(rows)), 1 + offers.owner[rows]] = 1
    if profit >= gap:
        return Choices(rows, regret[rows], use)
    return Choices(
        np.append(rows, NOTHING),
        np.append(regret[rows], profit),
        np.vstack([use, np.zeros(n_limits)]),
    )


def _search(
    fixed: Ints, choices: list[Choices], left: Array, prices: Array, gap: float
) -> Ints | None:
    """Extend partial plans customer by customer; keep those that may still lose less than gap."""
    least = _sum_to_come([choice.use.min(axis=0) for choice in choices], len(left))
    most = _sum_to_come([choice.use.max(axis=0) for choice in choices], len(left))
    regret, used = np.zeros(1), np.zeros((1, len(left)))
    steps: list[tuple[Ints, Ints]] = []
    for k, choice in enumerate(choices, start=1):
        parent = np.repeat(np.arange(len(regret)), len(choice.rows))
        option = np.tile(np.arange(len(choice.rows)), len(regret))
        regret = regret[parent] + choice.regret[option]
        used = used[parent] + choice.use[option]
        unused = np.maximum(left - used - most[k], 0) @ prices
        kept = np.flatnonzero((used + least[k] <= left).all(axis=1) & (regret + unused < gap))
        kept = kept[_thin_out(used[kept], (regret + unused)[kept], regret[kept])]
        regret, used = regret[kept], used[kept]
        steps.append((parent[kept], choice.rows[option[kept]]))
    loss = regret + np.maximum(left - used, 0) @ prices
    if not len(loss) or (left < used[0]).any() or loss.min() >= gap:
        return None
    return _trace(fixed, steps, int(loss.argmin()))


def _sum_to_come(each: list[Array], n_limits: int) -> Array:
    """Sum over the customers from k on; one row per k, the last one 0."""
    return np.cumsum([np.zeros(n_limits), *each[::-1]], axis=0)[::-1]


def _thin_out(used: Array, loss: Array, regret: Array) -> Ints:
    """Keep the best of partial plans that use the same, and of all the WIDTH with least loss."""
    order = np.lexsort((regret, *np.round(used, 6).T))
    alike = np.round(used[order], 6)
    order = order[np.append(True, np.any(np.diff(alike, axis=0) != 0, axis=1))[: len(order)]]
    return order[np.argsort(loss[order], kind="stable")[:WIDTH]]


def _trace(fixed: Ints, steps: list[tuple[Ints, Ints]], state: int) -> Ints:
    rows = list(fixed)
    for parent, row in reversed(steps):
        if row[state] != NOTHING:
            rows.append(row[state])
        state = int(parent[state])
    return np.sort(np.array(rows, dtype=np.intp))
