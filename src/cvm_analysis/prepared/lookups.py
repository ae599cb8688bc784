"""What is asked of the tables of all regions, to check a config or to find a customer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import ibis
import pandas as pd

from cvm_analysis import customers
from cvm_analysis.prepared.opening import everyone
from cvm_analysis.settings import Settings


def dimensions(settings: Settings) -> list[str]:
    """List the dimensions of satisfaction that anybody scored, in all regions."""
    from cvm_analysis.experience import answers

    given = answers.read(everyone(settings).to_pandas("feedback"))
    return sorted(set(given["dimension"]) - {answers.NPS})


def customer_types(settings: Settings) -> set[str]:
    """Types of the customers in all regions who bought; retail where not recorded."""
    data = everyone(settings)
    known = data.customers_raw
    if known is None or "customer_type" not in known.columns:
        return {"retail"}
    buyers = data.transactions.select("customer_id").distinct()
    joined = buyers.left_join(known.select("customer_id", "customer_type"), "customer_id")
    kinds = joined.select(kind=joined.customer_type.fill_null("retail")).distinct()
    return set(kinds.to_pandas()["kind"])


def find_region(settings: Settings, customer_id: str) -> str | None:
    """Find the key of the region of a customer; None if no prepared table has the customer."""
    data = everyone(settings)
    for table in (data.customers_raw, data.transactions):
        if table is not None:
            found = table.filter(table.customer_id == customer_id).select("region").limit(1)
            if len(rows := found.to_pandas()):
                return str(rows["region"].iloc[0])
    return None


def count_values(settings: Settings, columns: Iterable[str]) -> dict[str, int]:
    """Count the values of columns of the customers of all regions; of those that are there."""
    data = everyone(settings)
    table = customers.as_of(data.transactions, data.last_day, data.customers_raw)
    there = [name for name in columns if name in table.columns]
    counts = table.aggregate(**{name: table[name].nunique() for name in there})
    return {name: int(n) for name, n in counts.to_pandas().iloc[0].items()} if there else {}


def find_values(settings: Settings, column: str) -> set[str]:
    """Find the values of a column of the order lines of all regions; none without the column."""
    sales = everyone(settings).transactions
    if column not in sales.columns:
        return set()
    found = sales.select(value=sales[column].cast("string")).distinct().to_pandas()["value"]
    return set(found.dropna())


def count_buyers(settings: Settings, date: dt.date) -> pd.Series:
    """Count the customers with a purchase by a day, by key of their region."""
    sales = everyone(settings).transactions
    bought = sales.filter(sales.ordered_at.date() <= ibis.literal(date), sales.amount > 0)
    counts = bought.group_by("region").aggregate(n=bought.customer_id.nunique()).to_pandas()
    return counts.set_index("region")["n"].sort_index()
