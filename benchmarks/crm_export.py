"""How long an export of a million customers takes: the first one, and one of what has changed.

    python benchmarks/crm_export.py [customers] [system ...]

Reports of five regions with random tables; one customer in twenty has a task, and one in ten
another margin in the second report. Each export runs in a process of its own, by default to `csv`;
seconds are of the clock, and of the processor in brackets.
"""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

CONFIG = Path(__file__).parents[1] / "config"
REGIONS = ("north", "south", "east", "west", "centre")
DAY = "2025-12-31"
SEGMENTS = ("champions", "loyal", "new", "at_risk", "lost")


def main(customers: str = "1000000", *systems: str) -> None:
    """Print a line per export."""
    with tempfile.TemporaryDirectory() as place:
        folder, n = Path(place), int(customers)
        write_config(folder)
        for seed, label in enumerate(("first export", "of what changed")):
            for i, region in enumerate(REGIONS):
                publish(folder / "reports" / region, region, n // len(REGIONS), i, seed)
            for system in systems or ("csv",):
                took = measure(folder, system)
                print(f"{system}, {label}: {took}")


def write_config(folder: Path) -> None:
    """Write a config whose pseudonyms are off; no source of it is read."""
    for name in ("segments.yaml", "scorecards.yaml", "strategies.yaml"):
        shutil.copy(CONFIG / name, folder)
    (folder / "b.yaml").write_text(
        "business: Benchmark\ncurrency: EUR\npseudonyms: off\nexports: exports\n"
        f"regions: {{{', '.join(f'{r}: {{en: {r}, zh: {r}}}' for r in REGIONS)}}}\n"
        "sources: {transactions: [{files: none.csv, region: north, columns: "
        "{customer_id: c, ordered_at: o, amount: a}}]}\n"
    )


def publish(folder: Path, region: str, n: int, part: int, seed: int) -> None:
    """Publish a report of a region, of n customers; another seed changes every tenth margin."""
    rng = np.random.default_rng(part)
    ids = [f"C{part}{number:011}" for number in range(n)]
    margin = rng.gamma(1, 200, n)
    margin[::10] += 50 * seed
    people = pd.DataFrame({"customer_id": ids})
    codes = {"segment": SEGMENTS, "grade": "ABC", "loyalty": ("loyal", "not_loyal")}
    codes |= dict.fromkeys(("frequency", "amount"), ("high", "mid", "low"))
    codes |= {"life_cycle": ("new", "growing", "mature", "lost"), "customer_type": ("retail",)}
    drawn = {name: rng.choice(list(values), n) for name, values in codes.items()}
    risk = rng.random(n)
    at = np.flatnonzero(rng.random(n) < 0.05)
    actions = people.iloc[at].assign(
        **{"action": "call_overdue", "rank": 1, "reason": "days_overdue", "reason_value": 9.0},
        **{"reason_text": None, "owner": "stores", "channel": "phone", "kind": "marketing"},
        **{"due_on": pd.Timestamp("2026-01-14"), "expected_gain": 12.0, "arm": "treated"},
        **{"consent": "given", "in_plan": True},
    )
    made = folder / f".{DAY}-{'0' * 12}"
    shutil.rmtree(made, ignore_errors=True)
    (made / "desk" / "tables").mkdir(parents=True)
    for name, table in {
        "customers": people.assign(city="Rome"),
        "segments": people.assign(**drawn),
        "value": people.assign(expected_margin=margin),
        "churn": people.assign(churn_risk=risk, margin_at_stake=margin * risk, list_priority=risk),
        "actions": actions,
        "next_products": people.assign(
            rank=1, product=rng.choice(["Oak", "Ash", "Fir"], n), because_of="Oil"
        ),
    }.items():
        table.to_parquet(made / "desk" / "tables" / f"{name}.parquet", index=False)
    about = {"fingerprint": "", "business": "Benchmark", "as_of": DAY, "languages": ["en"]}
    about |= {"outputs": {}, "code": {}, "names": {"en": region, "zh": region}}
    (made / "run.json").write_text(json.dumps(about))
    (folder / DAY).unlink(missing_ok=True)
    (folder / DAY).symlink_to(made.name)


def measure(folder: Path, system: str) -> str:
    """Export in another process, and say what it took."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(run, folder, system).result()


def run(folder: Path, system: str) -> str:
    """Export, and say what it took."""
    os.chdir(folder)
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        from cvm_analysis.crm import export, systems
        from cvm_analysis.settings import load

        options = export.Options()
        made = export.export(load("b.yaml"), systems.load(system), Path("reports"), options)
    seconds, memory = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    rows, cpu = sum(n for _, n in made.files), time.process_time()
    said = f"{rows:,} rows in {len(made.files):,} files, {seconds:.1f} s ({cpu:.1f})"
    return f"{said}, {memory.ru_maxrss / 1e6:.1f} GB"


if __name__ == "__main__":
    main(*sys.argv[1:])
