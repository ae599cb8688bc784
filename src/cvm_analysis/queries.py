"""Queries as of a day: compiled to SQL once, run for any number of days.

Ibis takes longer to compile the customer table than DuckDB to compute it, and most of that to merge
selects, which DuckDB and Spark do by themselves.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import pandas as pd
from ibis import ir


def connect(
    folder: Path, database: Path | None = None, files: Iterable[Path] = (), **options: str
) -> Any:
    """Open a DuckDB that uses files of one folder only, whatever a query asks for.

    database : its file; None: in memory; files : others that it may read; options : its settings
    """
    con = ibis.duckdb.connect(database or ":memory:", **options)
    silence(con.con)
    confine(con, folder, files)
    return con


def confine(con: Any, folder: Path, files: Iterable[Path] = ()) -> None:
    """Let a connection use files of one folder only, and those named; it cannot be undone."""
    con.raw_sql(f"SET allowed_directories = [{_list([folder])}]")
    con.raw_sql(f"SET allowed_paths = [{_list(files)}]")
    con.raw_sql("SET enable_external_access = false")


def silence(cursor: Any) -> None:
    """Show no progress bar, which DuckDB writes into logs, too; in Jupyter there is none."""
    shown = cursor.execute("SELECT current_setting('enable_progress_bar')").fetchone()[0]
    if shown:
        cursor.execute("SET enable_progress_bar = false")


def _list(paths: Iterable[Path]) -> str:
    """Paths as DuckDB may be asked for them."""
    forms = {str(each) for path in paths for each in (path, path.absolute(), path.resolve())}
    return ", ".join(map(_quoted, sorted(forms)))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def view_of_files(
    con: Any, paths: Iterable[Path], options: str = "", columns: str = "*"
) -> ir.Table:
    """Give Parquet files of one schema as a table that all cursors of a connection see.

    What Ibis reads is seen by one cursor alone. options : of DuckDB's read_parquet
    """
    name, places = ibis.util.gen_name("file"), ", ".join(map(_quoted, map(str, paths)))
    con.raw_sql(f"CREATE VIEW {name} AS SELECT {columns} FROM read_parquet([{places}]{options})")
    return con.table(name)


def as_view(con: Any, rows: ir.Table) -> ir.Table:
    """Give a long expression a name: Ibis writes all of it anew wherever it is used."""
    return con.create_view(ibis.util.gen_name("step"), rows).cast(rows.schema())


def union_all(tables: Sequence[ir.Table]) -> ir.Table:
    """Stack tables in their order; a chain of hundreds of unions is too deep to be compiled."""
    if len(tables) < 2:
        return tables[0]
    middle = len(tables) // 2
    return union_all(tables[:middle]).union(union_all(tables[middle:]))


@ibis.udf.scalar.builtin(name="getvariable", signature=(("string",), "date"))
def _variable(called: str) -> dt.date:
    """A variable of DuckDB; on Spark, a function that gives its value."""
    raise NotImplementedError


DAY = _variable("day")
SET_DAY = {  # by Ibis's name of the engine
    "duckdb": "SET VARIABLE day = DATE '{}'",
    "pyspark": "CREATE OR REPLACE TEMPORARY FUNCTION getvariable(called STRING) "
    "RETURNS DATE RETURN DATE '{}'",
}
MAX_ROWS = 200_000  # of the answers kept: some 100 MB
MEMORY = "3GB"  # of a DuckDB; more is spilled to disk


@dataclass(frozen=True)
class Queries:
    """The queries of one connection, each stored there as a view.

    Views and answers are looked up by their expression, so changed code never meets an old one.
    The last answers are kept, up to `max_rows` rows of them, as notebooks ask again for a day. With
    `max_rows` 0 no more are kept, for tables that change under one name.
    """

    views: dict[Any, _View] = field(default_factory=dict)
    max_rows: int = MAX_ROWS
    answers: dict[Any, pd.DataFrame] = field(default_factory=dict)

    def ask(self, query: Callable[[ir.DateValue], ir.Table], date: dt.date) -> pd.DataFrame:
        """Run a query, a function of a day, as of `date`."""
        return self.ask_table(query(DAY), date)

    def ask_table(self, table: ir.Table, date: dt.date) -> pd.DataFrame:
        """Run a query that is made for DAY as of `date`."""
        key = table.op(), date
        answer = self.answers.get(key)
        if answer is None:
            answer = self._run(table, date)
            if not self.max_rows or len(answer) > self.max_rows:
                return answer
        if self.max_rows:
            self._keep(key, answer)
        return answer.copy()

    def _keep(self, key: Any, answer: pd.DataFrame) -> None:
        """Keep an answer as the newest one; the oldest go until they have few enough rows."""
        self.answers.pop(key, None)
        self.answers[key] = answer
        while sum(map(len, self.answers.values())) > self.max_rows:
            del self.answers[next(iter(self.answers))]

    def _run(self, table: ir.Table, date: dt.date) -> pd.DataFrame:
        view = self.views.get(table.op())
        con = view.con if view else table.get_backend()
        con.raw_sql(SET_DAY[con.name].format(date.isoformat()))
        return (view or self.store(table)).to_pandas()

    def store(self, table: ir.Table) -> _View:
        """Compile a query that is made for DAY and store it, without running it."""
        con = table.get_backend()
        with selects_unmerged():
            rows = con.create_view(f"query_{len(self.views)}", table).cast(table.schema())
        return self.views.setdefault(table.op(), _View(con, rows, con.compile(rows)))


class _View(NamedTuple):
    """A stored query, and the SQL that reads it."""

    con: Any
    rows: ir.Table
    sql: str

    def to_pandas(self) -> pd.DataFrame:
        """Run it. DuckDB plans it once; it does so twice where Ibis runs it."""
        if self.con.name != "duckdb":
            return self.rows.to_pandas()
        from ibis.backends.duckdb.converter import DuckDBPandasData

        found = self.con.con.execute(self.sql).to_arrow_table()
        columns = {name: _to_pandas(found[name]) for name in found.column_names}
        return DuckDBPandasData.convert_table(pd.DataFrame(columns), self.rows.schema())


def _to_pandas(column: Any) -> Any:
    """A column as Ibis takes it from DuckDB: one with empty cells as a list, its type follows.

    Fractions have NaN for an empty cell; a list of them would hold an object for each.
    """
    from pyarrow.types import is_floating

    is_list = column.null_count and not is_floating(column.type)
    return column.to_pylist() if is_list else column.to_pandas()


_before: list[bool] = []  # one of each that is inside; the first is the option as it was
_one_at_a_time = threading.Lock()


@contextmanager
def selects_unmerged() -> Iterator[None]:
    """Let Ibis write each select as it is: a third of the time of preparing few rows is saved.

    The option counts for all threads: the last one to leave sets it as it was before the first.
    """
    sql = ibis.options.sql
    with _one_at_a_time:
        _before.append(sql.fuse_selects)
        sql.fuse_selects = False
    try:
        yield
    finally:
        with _one_at_a_time:
            before = _before.pop()
            if not _before:
                sql.fuse_selects = before
