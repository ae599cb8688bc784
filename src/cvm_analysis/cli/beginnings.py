"""Commands that start something: the sample, a company's own folder, a config."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cvm_analysis.cli.console import say


def sample(
    folder: Annotated[Path, typer.Argument(help="Folder to write to.")] = Path("data/sample"),
    customers: Annotated[int, typer.Option(help="Number of retail customers.")] = 12_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same files.")] = 20260101,
) -> None:
    """Generate the raw files of a fictitious flooring company."""
    from cvm_analysis.sample import make

    make(folder, customers, seed)
    say(f"{folder}: raw files of a fictitious company; true parameters in truth.json")


def new(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder; with an option, yours.")],
    diff: Annotated[bool, typer.Option("--diff", help="Show what this version changes.")] = False,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Take it over, except in files you changed.")
    ] = False,
) -> None:
    """Start a company's own folder: notebooks, rule files, a key and a schedule."""
    from cvm_analysis.project import start
    from cvm_analysis.project import upgrade as upgrades

    if diff or upgrade:
        changes = upgrades.compare(folder) if diff else upgrades.upgrade(folder)
        for change in changes:
            say(str(change))
        if not changes:
            say(f"{folder}: nothing to change")
        return
    start.start(folder)
    say(f"{folder}: started; its README.md says how to make the first report")


def init(
    files: Annotated[
        list[str],
        typer.Argument(help="Raw files, or databases as postgres://host/name with --table."),
    ],
    table: Annotated[
        list[str] | None, typer.Option(help="A table of the databases; may be repeated.")
    ] = None,
    config: Annotated[
        Path, typer.Option("--for", help="The future config; paths start from its folder.")
    ] = Path("config/mine.yaml"),
) -> None:
    """Draft a config from raw files: cvm init sales.csv > config/mine.yaml."""
    from cvm_analysis.draft.draft import draft
    from cvm_analysis.draft.tables import DatabaseTable

    found: list[Path | DatabaseTable] = [Path(each) for each in files if "://" not in each]
    for url in (each for each in files if "://" in each):
        found += [DatabaseTable(url, name) for name in table or [""]]
    typer.echo(draft(found, config).encode(), nl=False)
