"""The customers that a very large company learns its thresholds from, beside its prepared tables.

A customer is in the sample by the MD5 of the id, which is the same on every machine; pseudonyms and
running numbers are spread evenly.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ibis import ir

from cvm_analysis.prepared import SAMPLE

MOST = 2_000_000  # customers analysed together: pandas takes up to 13 KB for each, 26 GB in all
SIZE = 100_000  # customers of a sample: what is fitted to a fifth of them takes 19.75 to 20.25 %
_DIGITS = 8  # of the hexadecimal hash; as text they sort as the number does


def write(con: Any, folder: Path, tables: Iterable[str], n_customers: int) -> int | None:
    """Write the rows of about SIZE customers into a folder like that of the prepared tables.

    Gives n_customers, those of all regions; None where they are MOST or fewer: there is no sample.
    """
    if n_customers <= MOST:
        return None
    for part in sorted(part for name in tables for part in (folder / name).glob("region=*")):
        rows = con.read_parquet(sorted(part.glob("*.parquet")), hive_partitioning=False)
        if "customer_id" in rows.columns:
            to = folder / SAMPLE / part.relative_to(folder)
            to.mkdir(parents=True)
            rows.filter(is_in(rows.customer_id, n_customers)).to_parquet(to / "0.parquet")
    return n_customers


def is_in(customer_id: ir.StringValue, n_customers: int) -> ir.BooleanValue:
    """Whether a customer is among about SIZE of n_customers."""
    limit = min(SIZE * 16**_DIGITS // n_customers, 16**_DIGITS - 1)
    return customer_id.hexdigest("md5").substr(0, _DIGITS) < f"{limit:0{_DIGITS}x}"
