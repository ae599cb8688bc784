"""What goes with what: products that customers buy with or after another more often than by chance.

Counts are sparse matrix products of SciPy, which the project has already and which give all ordered
pairs at once, with the order of time; libraries of frequent item sets (mlxtend's fpgrowth) know
neither time nor chance and would be one more dependency.

A pair "A, then B" counts customers who bought A earlier or in the same basket, and then B for the
first time. Their number is compared with that expected by chance (`chance`), under which customers
keep their number of products and products their number of buyers. Expected is the larger of two
numbers, so that a pair is more frequent in this order and at all: that of pairs in this order, and
that of pairs in any order, of which as many as counted are in this one. A new product, which
everybody bought last, follows nothing by that alone. A pair passes if it is clearly more frequent
than LEAST_LIFT times the expected: less is of no use, and `chance` errs by a few per cent.
All ordered pairs are tested together (Benjamini & Hochberg, 1995, JRSS B 57, 289-300), and the
intervals of those that pass hold that level, too (Benjamini & Yekutieli, 2005, JASA 100, 71-81).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import sparse, special

from cvm_analysis.arrays import Array
from cvm_analysis.products import chance
from cvm_analysis.products.baskets import LEAST_BUYERS, Baskets
from cvm_analysis.tables import empty

LEAST_LIFT = 1.1  # of a pair worth acting on
Q = 0.05  # share of false pairs among those found
MOST = 2000  # products whose pairs are tested: those with most buyers
ROWS = 500_000  # counted at once: bounds the memory


def find(baskets: Baskets) -> pd.DataFrame:
    """Find the pairs that go together beyond chance.

    Returns
    -------
    Table `product_pairs`: one row per ordered pair that passed; empty if no two products have
    enough buyers.
    """
    first = _select(baskets.first)
    if first["product"].nunique() < 2:
        return empty("product_pairs")
    number, products = pd.factorize(first["product"], sort=True)
    first = first.assign(product=number)
    n, both = count(first)
    expected = expect(first, n / np.maximum(both, 1))
    np.fill_diagonal(n, 0.0)
    rows = _test(n, expected)
    a, b = rows["a"].to_numpy(), rows["b"].to_numpy()
    buyers, names = np.bincount(number), baskets.products[products]
    at_risk = buyers[a] - (both - n)[a, b]  # had not bought B before A
    found = pd.DataFrame(
        {
            "product": names[a],
            "next_product": names[b],
            "level": baskets.level,
            "n_customers": n[a, b].astype(int),
            "support": n[a, b] / baskets.lines["customer"].nunique(),
            "confidence": n[a, b] / at_risk,
            "expected": expected[a, b],
            "lift": n[a, b] / expected[a, b],
            **{name: rows[name].to_numpy() for name in ("lift_low", "lift_high", "q_value")},
        }
    )
    return found.sort_values(["product", "next_product"], ignore_index=True)


def _select(first: pd.DataFrame) -> pd.DataFrame:
    """Keep the products with enough buyers, at most MOST of them."""
    buyers = first["product"].value_counts()
    kept = buyers[buyers >= LEAST_BUYERS].sort_index().nlargest(MOST).index
    return first[first["product"].isin(kept)]


def count(first: pd.DataFrame) -> tuple[Array, Array]:
    """Count customers with A earlier than B or in one basket with it, and with both at all.

    first : one row per customer and product, in order of customer and time: customer, product
        (number from 0), basket
    """
    n, both = np.zeros((2, *[first["product"].max() + 1] * 2))
    for part in _parts(first):
        in_order, at_all = _count(part, len(n))
        n += in_order
        both += at_all
    return n, both


def _parts(first: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Cut rows in order of customer into parts of about ROWS, between customers."""
    starts = np.flatnonzero(first["customer"].diff() != 0)
    cuts = starts[np.unique(starts // ROWS, return_index=True)[1]]
    for start, end in itertools.pairwise([*cuts, len(first)]):
        yield first.iloc[start:end]


def _count(first: pd.DataFrame, n_products: int) -> tuple[Array, Array]:
    """Count the customers of a part, which float32 does without an error."""
    event = pd.factorize(first["basket"])[0]
    ones = np.ones(len(first), dtype=np.float32)
    new = sparse.csr_matrix((ones, (event, first["product"])), (event.max() + 1, n_products))
    customer = first["customer"].to_numpy()[np.unique(event, return_index=True)[1]]
    held = _up_to_each(customer) @ new
    is_last = np.append(customer[1:] != customer[:-1], True)
    ends = held[is_last]
    return (held.T @ new).toarray(), (ends.T @ ends).toarray()


def _up_to_each(customer: Array) -> sparse.csr_matrix:
    """One row per basket, with ones at the customer's baskets up to it."""
    starts = np.append(True, customer[1:] != customer[:-1])
    place = np.arange(len(customer))
    begin = np.maximum.accumulate(np.where(starts, place, 0))
    size = place - begin + 1
    ends = np.cumsum(size)
    columns = np.arange(ends[-1]) - np.repeat(ends - size - begin, size)
    data = np.ones(len(columns), dtype=np.float32)
    return sparse.csr_matrix((data, columns, np.append(0, ends)), (len(customer),) * 2)


def expect(first: pd.DataFrame, in_order: Array) -> Array:
    """Expect the counts of `count` by chance.

    first : as there; in_order : of those with both products, the share who bought them in order
    """
    n_products = first["customer"].value_counts(sort=False)
    fitted = chance.fit(n_products.to_numpy(), np.bincount(first["product"]).astype(float))
    in_basket = first.groupby(["customer", "basket"], sort=False).size()
    pairs = (in_basket * (in_basket - 1)).groupby("customer").sum()
    of_all = n_products * (n_products - 1)
    together = (pairs / of_all.where(of_all > 0)).reindex(n_products.index).fillna(0.0)
    by_size = pd.DataFrame({"n": 1.0, "together": together}).groupby(n_products).sum()
    n, together = by_size["n"].to_numpy(), by_size["together"].to_numpy()
    return np.maximum(chance.in_order(fitted, n, together), in_order * chance.at_all(fitted, n))


def _test(n: Array, expected: Array) -> pd.DataFrame:
    """Test all ordered pairs: one row per pair that passed, with a, b, interval and q value."""
    from scipy.stats import false_discovery_control  # slow to load

    a, b = np.nonzero(~np.eye(len(n), dtype=bool))
    found, by_chance = n[a, b], expected[a, b]
    tested = np.maximum(found, 1e-9), LEAST_LIFT * by_chance
    p = np.minimum(1.0, 2 * special.gammainc(*tested))  # so many or more, of a Poisson count
    q = false_discovery_control(np.where(found > 0, p, 1.0))
    kept = q <= Q
    tail = Q * kept.sum() / len(q) / 2
    low = special.gammaincinv(found[kept], tail) / by_chance[kept]
    high = special.gammaincinv(found[kept] + 1, 1 - tail) / by_chance[kept]
    columns = {"a": a[kept], "b": b[kept], "lift_low": low, "lift_high": high}
    return pd.DataFrame({**columns, "q_value": q[kept]})
