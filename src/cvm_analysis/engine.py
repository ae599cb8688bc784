"""Where queries on prepared tables run: DuckDB in this process, or Spark; both through Ibis."""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import ibis
from ibis import ir

from cvm_analysis import queries
from cvm_analysis.errors import InputError

IN_RUN = "CVM_WORK"  # names the temporary folder of a notebook in a run, which goes with it
OPTIONS = {
    "spark.app.name": "cvm_analysis",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.maxResultSize": "0",  # pandas has to hold the result anyway
    "spark.sql.ansi.enabled": "true",  # an overflow is an error, not an empty cell
    "spark.sql.caseSensitive": "true",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # region 01 is no number
    "spark.sql.timestampType": "TIMESTAMP_NTZ",  # prepared times are local and stay so
}
LOCAL = {  # a Spark in this machine: nobody else can reach it
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "8",
}
CLUSTER = {  # executors are held during a query only, as notebooks of several regions take turns
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.executorIdleTimeout": "5s",
    "spark.dynamicAllocation.shuffleTracking.enabled": "true",
}


def connect(master: str | None, folder: Path) -> Any:
    """Connect to Spark or, without its master, to a DuckDB that uses files of one folder only.

    master : URL of the master; one session of it is started in a process, and stopped at its end
    InputError : as `check`, or Spark did not start
    """
    if master is None:
        con = connect_before_fork()
        complete(con, folder)
        return con
    check(master)
    return ibis.pyspark.connect(_session(master).newSession())  # which has views of its own


def connect_before_fork() -> Any:
    """Connect to a DuckDB without threads of its own, for processes forked from this one.

    Each of them has to `complete` it before it asks anything.
    """
    con = ibis.duckdb.connect(":memory:", threads=1, memory_limit=queries.MEMORY)
    queries.silence(con.con)
    return con


def complete(con: Any, folder: Path) -> None:
    """Give a connection its threads and its place to spill to, and confine it to a folder."""
    if work := os.environ.get(IN_RUN, "").replace("'", "''"):
        con.raw_sql(f"SET temp_directory = '{work}/spill'")
    con.raw_sql("RESET threads")
    con.raw_sql("SET allocator_background_threads = true")  # memory of a large query goes back
    queries.confine(con, folder)


def check(master: str | None) -> None:
    """Raise InputError if Spark is asked for, and pyspark or Java is missing."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(f"{home}/bin/java" if home else "java")
    missing = ["pyspark"] * (importlib.util.find_spec("pyspark") is None) + ["Java"] * (not java)
    if master is not None and missing:
        raise InputError(
            f"Spark needs {' and '.join(missing)}: pip install 'cvm_analysis[spark]' and install "
            "Java 17, or write `engine: duckdb`"
        )


def read(con: Any, folder: Path) -> ir.Table | None:
    """Open a table with a folder of Parquet files for each region; None if it has no file."""
    files = sorted(folder.glob("region=*/*.parquet"))
    if not files:
        return None
    if con.name == "duckdb":
        return con.read_parquet(files, hive_partitioning=True, hive_types_autocast=False)
    rows = con.read_parquet(f"file://{folder.absolute()}")
    return rows.mutate(region=_decode(_encode(rows.region, "ISO-8859-1"), "UTF-8"))


@ibis.udf.scalar.builtin(name="encode")
def _encode(text: str, charset: str) -> bytes:
    """Encode a text. Spark reads %E6 in the name of a folder as one character, not as a byte."""
    raise NotImplementedError


@ibis.udf.scalar.builtin(name="decode")
def _decode(data: bytes, charset: str) -> str:
    """Decode bytes; see `_encode`."""
    raise NotImplementedError


@cache
def _session(master: str) -> Any:
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    work = Path(tempfile.mkdtemp(prefix="cvm-spark-", dir=os.environ.get(IN_RUN)))
    atexit.register(shutil.rmtree, work, ignore_errors=True)
    options = OPTIONS | (LOCAL if master.startswith("local") else CLUSTER)
    options |= {"spark.sql.warehouse.dir": f"{work}/warehouse", "spark.local.dir": str(work)}
    options |= {"spark.driver.defaultJavaOptions": f'"-Djava.io.tmpdir={work}"'}
    conf = SparkConf().setMaster(master).setAll(list(options.items()))
    log = work / "log"
    try:
        with log.open("wb") as said:  # not into the outputs of a notebook
            java = launch_gateway(conf, {"stdout": said, "stderr": said})
        session = SparkSession(SparkContext(conf=conf, gateway=java))
    except (OSError, PySparkException, Py4JError) as error:
        raise InputError(
            f"Spark at {master} did not start: {_reason(log, error)}; it needs Java 17 and a "
            "master that answers, or write `engine: duckdb`"
        ) from None
    atexit.register(session.stop)
    return session


def _reason(log: Path, error: Exception) -> str:
    """The line of Spark's log that says most, else the first one of the error."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()]
    said = [line for line in lines if "ERROR" in line or "rror:" in line or "JAVA_HOME" in line]
    return (said or str(error).splitlines() or [type(error).__name__])[0].split(" ERROR ")[-1]
