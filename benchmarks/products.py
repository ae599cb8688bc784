"""Pairs of products: how fast, how many by chance; recommendations: how often they hit.

    python benchmarks/products.py speed [order lines]            invented lines: time and memory
    python benchmarks/products.py shuffles CONFIG [region ...]   pairs in 20 shuffles
    python benchmarks/products.py hits CONFIG [region ...]       hit rates of each method
Online Retail: CVM_DATA names its folder; run `cvm prepare config/online_retail.yaml` before.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import duckdb
import ibis
import pandas as pd

from cvm_analysis import customers, prepared
from cvm_analysis.products import baskets, pairs, trial
from cvm_analysis.segments import classification_rules
from cvm_analysis.settings import Settings, load

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from curveball import shuffle

SHUFFLES = 20
LINES = """
COPY (
  SELECT 'C' || floor(n_lines / 12 * pow(random(), 1.5))::BIGINT AS customer_id,
    TIMESTAMP '2024-01-01' + INTERVAL (floor(730 * random())) DAY AS ordered_at,
    10.0 AS amount, 'product ' || floor(pow(3000, random()))::BIGINT AS product
  FROM (SELECT {n} AS n_lines, unnest(range({n})))
) TO '{path}' (FORMAT parquet)
"""


def measure_speed(n_lines: int) -> None:
    """Print seconds and memory of the pairs of invented order lines; 12 lines a customer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.parquet"
        duckdb.sql(LINES.format(n=n_lines, path=path))
        start = time.perf_counter()
        table = customers.baskets(
            ibis.duckdb.connect().read_parquet(path), pd.Timestamp("2026-01-01")
        )
        rows = table.to_pyarrow().to_pandas(strings_to_categorical=True)
        queried = time.perf_counter()
        read = baskets.read(rows)
        del rows
        numbered = time.perf_counter()
        found = pairs.find(read)
    seconds = queried - start, numbered - queried, time.perf_counter() - numbered
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sizes = f"{len(read.customers):,} customers, {len(read.products):,} products"
    print(
        f"{n_lines:,} order lines, {sizes}: query {seconds[0]:.1f} s, numbering {seconds[1]:.1f} s,"
    )
    print(f"pairs {seconds[2]:.1f} s, together {sum(seconds):.1f} s; peak {peak:.1f} GB; ", end="")
    print(f"{len(found)} pairs by chance alone")


def count_shuffled(settings: Settings, regions: Iterable[str]) -> None:
    """Print the pairs of each region, and those of its shuffles."""
    for region in regions:
        data = prepared.open(settings, region)
        rows = data.baskets(data.last_day, settings.business.products.exclude)
        real = len(pairs.find(baskets.read(rows)))
        rows = rows.drop(columns="category", errors="ignore")
        false = [len(pairs.find(baskets.read(shuffle(rows, seed)))) for seed in range(SHUFFLES)]
        print(
            f"{region}: {real:,} pairs; shuffled {SHUFFLES} times: {sum(false)} in all", flush=True
        )


def measure_hits(settings: Settings, regions: Iterable[str]) -> None:
    """Print the hit rate of each method at the last origin, and the ratio of the one chosen."""
    for region in regions:
        data = prepared.open(settings, region)
        read = baskets.read(data.baskets(data.last_day, settings.business.products.exclude))
        rules, found = settings.segments, data.customers(data.last_day)
        learned = classification_rules.find_thresholds(found, rules.rfm)
        naming = classification_rules.Naming(rules.rfm, *learned.values(), rules.life_cycle)
        tested = trial.run(
            read, data.last_day, lambda d, n=naming, t=data: n.name_all(t.customers(d))
        )
        said = trial.summarize(tested.table)
        if said is None:
            print(f"{region}: not tested", flush=True)
            continue
        last = tested.table[tested.table["day"] == tested.table["day"].max()]
        rates = ", ".join(
            f"{m} {r:.3f}" for m, r in zip(last["method"], last["hit_rate"], strict=True)
        )
        print(f"{region}: {said.n_customers:,} customers, {said.n_shown} shown: {rates};", end=" ")
        low, high = said.ratio_low, said.ratio_high
        print(
            f"ratio {said.ratio:.2f} ({low:.2f} to {high:.2f}), uses {tested.choice.method}",
            flush=True,
        )


if __name__ == "__main__":
    part, *rest = sys.argv[1:]
    if part == "speed":
        for n in [int(each) for each in rest] or (1_000_000, 10_000_000):
            measure_speed(n)
    else:
        settings = load(rest[0])
        regions = rest[1:] or list(prepared.region_names(settings))
        {"shuffles": count_shuffled, "hits": measure_hits}[part](settings, regions)
