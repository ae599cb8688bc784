"""Baskets: who bought which product in which order, and which goods count."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from cvm_analysis.typed import Cell, settings

LEAST_BUYERS = 30  # of a product whose pairs are tested
COMMON = 0.5  # share of purchases that such products must have; else categories are compared
Level = Literal["product", "category"]


@settings
class Products:
    """The settings of recommended products.

    exclude : codes or names of products, or categories, that are no goods to recommend: postage,
        deposits, corrections
    """

    exclude: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class Baskets:
    """Purchases as numbers; `read` makes it.

    lines : one row per customer, basket and product, in order of customer and time: customer and
        product (numbers of rows in `customers` and `products`), basket (number, rises with time
        within a customer), day, margin (in the config's currency, empty without a cost)
    customers, products : ids and names, sorted
    level : what the products are
    """

    lines: pd.DataFrame
    customers: pd.Index
    products: pd.Index
    level: Level

    @cached_property
    def first(self) -> pd.DataFrame:
        """The lines by which a product is new to its customer."""
        return self.lines.drop_duplicates(["customer", "product"])

    def until(self, day: pd.Timestamp) -> Baskets:
        """Leave out what was bought after a day; customers and products keep their numbers."""
        kept = self.lines[self.lines["day"] <= day]
        return Baskets(kept, self.customers, self.products, self.level)


def read(rows: pd.DataFrame) -> Baskets:
    """Read baskets, by product, or by category where few products have enough buyers.

    rows : one row per customer, order and product, in order of customer and time, as
        `Prepared.baskets` gives them: customer_id, basket (its own in every order of a customer),
        product, at, margin, and maybe category
    """
    level = _choose_level(rows)
    customer, customers = _number(rows["customer_id"])
    product, products = _number(rows[level])
    order = pd.factorize(rows["basket"])[0].astype(np.int64)
    key = customer.astype(np.int64) * (order.max(initial=0) + 1) + order
    lines = pd.DataFrame(
        {
            "customer": customer,
            "product": product,
            "basket": pd.factorize(key)[0].astype(np.int32),
            "day": pd.to_datetime(rows["at"]).dt.normalize().to_numpy(),
            "margin": rows["margin"].to_numpy(float),
        }
    )
    lines = lines[lines["product"] >= 0]  # lines without a category
    if level == "category":
        keys = ["customer", "basket", "product"]
        total = lines.groupby(keys)["margin"].transform(lambda each: each.sum(min_count=1))
        lines = lines.assign(margin=total).drop_duplicates(keys)
    return Baskets(lines.reset_index(drop=True), customers, products, level)


def _number(values: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """Number texts in their order; -1: missing."""
    codes, texts = pd.factorize(values)
    found = pd.Index(np.asarray(texts, dtype=object))
    order = found.argsort()
    rank = np.append(np.argsort(order), -1).astype(np.int32)
    return rank[codes], found[order]


def _choose_level(rows: pd.DataFrame) -> Level:
    if "category" not in rows or rows["category"].isna().all():
        return "product"
    pairs = rows[["customer_id", "product"]].drop_duplicates()
    buyers = pairs["product"].value_counts()
    common = buyers[buyers >= LEAST_BUYERS].sum()
    return "product" if common >= COMMON * buyers.sum() else "category"
