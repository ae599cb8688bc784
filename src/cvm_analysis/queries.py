"""Queries as of a day: compiled to SQL once, run for any number of days.

Ibis takes longer to compile the customer table than DuckDB to compute it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ibis
import pandas as pd
from ibis import ir


@ibis.udf.scalar.builtin(name="getvariable", signature=(("string",), "date"))
def _variable(called: str) -> dt.date:
    """A variable of DuckDB, as SET VARIABLE has set it."""
    raise NotImplementedError


DAY = _variable("day")


@dataclass(frozen=True)
class Queries:
    """The queries of one DuckDB connection, each stored there as a view.

    Views are looked up by their expression, so changed code or tables never meet an old one.
    """

    views: dict[Any, ir.Table] = field(default_factory=dict)

    def ask(self, query: Callable[[ir.DateValue], ir.Table], date: dt.date) -> pd.DataFrame:
        """Run a query, a function of a day, as of `date`."""
        table = query(DAY)
        con = table.get_backend()
        con.raw_sql(f"SET VARIABLE day = DATE '{date:%Y-%m-%d}'")
        view = self.views.get(table.op())
        if view is None:
            view = con.create_view(f"query_{len(self.views)}", table).cast(table.schema())
            self.views[table.op()] = view
        return view.to_pandas()
