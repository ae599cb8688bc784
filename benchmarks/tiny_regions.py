"""How long many small regions take: 20 of 200 customers each, two notebooks at a time.

    python benchmarks/tiny_regions.py [regions] [customers of each]

Customers of the sample, with all that is recorded of them, are dealt out to new regions; needs
`cvm prepare config/sample.yaml`. Printed are the seconds of the whole run, those before the first
region is begun (preparing and the company's analysis), and the rest for each region.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).parent.parent
PREPARED = ROOT / "data" / "prepared" / "sample"
CONFIG = ROOT / "config" / "sample.yaml"
TAKEN = ("transactions", "feedback", "contracts", "campaign_members", "contact_log", "consents")
TAKEN += ("points", "indicators")
RULES = ("segments", "scorecards", "strategies")
CVM = Path(sys.executable).with_name("cvm")


def main(n_regions: int = 20, n_customers: int = 200) -> None:
    """Deal out the customers, run, and print the seconds."""
    with tempfile.TemporaryDirectory() as work:
        config = write(Path(work), n_regions, n_customers)
        began = time.time()
        command = [CVM, "run", config, "--out", Path(work) / "out", "--log", "json"]
        said = subprocess.run([*map(str, command), "--notebooks", str(ROOT / "notebooks")],
                              check=True, capture_output=True, text=True)  # fmt: skip
        whole = time.time() - began
    events = [json.loads(line) for line in said.stdout.splitlines() + said.stderr.splitlines()]
    started = [e for e in events if e["event"] == "running" and e.get("region") != "all"]
    before = pd.Timestamp(started[0]["time"]).timestamp() - began
    last = [e for e in events if e["event"] == "published" and e.get("region") != "all"][-1]
    regions = pd.Timestamp(last["time"]).timestamp() - began - before
    print(
        f"{n_regions} regions of {n_customers} customers: {whole:.0f} s, of which {before:.0f} s "
        f"before the first region; {regions / n_regions:.1f} s for each region, two at a time"
    )


def write(work: Path, n_regions: int, n_customers: int) -> Path:
    """Write the tables of customers in new regions, and a config; return its path."""
    people = pd.read_parquet(PREPARED / "customers_raw").drop(columns="region")
    people = people.sample(n_regions * n_customers, random_state=0).reset_index(drop=True)
    people["region"] = [f"r{number % n_regions:02d}" for number in people.index]
    sources = {"customers": source(work, "customers", people)}
    for table in TAKEN:
        rows = pd.read_parquet(PREPARED / table).drop(columns="region")
        rows = rows[rows["customer_id"].isin(people["customer_id"])]
        rows = rows.rename(columns=lambda name: name.removesuffix(".own"))
        sources[table] = source(work, table, rows.drop(columns="observed_from", errors="ignore"))
    whole = yaml.safe_load(CONFIG.read_text("utf-8"))
    taken = ("business", "currency", "timezone", "extracted_on", "value", "points", "levels")
    content = {name: whole[name] for name in taken} | {
        "pseudonyms": False,
        "regions": {
            key: {"match": [key], "en": key, "zh": key} for key in sorted({*people.region})
        },
        "sources": sources,
        "words": whole["words"],
        **{name: str(CONFIG.with_name(f"{name}.yaml")) for name in RULES},
    }
    config = work / "config" / "tiny.yaml"
    config.parent.mkdir()
    config.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return config


def source(work: Path, table: str, rows: pd.DataFrame) -> list[dict[str, object]]:
    """Write a table as CSV, and describe it as a source whose headers are our names."""
    path = work / f"{table}.csv"
    rows.to_csv(path, index=False)
    return [{"files": str(path), "columns": {name: name for name in rows}}]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
