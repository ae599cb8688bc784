"""Which products suit a customer: scores from what the customer has, and what others bought.

    together            sum over the customer's products of the cosine between the customers who
                        have that product and those who have the other
    after               sum over them of the share of customers who then bought the other
    best_sellers        share of all customers who bought it in the last 13 weeks
    segment_favourites  the same of the customer's segment

The first two are item-to-item methods, a few lines on SciPy's sparse matrices; implicit would add
compiled code for models that a few thousand products do not need, and scikit-learn's nearest
neighbours would take longer to load than these scores take.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse

from cvm_analysis.arrays import Array, Bools, Ints
from cvm_analysis.products import pairs
from cvm_analysis.products.baskets import Baskets

WEEKS = 13  # back: what sells now; ahead: the next purchase of a backtest
ITEM_TO_ITEM = ("together", "after")
POPULARITY = ("best_sellers", "segment_favourites")
MOST = 4000  # products compared: those with most buyers, first in the last WEEKS
PRIOR = 10.0  # customers of a segment by which its favourites are drawn towards all customers'


@dataclass(frozen=True)
class Past:
    """What is known on a day; `learn` makes it.

    baskets : up to the day; products : their numbers, those with most buyers
    has : one row per customer of the baskets, one column per product: bought it
    recent : the same, within WEEKS; segment : number of each customer's segment
    """

    baskets: Baskets
    products: Ints
    has: sparse.csr_matrix
    recent: sparse.csr_matrix
    segment: Ints

    @cached_property
    def popularity(self) -> Array:
        """Share of all customers who bought each product within WEEKS."""
        n = max(1, self.baskets.lines["customer"].nunique())
        return np.asarray(self.recent.sum(axis=0), dtype=float).ravel() / n

    @cached_property
    def favourites(self) -> Array:
        """Share of the customers of each segment who bought each product within WEEKS."""
        n = len(self.segment)
        member = sparse.csr_matrix((np.ones(n), (self.segment, np.arange(n))))
        sizes = np.asarray(member.sum(axis=1)).ravel()
        bought = (member @ self.recent).toarray()
        return (bought + PRIOR * self.popularity) / (sizes[:, None] + PRIOR)

    @cached_property
    def together(self) -> Array:
        """Cosine between the customers of each two products; 0 of a product and itself."""
        both = (self.has.T @ self.has).toarray()
        length = np.sqrt(np.maximum(np.diag(both), 1))
        np.fill_diagonal(both, 0)
        return both / np.outer(length, length)

    @cached_property
    def after(self) -> Array:
        """Share of the customers of a product who bought another with it or later."""
        first = self.baskets.first
        place = pd.Series(np.arange(len(self.products)), self.products)
        first = first.assign(product=first["product"].map(place)).dropna(subset="product")
        n, both = pairs.count(first.astype({"product": int}))
        buyers = np.maximum(np.diag(both), 1)
        np.fill_diagonal(n, 0)
        return n / buyers[:, None]


def learn(baskets: Baskets, day: pd.Timestamp, segments: pd.Series) -> Past:
    """Gather what is known on a day; what was bought later is left out.

    segments : of customers, by customer_id, as they were on that day; without one: a group of
        their own
    """
    known = baskets.until(day)
    recent = known.lines[known.lines["day"] > day - pd.Timedelta(weeks=WEEKS)]
    products = np.sort(_most_bought(recent, known.first))
    code = pd.factorize(segments.reindex(baskets.customers), use_na_sentinel=False)[0]
    has, lately = (matrix(each, baskets, products) for each in (known.lines, recent))
    return Past(known, products, has, lately, code.astype(np.intp))


def _most_bought(recent: pd.DataFrame, first: pd.DataFrame) -> Ints:
    """Number the products with most buyers lately, and of those alike with most buyers ever."""
    lately = recent.drop_duplicates(["customer", "product"])["product"].value_counts()
    ever = first["product"].value_counts().rename("ever").sort_index().to_frame()
    by = ever.assign(lately=lately).fillna(0)
    order = by.sort_values(["lately", "ever"], ascending=False, kind="stable")
    return order.index[:MOST].to_numpy(dtype=np.intp)


def matrix(lines: pd.DataFrame, baskets: Baskets, products: Ints) -> sparse.csr_matrix:
    """Ones where a customer (row) bought a product (column)."""
    kept = lines[lines["product"].isin(products)].drop_duplicates(["customer", "product"])
    column = np.searchsorted(products, kept["product"])
    ones = np.ones(len(kept), dtype=np.float32)
    shape = len(baskets.customers), len(products)
    return sparse.csr_matrix((ones, (kept["customer"], column)), shape)


def score(past: Past, method: str, customers: Ints) -> Array:
    """Score every product for some customers, as far as it may be recommended.

    -inf where the customer has it, nobody bought it within WEEKS, or nothing speaks for it.

    Returns
    -------
    One row per customer, one column per product of `past`.
    """
    has = past.has[customers]
    if method == "best_sellers":
        found = np.tile(past.popularity, (len(customers), 1))
    elif method == "segment_favourites":
        found = past.favourites[past.segment[customers]]
    else:
        found = np.asarray(has @ getattr(past, method))
    is_open: Bools = (found > 0) & (past.popularity > 0) & ~has.toarray().astype(bool)
    return np.where(is_open, found, -np.inf)


def best(scores: Array, n: int) -> Ints:
    """Find the columns of the `n` highest scores of each row, highest first; -1 if there are fewer.

    Of equal scores the first product by name counts.
    """
    top = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    return np.where(np.take_along_axis(scores, top, axis=1) > -np.inf, top, -1)


def because_of(past: Past, method: str, customers: Ints, chosen: Ints) -> Ints:
    """Find which of the customer's products speaks most for the chosen one; -1 if none does.

    chosen : a product (column) for each customer, or -1
    """
    if method not in ITEM_TO_ITEM:
        return np.full(len(customers), -1)
    has = past.has[customers]
    row = np.repeat(np.arange(len(customers)), np.diff(has.indptr))
    weight = getattr(past, method)[has.indices, chosen[row]]
    order = np.lexsort((has.indices, -weight, row))
    first = order[np.unique(row[order], return_index=True)[1]]
    found = np.full(len(customers), -1)
    found[row[first]] = np.where(weight[first] > 0, has.indices[first], -1)
    return np.where(chosen >= 0, found, -1)
