"""Offers: the marketing actions possible for each customer, as arrays, and taking them in order.

A customer takes one offer at most. Limits are an array: the money, then the contacts of each owner.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cvm_analysis.arrays import Array, Ints

TOLERANCE = 1e-9  # rounding error of a sum of money, relative to the budget


class Offers(NamedTuple):
    """One row per customer and action, sorted by customer; every customer has a row.

    customer, action, owner : codes 0, 1, ...
    net, cost : net gain and cost of the contact, in the config's currency
    group : code of each customer's group; one figure per customer
    """

    customer: Ints
    action: Ints
    owner: Ints
    net: Array
    cost: Array
    group: Ints

    @property
    def starts(self) -> Ints:
        """The first row of each customer."""
        return np.flatnonzero(np.diff(self.customer, prepend=-1))

    def select(self, rows: Ints) -> Offers:
        """Keep some rows, in their order; customers and groups are numbered anew."""
        kept, customer = np.unique(self.customer[rows], return_inverse=True)
        _, group = np.unique(self.group[kept], return_inverse=True)
        return Offers(
            customer, self.action[rows], self.owner[rows], self.net[rows], self.cost[rows], group
        )

    def use(self, rows: Ints, n_limits: int) -> Array:
        """Sum what the rows use of each limit."""
        contacts = np.bincount(self.owner[rows], minlength=n_limits - 1)
        return np.concatenate([[self.cost[rows].sum()], contacts])

    def order_by_ratio(self) -> Ints:
        """Order the rows by net gain per unit of cost, then by net gain, the largest first."""
        per_cost = np.divide(
            self.net, self.cost, out=np.full(len(self.net), np.inf), where=self.cost > 0
        )
        return np.lexsort((-self.net, -per_cost))


def fill(offers: Offers, order: Ints, limits: Array) -> Ints:
    """Take rows in an order: each that fits what is left, and whose customer has none yet.

    Returns the rows taken, sorted.
    """
    left = allow_rounding(limits)
    is_free = np.ones(len(offers.group), dtype=bool)
    taken = [np.empty(0, dtype=np.intp)]
    while True:
        fits = (offers.cost[order] <= left[0]) & (left[1 + offers.owner[order]] >= 1)
        order = order[fits & is_free[offers.customer[order]]]
        if not len(order):
            return np.sort(np.concatenate(taken))
        batch = _first_of_each(order, offers.customer[order], len(is_free))
        batch = batch[: _count_fitting(offers, batch, left)]
        left = left - offers.use(batch, len(left))
        is_free[offers.customer[batch]] = False
        taken.append(batch)


def allow_rounding(limits: Array) -> Array:
    """Raise the money by the rounding error of its sum."""
    return np.append(limits[0] + TOLERANCE * max(1.0, limits[0]), limits[1:])


def _first_of_each(rows: Ints, customer: Ints, n_customers: int) -> Ints:
    position = np.arange(len(rows))
    first = np.empty(n_customers, dtype=np.intp)
    first[customer[::-1]] = position[::-1]  # of equal indices, NumPy keeps the last
    return rows[first[customer] == position]


def _count_fitting(offers: Offers, rows: Ints, left: Array) -> int:
    """Count how many of the first rows fit together; each of them fits alone."""
    exceeds = offers.cost[rows].cumsum() > left[0]
    for owner in np.flatnonzero(left[1:] < len(rows)):
        exceeds |= (offers.owner[rows] == owner).cumsum() > left[1 + owner]
    return int(exceeds.argmax()) if exceeds.any() else len(rows)
