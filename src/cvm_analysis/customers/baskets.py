"""What each order had in it: its products, by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import ibis
from ibis import ir

from cvm_analysis.customers.table import order_of

NAMED = ("product_id", "product", "category")  # columns that say what was bought


def baskets(transactions: ir.Table, date: dt.date, exclude: Sequence[str] = ()) -> ir.Table:
    """One row per customer, order and product bought up to `date`, in order of customer and time.

    customer_id; basket: a number for each order of a customer, or day without an order_id; at;
    product; category where the lines have one; margin (net of discounts, empty without a cost)

    A product is called what its code is called most often; codes of one name are one product, and
    a code without a name is called by itself. Without products, `product` is the category. Returns
    are not taken off: who returned a product knows it.

    exclude : codes or names of products, or categories, that are no goods, such as postage
    """
    there = [name for name in NAMED if name in transactions.columns]
    bought = transactions.filter(transactions.ordered_at.date() <= date, transactions.amount > 0)
    for name in there if exclude else ():
        bought = bought.filter(bought[name].isnull() | bought[name].notin(exclude))
    lines = _name_products(bought).mutate(order=order_of(bought), margin=_margin(bought))
    kept = lines.filter(lines.called.notnull())
    category = {"category": kept.category.min()} if "category" in there else {}
    rows = kept.group_by("customer_id", "order", product=kept.called).aggregate(
        at=kept.ordered_at.min(), margin=kept.margin.sum().cast("float64"), **category
    )
    by_order = ibis.window(group_by="customer_id", order_by="order")
    numbered = rows.mutate(basket=ibis.dense_rank().over(by_order).cast("int32")).drop("order")
    return numbered.order_by("customer_id", "at", "basket", "product")


def _name_products(bought: ir.Table) -> ir.Table:
    """Add `called`: the name of the product, else its code, else its category."""
    if not {"product_id", "product"} <= set(bought.columns):
        names = [bought[name] for name in NAMED if name in bought.columns]
        return bought.mutate(called=names[0])
    counts = bought.filter(bought.product.notnull()).group_by("product_id", "product")
    counted = counts.aggregate(n=lambda t: t.count())
    order = ibis.window(group_by="product_id", order_by=[ibis.desc("n"), "product"])
    ranked = counted.mutate(place=ibis.row_number().over(order))
    first = ranked.filter(ranked.place == 0).select("product_id", usual="product")
    joined = bought.left_join(first, "product_id").drop("product_id_right")
    return joined.mutate(called=joined.usual.coalesce(joined.product, joined.product_id))


def _margin(bought: ir.Table) -> ir.NumericValue:
    return bought.amount - bought.cost if "cost" in bought.columns else ibis.null("float64")
