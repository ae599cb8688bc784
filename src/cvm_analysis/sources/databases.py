"""Tables and queries of databases, through Ibis, copied as text into a Parquet file.

PostgreSQL, SQLite and DuckDB are tried; Ibis knows other engines by their URL. Rows are read in
batches and nothing is written. Passwords come from the environment.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import ir
from ibis.common.exceptions import TableNotFound

from cvm_analysis.errors import InputError

BATCH = 50_000  # rows
TIMESTAMPTZ = 1184  # the type's number in PostgreSQL
POSTGRES, LOCAL = ("postgres", "postgresql"), ("sqlite", "duckdb")
INTERNAL = ("pg_", "information_schema")  # schemas of PostgreSQL
DRIVERS = (
    "psycopg",
    "sqlite3",
    "duckdb",
    "_duckdb",
    "ibis",
    "sqlglot",
)  # whose errors are a user's


def extract(url: str, table: str | None, query: str | None, zone: str, to: Path) -> None:
    """Copy a table, or the rows of a query, to the Parquet file `to`, every cell as text.

    Parameters
    ----------
    url : `postgres://host/database`, `sqlite:///path` or `duckdb:///path`; the environment
        variables of PostgreSQL (PGUSER, PGPASSWORD, PGPASSFILE) fill in what it does not say
    zone : the time zone in which moments with an offset are written

    Raises
    ------
    InputError : no driver, no server, a wrong password, no such table, a query that fails
    """
    name = describe(url, table, query)
    with _one_message(name, url):
        con = _connect(url, zone)
        try:
            rows = _query(con, query) if query else _table(con, table or "")
            _write(_as_text(rows), to)
        finally:
            con.disconnect()


def list_tables(url: str) -> list[str]:
    """Name the tables of a database, of PostgreSQL with their schema; errors as in `extract`."""
    with _one_message(url, url):
        con = _connect(url, "UTC")
        try:
            if con.name != "postgres":
                return sorted(con.list_tables())
            own = [each for each in con.list_databases() if not each.startswith(INTERNAL)]
            return [
                f"{each}.{name}" for each in sorted(own) for name in con.list_tables(database=each)
            ]
        finally:
            con.disconnect()


def describe(url: str, table: str | None, query: str | None) -> str:
    """Name a table or query without user and password: `postgres://host/database orders`."""
    scheme, _, rest = url.partition("://")
    place = rest.partition("?")[0].rpartition("@")[2]
    return f"{scheme}://{place} {table or ' '.join((query or '').split())}"


def local_path(url: str) -> str | None:
    """The path of a database that is a file; None for a server."""
    scheme, _, path = url.partition("://")
    return path.removeprefix("/") if scheme in LOCAL else None


@contextlib.contextmanager
def _one_message(name: str, url: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise InputError(
            f"{name}: {error}; `pip install 'cvm-analysis[databases]'`, or the driver that Ibis "
            "asks for"
        ) from None
    except TableNotFound:
        raise InputError(f"{name}: no such table") from None
    except InputError:
        raise
    except Exception as error:
        if type(error).__module__.split(".")[0] not in DRIVERS:
            raise
        secret = urlsplit(url).password
        said = " ".join(str(error).split())
        for shown in (secret, unquote(secret)) if secret else ():
            said = said.replace(shown, "***")
        cure = "; set PGUSER and PGPASSWORD" if "password" in said else ""
        raise InputError(f"{name}: {said or type(error).__name__}{cure}") from None


def _connect(url: str, zone: str) -> Any:
    """Connect read-only."""
    parts = urlsplit(url)
    if parts.scheme in POSTGRES:
        return _postgres(parts, zone)
    path = local_path(url)
    if path is None:
        if parts.scheme not in dir(ibis):
            raise InputError(f"{parts.scheme}://: no such kind of database is known to Ibis")
        return ibis.connect(url)
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{url}: no such file; check the config's sources")
    if parts.scheme == "duckdb":
        con = ibis.duckdb.connect(file, read_only=True)
        con.raw_sql(f"SET TimeZone = '{zone}'")
        return con
    con = ibis.sqlite.connect(file)
    con.raw_sql("PRAGMA query_only = ON").close()
    return con


def _postgres(parts: SplitResult, zone: str) -> Any:
    given = {
        "host": parts.hostname,
        "port": parts.port,
        "user": parts.username and unquote(parts.username),
        "password": parts.password and unquote(parts.password),
        "database": parts.path.strip("/") or None,
    }
    con = ibis.postgres.connect(
        **given, options="-c default_transaction_read_only=on", connect_timeout=10
    )
    con.raw_sql(f"SET TIME ZONE '{zone}'").close()
    return con


def _table(con: Any, table: str) -> ir.Table:
    """Open a table, also as `schema.table`."""
    schema, _, name = table.rpartition(".")
    return con.table(name, database=schema) if schema else con.table(name)


def _query(con: Any, query: str) -> ir.Table:
    """The rows of a query, whose columns are read off its cursor: no view is made for it."""
    query = query.strip().rstrip(";")
    if con.name == "duckdb":
        return con.sql(query)
    cursor = con.raw_sql(f"SELECT * FROM ({query}) AS asked LIMIT 0")
    with_offset = {column[0]: column[1] == TIMESTAMPTZ for column in cursor.description}
    cursor.close()
    kinds = {n: dt.Timestamp("UTC") if moment else dt.unknown for n, moment in with_offset.items()}
    return con.sql(query, schema=kinds)


def _as_text(rows: ir.Table) -> ir.Table:
    """Write cells as text; moments with an offset in the time zone of the session."""
    texts = {}
    for name, kind in rows.schema().items():
        cell = rows[name]
        if kind.is_timestamp() and kind.timezone is not None:
            cell = cell.cast("timestamp")
        texts[name] = cell.cast("string")
    return rows.select(**texts)


def _write(rows: ir.Table, to: Path) -> None:
    """Write the rows in batches, as the database sends them."""
    schema = pa.schema(dict.fromkeys(rows.columns, pa.string()))
    with pq.ParquetWriter(to, schema) as writer:
        for batch in rows.to_pyarrow_batches(chunk_size=BATCH):
            writer.write_batch(batch.cast(schema))
