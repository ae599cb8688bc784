"""Each table: one row per what, which columns, in which unit.

Cells hold codes (`champions`, `win_back`), never words; `texts` turns codes into words. Money is in
the config's currency. A column marked optional may be absent; an unknown column is an error.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from cvm_analysis.errors import InputError
from cvm_analysis.tables.experience import MEASURES, SATISFACTION
from cvm_analysis.tables.raw import ATTRIBUTES, RAW
from cvm_analysis.tables.results import RESULTS
from cvm_analysis.tables.shape import Column, Kind, Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ALL",
    "ATTRIBUTES",
    "FROM_FILES",
    "HANDED_IN",
    "IMPORTED",
    "MEASURES",
    "SATISFACTION",
    "TABLES",
    "Column",
    "Table",
    "check",
    "empty",
    "is_measure",
    "kind",
]

TABLES = MappingProxyType({**RAW, **RESULTS})
FROM_FILES = tuple(name for name in RAW if name not in ("quality", "quarantine"))  # by intake
ALL = "all"  # the region that is the whole company
# Result tables that a run puts into the folder before the first notebook.
HANDED_IN = ("ledger", "earlier_reports")
IMPORTED = "indicators."  # before the name of an imported indicator that is used as a column
_DTYPES = {"text": "object", "date": "datetime64[ns]", "count": "int64", "yes_no": "bool"}
_KINDS = {
    name: column.kind
    for table in (*RESULTS.values(), *RAW.values())
    for name, column in table.columns.items()
}


def kind(column: str) -> Kind:
    """Return what kind of value a column holds, by its name; a name without a table is a number."""
    return _KINDS.get(column, "number")


def is_measure(column: str) -> bool:
    """Tell whether `experience.measures` measures a column: of MEASURES, or a satisfaction."""
    return column in MEASURES or column.startswith(SATISFACTION)


def empty(name: str) -> pd.DataFrame:
    """Make a table without rows, its key as columns, each of the type that its kind has."""
    import pandas as pd

    types = {c: _DTYPES.get(each.kind, "float64") for c, each in TABLES[name].columns.items()}
    return pd.DataFrame({column: pd.Series(dtype=types[column]) for column in types})


def check(name: str, table: pd.DataFrame) -> None:
    """Raise InputError unless `table` (key as columns) is what this name says."""
    spec = TABLES[name].columns
    missing = [c for c, column in spec.items() if c not in table and not column.optional]
    unknown = [c for c in table if c not in spec and not TABLES[name].others]
    if missing or unknown:
        said = [f"{c}: missing" for c in missing] + [f"{c}: unknown" for c in unknown]
        raise InputError(
            f"table {name} ({TABLES[name].grain}): {len(said)} columns do not fit\n  "
            + "\n  ".join(said)
        )
    repeated = int(table.duplicated(list(TABLES[name].key)).sum())
    if repeated and name not in ("transactions",):
        raise InputError(
            f"table {name}: {repeated:,} rows repeat a key; it has {TABLES[name].grain}"
        )
