"""Rows that repeat an earlier one, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ibis
from ibis import ir

from cvm_analysis.sources import read


def mark(con: Any, table: str, rows: ir.Table, contents: Iterable[ir.Table]) -> ir.Table:
    """Add `repeated`: whether a row repeats one before it, both left out or neither.

    Only rows whose `key` is there several times are compared by their digests.

    table : names what is created; contents : of the raw files, as `read.stage` gives them
    """
    apart = ["left_out"] if "left_out" in rows.columns else []
    counted = rows.group_by("key", *apart).aggregate(n=rows.count())
    several = con.create_table(f"several_{table}", counted.filter(counted.n > 1).select("key"))
    alike = rows.semi_join(several, "key").select("file", "line", "key", *apart)
    alike = con.create_table(f"alike_{table}", alike)
    digests = read.digests(contents, alike.select("file", "line").distinct())
    known = alike.join(digests, ["file", "line"])
    order = ibis.window(group_by=["digest", "key", *apart], order_by=["file", "line"])
    later = known.mutate(nth=ibis.row_number().over(order))
    later = later.filter(later.nth > 0).select("file", "line", "key")
    later = con.create_table(f"repeats_{table}", later).mutate(repeated=True)
    if not later.count().execute():
        return rows.mutate(repeated=False)
    joined = rows.left_join(later, ["file", "line", "key"], rname="{name}_of_repeat")
    marked = joined.mutate(repeated=joined.repeated.fill_null(False))
    return marked.drop(*(name for name in marked.columns if name.endswith("_of_repeat")))
