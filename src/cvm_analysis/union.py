"""The tables of region `all` that are made from those of the regions, so that figures agree.

`tables` says of each table whether it is the company's own (clusters, hazards, backtests), the rows
of all regions together (whatever is known of a customer), these beside its own (figures by which
regions are compared), or their sums (transitions).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from cvm_analysis.atomic_folder import write
from cvm_analysis.tables import TABLES, check

REGIONS = "regions.json"


def unite(desk: Path, regions: Mapping[str, Path]) -> None:
    """Replace the tables of `all` by those of its regions, and record which regions they are.

    A table that no region has stays as it is. Without any region, all tables stay.

    desk : the run folder of `all`; regions : key -> run folder
    """
    for name, table in TABLES.items():
        paths = [each / "tables" / f"{name}.parquet" for each in regions.values()]
        found = [path for path in paths if path.is_file()]
        if table.company == "beside" and found:
            found = [desk / "tables" / f"{name}.parquet", *found]
        if table.company != "own" and found:
            rows = _together(found)
            horizon = rows.attrs
            rows = _add_up(rows, table.key) if table.company == "sums" else rows
            check(name, rows)
            ours = [c for c in table.columns if c in rows]
            added = [c for c in rows if c not in ours]  # by the business; `check` refuses others
            ordered = rows[ours + added].sort_values(list(table.key))
            ordered.attrs = horizon
            write(desk / "tables" / f"{name}.parquet", ordered.to_parquet(index=False))
    write(desk / REGIONS, json.dumps({"regions": list(regions)}, indent=1))


def _together(paths: Sequence[Path]) -> pd.DataFrame:
    """Read tables one below the other; a column that some lack is empty there."""
    import pyarrow as pa
    from pyarrow import parquet

    tables = [parquet.ParquetFile(path).read() for path in paths]
    filled = [table for table in tables if table.num_rows] or tables[:1]  # others have no types
    return pa.concat_tables(filled, promote_options="permissive").to_pandas()


def _add_up(rows: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """Sum the numbers of rows with the same key; codes belong to the key. Empty stays empty.

    Where only some regions know what chance does, the others count as they came, so that `expected`
    adds up to the same customers.
    """
    codes = [column for column in rows if not pd.api.types.is_numeric_dtype(rows[column])]
    same = list(dict.fromkeys([*key, *codes]))
    groups = rows.groupby(same, dropna=False, sort=True)
    if "expected" in rows:
        is_known = groups["expected"].transform("count") > 0
        filled = rows["expected"].fillna(rows["n_customers"].where(is_known))
        groups = rows.assign(expected=filled).groupby(same, dropna=False, sort=True)
    return groups.sum(min_count=1).reset_index()
