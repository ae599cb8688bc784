"""How long does the table of customers take on DuckDB and on Spark, and how does it grow?

    PYTHONPATH=.spark python benchmarks/engines.py [lines] [master]

For 1,000,000 lines and local[2] unless others are named, and for four times as many lines. `make
spark` installs pyspark into .spark/. Both engines get the same prepared order lines, invented, in
six regions, a hundred of each customer; each side runs in a new interpreter. `start` is the
connection, `first` the table as of one day, `next` that of another day; peak memory is that of
Python and, for Spark, of its JVM, whose heap `spark.driver.memory` limits (1 GB by default).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

DAYS = (dt.date(2025, 12, 31), dt.date(2025, 6, 30))
LINES_EACH = 100  # of a customer
NOTHING = "none"  # instead of a master: DuckDB

INVENTED = """
COPY (
    WITH bought AS (
        SELECT i, i // 2 AS o, hash(i // 2) % {customers} AS who FROM range({lines}) lines(i)
    )
    SELECT 'C' || lpad(who::VARCHAR, 12, '0') AS customer_id,
        TIMESTAMP '2022-01-01' + to_seconds((hash(o, 2) % 126230400)::BIGINT) AS ordered_at,
        'N' || lpad(o::VARCHAR, 12, '0') AS order_id,
        ((hash(i, 3) % 20000) / 100 * if(hash(i, 4) % 33 = 0, -1, 1))::DECIMAL(18, 4) AS amount,
        ((hash(i, 5) % 10000) / 100)::DECIMAL(18, 4) AS cost,
        if(hash(o, 6) % 3 = 0, 'web', 'store') AS channel,
        'r' || (who % 6)::VARCHAR AS region
    FROM bought
) TO '{folder}' (FORMAT parquet, PARTITION_BY (region))
"""


def write(folder: Path, lines: int) -> None:
    """Write prepared order lines: two an order, some of them returns."""
    import duckdb

    customers = max(lines // LINES_EACH, 1)
    duckdb.sql(INVENTED.format(lines=lines, customers=customers, folder=folder / "transactions"))


def side(master: str, folder: str) -> None:
    """Make the tables once, in this interpreter; print seconds, MB and a digest as JSON."""
    from cvm_analysis import customers, engine
    from cvm_analysis.queries import Queries

    began = time.perf_counter()
    con = engine.connect(None if master == NOTHING else master, Path(folder))
    lines = engine.read(con, Path(folder) / "transactions")
    seconds, queries = [time.perf_counter() - began], Queries()
    for day in DAYS:
        began = time.perf_counter()
        table = queries.ask(lambda each: customers.as_of(lines, each), day)
        seconds.append(time.perf_counter() - began)
    whole = table[["customer_id", "n_orders", "net_sales", "x", "T"]].to_csv(index=False)
    own = os.getpid()
    found = {
        "seconds": seconds,
        "MB": sum(map(_peak, [own, *_children(own)])),
        "rows": len(table),
        "digest": hashlib.sha256(whole.encode()).hexdigest(),
    }
    print(json.dumps(found))


def _peak(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))


def _children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(each) for each in found.split()]


def main(lines: int = 1_000_000, master: str = "local[2]") -> None:
    """Print seconds and memory of both engines for so many lines, and for four times as many."""
    for size in (lines, 4 * lines):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), size)
            digests = set()
            for engine in (NOTHING, master):
                command = [sys.executable, __file__, "side", engine, folder]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found = json.loads(done.stdout.splitlines()[-1])
                digests.add(found["digest"])
                start, first, later = found["seconds"]
                name = "DuckDB" if engine == NOTHING else f"Spark {engine}"
                print(
                    f"{size:>13,} lines, {found['rows']:>10,} customers, {name:<16} start "
                    f"{start:5.1f} s, first {first:6.1f} s, next {later:6.1f} s, {found['MB']:,} MB"
                )
            print("the same figures" if len(digests) == 1 else "THE FIGURES DIFFER")
    print({each: version(each) for each in ("duckdb", "ibis-framework", "pyspark")})


if __name__ == "__main__":
    if sys.argv[1:2] == ["side"]:
        side(*sys.argv[2:])
    else:
        main(*(kind(text) for kind, text in zip((int, str), sys.argv[1:], strict=False)))
