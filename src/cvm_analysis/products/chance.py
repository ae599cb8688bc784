"""How many customers would buy two products by chance alone, and in which order.

By chance, customers draw new products one after the other, each by its popularity and never the
same twice (Wallenius, 1963). A customer who has drawn for a time x has a product of popularity y
with probability 1 - exp(-x y) (Manly, 1974, "A model for certain types of selection experiments",
Biometrics 30, 281-294). The times and popularities are those that give every customer as many
products, and every product as many buyers, as counted; so pairs that only come from large
customers or popular products are expected. That the number of a customer's products is fixed
makes two of them a little rarer together: Hajek (1964), "Asymptotic Theory of Rejective Sampling",
Annals of Mathematical Statistics 35, 1491-1523.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cvm_analysis.arrays import Array

_ROUNDS, _STEPS, _PRECISION = 200, 3, 1e-8
_ALMOST = 1e-3  # products that customers who have all of them are taken to lack


class Fitted(NamedTuple):
    """Probabilities to have a product by chance; `fit` makes it.

    size : the numbers of products that customers have; has : one row per size, one column per
        product; popularity : of each product
    """

    size: Array
    has: Array
    popularity: Array


def fit(n_products: Array, n_buyers: Array) -> Fitted:
    """Find times and popularities that give the counts.

    n_products : of each customer, 1 or more; n_buyers : of each product, 1 or more
    """
    size, counts = np.unique(n_products, return_counts=True)
    n = counts.astype(float)
    aim = np.minimum(size, len(n_buyers) - _ALMOST)
    popularity = n_buyers / n_buyers.sum()
    time = -np.log1p(-aim / len(n_buyers)) * len(n_buyers)
    for _ in range(_ROUNDS):
        before = popularity
        time = _solve(time, popularity, np.ones(len(popularity)), aim)
        popularity = _solve(popularity, time, n, n_buyers)
        if np.abs(np.log(popularity / before)).max(initial=0.0) < _PRECISION:
            break
    return Fitted(size, -np.expm1(-np.outer(time, popularity)), popularity)


def _solve(own: Array, other: Array, weights: Array, aim: Array) -> Array:
    """Move each of `own` to sum(weights x (1 - exp(-own x other))) = aim, by steps of Newton."""
    for _ in range(_STEPS):
        lacks = np.exp(-np.outer(own, other)) * weights
        excess = weights.sum() - lacks.sum(axis=1) - aim
        slope = own * (lacks @ other)
        own = own * np.exp(np.clip(-excess / np.maximum(slope, 1e-300), -1, 1))
    return own


def at_all(fitted: Fitted, n: Array) -> Array:
    """Expect how many customers have both of two products; n : customers of each size."""
    has, spread = fitted.has, fitted.has * (1 - fitted.has)
    weights = np.where(fitted.size > 1, n, 0.0)
    total = spread.sum(axis=1)
    less = np.where(total > 1e-6, weights / np.maximum(total, 1e-6), 0.0)
    found = (has * weights[:, None]).T @ has - (spread * less[:, None]).T @ spread
    return np.maximum(found, 0.0)


def in_order(fitted: Fitted, n: Array, together: Array) -> Array:
    """Expect how many customers buy B for the first time after A, or in the same basket.

    n : customers of each size; together : the sum of their probabilities that two of their products
        came in one basket

    Returns
    -------
    One row per product A, one column per product B.
    """
    alone, has, rate = np.where(fitted.size > 1, n - together, 0.0), fitted.has, fitted.popularity
    both = (has * alone[:, None]).T @ has
    neither = ((1 - has) * alone[:, None]).T @ (1 - has)
    later = rate[None, :] / (rate[:, None] + rate[None, :])
    first = (alone @ has)[None, :] - later * (alone.sum() - neither)
    share = first / np.maximum(both, 1e-300)
    return at_all(fitted, together) + share * at_all(fitted, alone)
