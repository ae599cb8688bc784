"""The region of a customer: that of the record, else of the first purchase, else of a contract.

The latest purchase would look ahead. Regions are named in the config, or discovered in a raw
column; discovered ones with few customers are pooled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import ibis
from ibis import ir

from cvm_analysis import file_names
from cvm_analysis.queries import union_all
from cvm_analysis.settings import DiscoveredRegions, Region
from cvm_analysis.tables import ALL

Names = dict[str, str]


def slug(name: str, taken: Iterable[str] = ()) -> str:
    """Key of a raw name, in its own script: `United Kingdom` -> `united-kingdom`, `华东` -> `华东`.

    A name that is reserved (`all`), too long or without a letter or digit, or whose key is taken,
    becomes `r-<8 hex>`, so that no name becomes an unsafe path.
    """
    key = file_names.key(name)
    if not key or key == ALL or key in taken:
        return "r-" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return key


def assign_rows(text: ir.StringValue, regions: Mapping[str, Region]) -> ir.Value:
    """Replace raw names by region keys: `match`, the key itself or a name; empty if none."""
    known = regions.items()
    words = {word: key for key, r in known for word in (*r.match, key, r.en, r.zh)}
    return text.cases(*words.items(), else_=ibis.null("string"))


def assign_customers(accepted: Mapping[str, ir.Table]) -> ir.Table:
    """One row per customer who has a region: customer_id, region (a key, or a raw name).

    accepted : the accepted rows by table: of the first that places a customer among customers_raw,
        transactions and contracts, the first row
    """
    found = []
    if "customers_raw" in accepted:
        found.append(accepted["customers_raw"].select("customer_id", "region"))
    if (sales := accepted.get("transactions")) is not None:
        found.append(_first(sales, sales.amount <= 0, sales.ordered_at))
    if (contracts := accepted.get("contracts")) is not None and (
        "transactions" not in accepted or contracts.sold_in.notnull().any().execute()
    ):
        found.append(_first(contracts, contracts.started_on))
    if len(found) == 1:
        return found[0]
    ranked = [rows.mutate(rank=ibis.literal(rank, "int8")) for rank, rows in enumerate(found)]
    every = union_all(ranked)
    known = every.filter(every.region.notnull())
    return known.group_by("customer_id").aggregate(region=known.region.argmin(known.rank))


def _first(rows: ir.Table, *order: ir.Value) -> ir.Table:
    """The region of each customer's first row that names one."""
    placed = rows.filter(rows.sold_in.notnull())
    found = placed.group_by("customer_id").aggregate(
        region=placed.sold_in.min(), other=placed.sold_in.max()
    )
    found = found.cache()  # asked twice
    is_one = found.region == found.other
    moved = placed.mutate(**{f"order_{i}": value for i, value in enumerate(order)})
    moved = moved.semi_join(found.filter(~is_one), "customer_id")
    by = [*(f"order_{i}" for i in range(len(order))), "file", "line"]
    window = ibis.window(group_by="customer_id", order_by=by)
    first = moved.mutate(nth=ibis.row_number().over(window)).filter(ibis._.nth == 0)
    several = first.select("customer_id", region="sold_in")
    return found.filter(is_one).drop("other").union(several)


def discover(
    counts: Mapping[str, int], rule: DiscoveredRegions
) -> tuple[dict[str, str], dict[str, Names]]:
    """Pool the regions of a raw column by their numbers of customers.

    Returns raw name -> key, and key -> names by language.
    """
    pooled = slug(rule.pooled.en)
    keys: dict[str, str] = {}
    names: dict[str, Names] = {}
    for word in sorted(counts):
        if counts[word] < rule.pool_below:
            keys[word], names[pooled] = pooled, rule.pooled.model_dump()
        else:
            keys[word] = slug(word, taken={*names, pooled})
            names[keys[word]] = {"en": word, "zh": word}
    return keys, names
