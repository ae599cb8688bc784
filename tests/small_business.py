"""A business of hand-made files of a few lines, whose headers are ours."""

import shutil
from pathlib import Path

from cvm_analysis import settings as settings_module
from cvm_analysis.intake.prepare import prepare

CONFIG = Path(__file__).parent.parent / "config"
NAMED = "{n: {match: [Nord], en: North, zh: 北}, s: {match: [Sud], en: South, zh: 南}}"


def small(folder, *given, **more):
    """Write a business as `write` does, and prepare it."""
    settings = settings_module.load(write(folder, *given, **more))
    prepare(settings)
    return settings


def write(
    folder,
    regions,
    sales,
    people="",
    pseudonyms="off",
    prepared="prepared",
    others=None,
    limit=1,
    mask=(),
    rules="",
):
    """Write its files and its config, whose path is given, into a folder.

    sales : text by name of file; others : text by setting, such as consents; limit : stop_above;
    mask : columns of `people` with personal details; rules : YAML of `rules.columns`
    """
    others = others or {}
    files = {f"{setting}.csv": text for setting, text in others.items()}
    for file, text in {**sales, **files, "people.csv": people}.items():
        (folder / file).write_text(text, "utf-8")
    for name in ("segments.yaml", "scorecards.yaml", "strategies.yaml"):
        shutil.copy(CONFIG / name, folder)
    sources = ""
    for file, text in sales.items():
        columns = ", ".join(f"{c}: {c}" for c in header(text) if c != "land")
        sources += f"    - {{files: {file}, columns: {{{columns}}}}}\n"
    if people:
        columns = ", ".join(f"{c}: {c}" for c in header(people) if c not in mask)
        hidden = f", mask: [{', '.join(mask)}]" if mask else ""
        sources += f"  customers:\n    - {{files: people.csv, columns: {{{columns}}}{hidden}}}\n"
    for setting, text in others.items():
        columns = ", ".join(f"{c}: {c}" for c in header(text))
        sources += f"  {setting}:\n    - {{files: {setting}.csv, columns: {{{columns}}}}}\n"
    (folder / "small.yaml").write_text(
        f"business: Small\ncurrency: EUR\npseudonyms: {pseudonyms}\n"
        f"prepared: {prepared}\nledger: ledger\n"
        f"extracted_on: 2026-01-01\nregions: {regions}\n"
        f"rules: {{stop_above: {{default: {limit}}}, columns: [{rules}]}}\n"
        f"sources:\n  transactions:\n{sources}",
        "utf-8",
    )
    return folder / "small.yaml"


def header(text):
    return text.splitlines()[0].split(",")
