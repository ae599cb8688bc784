"""The command that exports reports to a CRM."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cvm_analysis.cli.console import say, warn
from cvm_analysis.cli.options import ConfigFile, OutFolder

if TYPE_CHECKING:
    from cvm_analysis.crm.accounts import Found


def export(
    config: ConfigFile,
    to: Annotated[str, typer.Option(help="zoho, fxiaoke, csv, or a YAML file of your own.")],
    out: OutFolder = Path("reports"),
    language: Annotated[str, typer.Option(help="Of the words; default: the system's.")] = "",
    full: Annotated[bool, typer.Option("--full", help="All rows, not only changed ones.")] = False,
    reidentify: Annotated[
        bool, typer.Option("--reidentify", help="With the ids of the raw files; needs the key.")
    ] = False,
    accounts: Annotated[
        Path | None, typer.Option(help="The CRM's own export of its customers, to compare.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also what the desk changed in the CRM.")
    ] = False,
) -> None:
    """Export customers, tasks and marketing lists of the newest reports to a CRM."""
    from cvm_analysis.crm import export as exports
    from cvm_analysis.crm import systems
    from cvm_analysis.settings import load

    options = exports.Options(language, full, reidentify, accounts, overwrite)
    made = exports.export(load(config), systems.load(to), out, options)
    for region, as_of in made.regions.items():
        say(f"{region}: report of {as_of}")
    for name, n_rows in made.files:
        say(f"{made.folder / name}: {n_rows:,} rows")
    if not made.files:
        say(f"{made.folder}: no row has changed since the last export")
    if made.found:
        _say_found(made.found)
    if made.n_conflicts:
        kept = "is overwritten" if overwrite else "is kept"
        place = made.folder / exports.CONFLICTS
        warn(f"{place}: rows: {made.n_conflicts:,}; what the desk changed in the CRM {kept}")


def _say_found(found: Found) -> None:
    if found.lost:
        warn(f"customers no longer in the CRM, deleted or merged there: {len(found.lost):,}")
    if found.n_unknown:
        say(f"customers of the CRM who were not exported: {found.n_unknown:,}")
    if found.not_compared:
        warn(f"not compared, as the file lacks them: {', '.join(found.not_compared)}")
