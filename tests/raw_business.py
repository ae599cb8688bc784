"""A business whose order lines are read from hand-made files, as one source's settings say."""

import shutil
import textwrap
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from cvm_analysis.intake.prepare import prepare
from cvm_analysis.settings import load

CONFIG = Path(__file__).parent.parent / "config"


class Prepared(NamedTuple):
    """Its settings, the accepted order lines, rows by check of all regions, and quarantine."""

    settings: object
    lines: pd.DataFrame
    found: dict[str, int]
    quarantine: pd.DataFrame


def write(folder, source, files, extra=""):
    """Write files and config: `source` is the YAML of one source, `extra` that of settings."""
    for name, content in files.items():
        (folder / name).write_text(content, "utf-8")
    for rules in ("segments.yaml", "scorecards.yaml", "strategies.yaml"):
        shutil.copy(CONFIG / rules, folder)
    below = textwrap.indent(textwrap.dedent(source).strip(), "      ").lstrip()
    (folder / "mine.yaml").write_text(
        f"business: Mine\ncurrency: USD\npseudonyms: off\nextracted_on: 2026-01-01\n"
        f"prepared: prepared\nledger: ledger\n{extra}"
        "rules: {stop_above: {default: 0}}\nregions: {main: {en: Main, zh: 主区域}}\n"
        f"sources:\n  transactions:\n    - {below}\n",
        "utf-8",
    )
    return folder / "mine.yaml"


def prepared(folder, source, files, extra=""):
    """Prepare the business of a config."""
    settings = load(write(folder, source, files, extra))
    prepare(settings)
    quality = pd.read_parquet(settings.prepared / "quality.parquet")
    quality = quality[(quality["region"] == "all") & (quality["n_rows"] > 0)]
    lines = pd.read_parquet(settings.prepared / "transactions").drop(columns="region")
    numbers = [name for name in ("amount", "quantity", "cost", "discount") if name in lines]
    lines = lines.astype(dict.fromkeys(numbers, float))
    rejected = pd.read_parquet(settings.prepared / "quarantine.parquet")
    counts = quality.set_index("check")["n_rows"].to_dict()
    return Prepared(settings, lines, counts, rejected)
