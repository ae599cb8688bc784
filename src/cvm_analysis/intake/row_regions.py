"""The region that each row belongs to: its customer's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import ibis
import pandas as pd
from ibis import ir

from cvm_analysis.intake import regions, rules, shown_ids, table_rules
from cvm_analysis.intake.shown_ids import People
from cvm_analysis.settings import DiscoveredRegions, Settings

OWN_REGION = ("leads",)  # tables whose rows without a customer stay in the region they name


class Placed(NamedTuple):
    """The regions that customers have.

    names : by key and language; keys : of each word of a raw column that is discovered;
    n_customers : who have one
    """

    names: dict[str, dict[str, str]]
    keys: dict[str, str]
    n_customers: int


def assign(
    con: Any, settings: Settings, checked: Mapping[str, ir.Table], people: People | None
) -> Placed:
    """Create the table `placed`: customer_id, region, and what is shown of an id that is hidden."""
    accepted = {table: rows.filter(rows.rule.isnull()) for table, rows in checked.items()}
    found = regions.assign_customers(accepted)
    found = con.create_table("found_in", found.filter(found.region.notnull()))
    counts = found.group_by("region").aggregate(n=found.count()).to_pandas()
    known = settings.business.regions
    if isinstance(known, DiscoveredRegions):
        keys, names = regions.discover(dict(zip(counts["region"], counts["n"], strict=True)), known)
    else:
        there = set(counts["region"])
        names = {k: {"en": each.en, "zh": each.zh} for k, each in known.items() if k in there}
        keys = {}
    if keys:
        found = found.mutate(region=found.region.cases(*keys.items()))
    con.create_table("placed", shown_ids.add_shown(found, people) if people else found)
    return Placed(names, keys, int(counts["n"].sum()))


def rules_for(table: str) -> list[rules.Rule]:
    """The rule that a row's customer has a region, where the table has it."""
    return [] if table in rules.ANYWHERE else [table_rules.no_region(table)]


def any_missing(quality: pd.DataFrame) -> bool:
    """Whether any row is rejected as its customer has none; quality : of one table."""
    return bool(quality.loc[quality["check"] == "no_region", "n_rows"].any())


def add(con: Any, table: str, checked: ir.Table, keys: dict[str, str]) -> ir.Table:
    """Add the customer's region to every row; without one the row is quarantined.

    Rows of OWN_REGION stay in the region they name, those of rules.ANYWHERE are kept without one.

    `counted_in` is that region, else the row's own: where a row without a customer is counted.
    """
    column = next((each for each in ("sold_in", "region") if each in checked.columns), None)
    own = checked[column] if column else ibis.null("string")
    if keys:
        own = own.cases(*keys.items(), else_=ibis.null("string"))
    rows = checked.mutate(counted_in=own)
    rows = rows.drop("region") if "region" in rows.columns else rows
    joined = rows.left_join(con.table("placed"), "customer_id").drop("customer_id_right")
    if table in OWN_REGION:
        joined = joined.mutate(region=joined.region.coalesce(joined.counted_in))
    no_region = joined.region.isnull().ifelse(ibis.literal("no_region"), None)
    if table in rules.ANYWHERE:
        no_region = ibis.null("string")
    return joined.mutate(
        rule=joined.rule.coalesce(no_region), counted_in=joined.region.coalesce(joined.counted_in)
    )
