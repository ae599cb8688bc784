"""How long preparing takes beside a plain copy of the same rows by DuckDB, and how it grows.

    python benchmarks/prepare_speed.py parquet [lines ...]    invented lines, 15 per customer
    python benchmarks/prepare_speed.py text [lines]           the same lines as UTF-8 and GB18030
    python benchmarks/prepare_speed.py files [files ...]      of 200 lines, one for each day
    python benchmarks/prepare_speed.py file sales.csv.gz id=HEADER day=HEADER amount=HEADER

The plain copy has the same filters, types and partitions, and none of the rules, counts and regions
by customer. Each is measured in a process of its own that has done it once before; seconds are of
the clock, and of the processor in brackets: the median of five goes, of fewer if they take long.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import yaml

REGIONS = ("North", "South", "East", "West", "Centre", "Islands")
SHARED = Path(__file__).parents[1] / "config"
COLUMNS = dict.fromkeys(["customer_id", "ordered_at", "amount", "order_id", "product", "region"])
QUIET = "SET enable_progress_bar = false"
GOES, ENOUGH_SECONDS = 5, 30.0
LINES_PER_FILE = 200
KEY = "a key of this benchmark: 0123456789"


class Took(NamedTuple):
    """Seconds of the clock and of the processor, and the most memory of a process in GB."""

    seconds: float
    cpu: float
    memory: float

    def __str__(self) -> str:
        """Give what it took on one line."""
        return f"{self.seconds:.1f} s ({self.cpu:.1f}), {self.memory:.1f} GB"

    def ratio(self, other: Took) -> str:
        """Say how many times as long as another it took."""
        return f"{self.seconds / other.seconds:.2f} times ({self.cpu / other.cpu:.2f})"


def main(what: str, *args: str) -> None:
    """Print a line per measurement."""
    os.environ["CVM_KEY"] = KEY
    with tempfile.TemporaryDirectory() as folder:
        if what == "file":
            compare(Path(folder), Path(args[0]).resolve(), dict(a.split("=", 1) for a in args[1:]))
            return
        if what == "files":
            compare_files(Path(folder), [int(each) for each in args or ["1", "36", "365"]])
            return
        for lines in map(int, args or ["1000000"] if what == "text" else args or ["10000000"]):
            path = Path(folder) / f"lines{lines}.parquet"
            invent(lines, path)
            if what == "parquet":
                compare(Path(folder), path, {})
            elif what == "text":
                compare_encodings(Path(folder), path)


def invent(lines: int, path: Path) -> None:
    """Write invented order lines of six regions."""
    customers = max(lines // 15, 1)
    listed = ", ".join(f"'{name}'" for name in REGIONS)
    with duckdb.connect() as con:
        con.execute(QUIET)
        con.execute("SET preserve_insertion_order = false")
        con.execute(f"""COPY (SELECT (100000000 + hash(i) % {customers})::VARCHAR AS customer_id,
            TIMESTAMP '2023-01-01' + INTERVAL (hash(i * 7 + 1) % 94608000) SECOND AS ordered_at,
            round(exp(4 + (hash(i * 3 + 5) % 1000) / 500.0), 2) AS amount, i // 2 AS order_id,
            '地板 ' || (hash(i * 11) % 500)::VARCHAR AS product,
            [{listed}][1 + (hash(hash(i) % {customers}) % 6)::INT] AS region
            FROM range({lines}) r(i)) TO '{path}' (FORMAT parquet)""")


def compare(folder: Path, path: Path, named: dict[str, str]) -> None:
    """Print seconds and memory of the plain copy and of preparing, without and with pseudonyms."""
    plain = measured(copy, path, folder / "plain", named)
    print(f"{path.name}, plain copy: {plain}", flush=True)
    for hidden in (False, True):
        took = measured(prepare, path, folder / "prepared", named, hidden)
        says = f"pseudonyms {'on' if hidden else 'off'}: {took}, {took.ratio(plain)}"
        print(f"{path.name}, {says}", flush=True)


def compare_encodings(folder: Path, path: Path) -> None:
    """Print the seconds of preparing the same lines as UTF-8 and as GB18030."""
    text = folder / "utf-8.csv"
    duckdb.sql(f"COPY (FROM '{path}') TO '{text}' (HEADER)")
    other = folder / "gb18030.csv"
    with (
        text.open(encoding="utf-8", newline="") as lines,
        other.open("w", encoding="gb18030", newline="") as to,
    ):
        to.writelines(lines)
    plain, wide = (
        measured(prepare, each, folder / "prepared", {}, False) for each in (text, other)
    )
    print(f"UTF-8: {plain}; GB18030: {wide}, {wide.ratio(plain)}")


def compare_files(folder: Path, numbers: list[int]) -> None:
    """Print the seconds of preparing so many files of a few lines, and those of the first case."""
    first: Took | None = None
    for files in numbers:
        lines = folder / f"{files}.parquet"
        invent(files * LINES_PER_FILE, lines)
        days = folder / f"days{files}"
        days.mkdir()
        for start in range(files):
            duckdb.sql(
                f"COPY (FROM '{lines}' LIMIT {LINES_PER_FILE} OFFSET {start * LINES_PER_FILE}) "
                f"TO '{days}/{start:04}.csv' (HEADER)"
            )
        took = measured(prepare, days / "*.csv", folder / "prepared", {}, False)
        first = first or took
        print(f"{files} files: {took}, {took.ratio(first)}", flush=True)


def measured(work: Callable[..., None], *args: Any) -> Took:
    """What work takes in a process of its own, when it is done for the second time."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(clock, (work, *args))


def clock(work: Callable[..., None], *args: Any, again: bool = True) -> Took:
    """What work takes in this process; again: it has done it before, so libraries are loaded."""
    if again:
        work(*args)
    clocks, goes = (time.perf_counter, time.process_time), list[list[float]]()
    while not goes or (again and len(goes) < GOES and sum(go[0] for go in goes) < ENOUGH_SECONDS):
        begin = [clock() for clock in clocks]
        work(*args)
        goes.append([clock() - start for clock, start in zip(clocks, begin, strict=True)])
    seconds, cpu = (statistics.median(each) for each in zip(*goes, strict=True))
    return Took(seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)


def copy(path: Path, to: Path, named: dict[str, str]) -> None:
    """Copy rows as they are: filtered, typed and partitioned by region."""
    header = {name: named.get(name, name) for name in named or COLUMNS}
    with duckdb.connect() as con:
        con.execute(QUIET)
        if path.suffix == ".parquet":
            wanted = "customer_id, ordered_at, amount::DECIMAL(18, 4) AS amount, order_id::VARCHAR"
            wanted += " AS order_id, product, region"
            partition = ", PARTITION_BY (region), OVERWRITE"
            where = "customer_id IS NOT NULL AND ordered_at < TIMESTAMP '2026-01-02'"
            con.execute(
                f"COPY (SELECT {wanted} FROM '{path}' WHERE {where} AND amount IS NOT NULL) "
                f"TO '{to}' (FORMAT parquet{partition})"
            )
        else:
            names = ", ".join(f'"{header[name]}"' for name in named)
            con.execute(f"COPY (SELECT {names} FROM '{path}') TO '{to}.parquet' (FORMAT parquet)")


def prepare(path: Path, to: Path, named: dict[str, str], hidden: bool) -> None:
    """Prepare the file as the one source of a business."""
    from cvm_analysis import settings
    from cvm_analysis.intake import prepare as intake

    intake.prepare(settings.load(write_config(path, to, named, hidden)), force=True)


def write_config(path: Path, to: Path, named: dict[str, str], hidden: bool) -> Path:
    """Write the config of a business with the file as its one source, beside `to`."""
    columns = {name: named.get(name, name) for name in (named or COLUMNS) if name != "region"}
    config = to.with_name("business.yaml")
    region = named.get("region", "region")
    content = {
        "business": "Benchmark",
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "pdf": "off",
        "pseudonyms": hidden,
        "extracted_on": "2026-01-01",
        "prepared": f"{to.name}-{hidden}",
        "regions": {"from": region, "pool_below": 5},
        "sources": {"transactions": [{"files": str(path), "columns": columns}]},
        "rules": {"stop_above": {"default": 0.5}},
    }
    rules = ("segments", "scorecards", "strategies")
    content |= {name: str(SHARED / f"{name}.yaml") for name in rules}
    config.write_text(yaml.safe_dump(content), "utf-8")
    return config


if __name__ == "__main__":
    main(*sys.argv[1:])
