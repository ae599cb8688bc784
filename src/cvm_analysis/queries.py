"""Queries as of a day: written as SQL once, asked for as many days as need be.

Ibis takes longer to write the SQL of a table of customers than DuckDB to run it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ibis
from ibis import ir

if TYPE_CHECKING:
    import pandas as pd


@ibis.udf.scalar.builtin(name="getvariable", signature=(("string",), "date"))
def _variable(called: str) -> dt.date:
    """What SET VARIABLE of DuckDB gave a name."""
    raise NotImplementedError


DAY = _variable("day")


@dataclass(frozen=True)
class Queries:
    """The queries that were asked of one DuckDB connection, each kept there as a view.

    A view is found by the expression it was made from, so edited code, or another table, never
    meets an old one; and it holds no rows.
    """

    views: dict[Any, ir.Table] = field(default_factory=dict)

    def ask(self, query: Callable[[ir.DateValue], ir.Table], date: dt.date) -> pd.DataFrame:
        """Answer a query, a function of a day, as of `date`."""
        asked = query(DAY)
        con = asked.get_backend()
        con.raw_sql(f"SET VARIABLE day = DATE '{date:%Y-%m-%d}'")
        view = self.views.get(asked.op())
        if view is None:
            view = con.create_view(f"query_{len(self.views)}", asked).cast(asked.schema())
            self.views[asked.op()] = view
        return view.to_pandas()
