"""The customers a very large company learns its thresholds from, beside its prepared tables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cvm_analysis.customers import sample
from cvm_analysis.prepared import SAMPLE

MOST = 2_000_000  # customers analysed together: pandas takes some 7 KB for each, 14 GB in all


def write(con: Any, folder: Path, tables: Iterable[str], n_customers: int) -> int | None:
    """Write the rows of sampled customers into a folder like that of the prepared tables.

    Gives n_customers, those of all regions; None where they are MOST or fewer: there is no sample.
    """
    if n_customers <= MOST:
        return None
    for part in sorted(part for name in tables for part in (folder / name).glob("region=*")):
        rows = con.read_parquet(sorted(part.glob("*.parquet")), hive_partitioning=False)
        if "customer_id" in rows.columns:
            to = folder / SAMPLE / part.relative_to(folder)
            to.mkdir(parents=True)
            rows.filter(sample.is_in(rows.customer_id, n_customers)).to_parquet(to / "0.parquet")
    return n_customers
