"""Commands about regions, rows and lists: regions, quarantine, quality, reidentify."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cvm_analysis.cli.console import say
from cvm_analysis.cli.options import ConfigFile
from cvm_analysis.errors import InputError


def regions(config: ConfigFile) -> None:
    """List the keys of the prepared regions, one on each line."""
    from cvm_analysis import prepared
    from cvm_analysis.settings import load

    for key in prepared.region_keys(load(config)):
        typer.echo(key)


def quarantine(
    config: ConfigFile,
    line: Annotated[str, typer.Option(help="A line to correct, as FILE:LINE.")] = "",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="COLUMN=VALUE of it; may be repeated.")
    ] = None,
    edited: Annotated[
        Path | None, typer.Option(help="A copy of the printed CSV with other values.")
    ] = None,
) -> None:
    """Print the rejected lines as CSV: file, line, rule, column, value; or correct some."""
    import pandas as pd

    from cvm_analysis.intake import corrections
    from cvm_analysis.intake.gate import quarantine_folder
    from cvm_analysis.prepared import stamp
    from cvm_analysis.settings import load

    settings = load(config)
    stamp(settings)  # refuses the tables of another business
    stopped = quarantine_folder(settings)
    folder = stopped if stopped.is_dir() else settings.prepared
    if not (folder / "quarantine.parquet").is_file():
        raise InputError(f"{folder}: no prepared tables; run `cvm prepare {config}`")
    rows = pd.read_parquet(folder / "quarantine.parquet")
    if edited is None and not line:
        sys.stdout.write(corrections.shown(rows))
        return
    if edited is not None:
        new = corrections.from_edited(rows, edited.read_text("utf-8-sig"))
    else:
        pairs = (each.partition("=") for each in set_ or [])
        new = corrections.from_options(rows, line, {name: value for name, _, value in pairs})
    corrections.add(settings, new)
    say(f"{corrections.path(settings)}: {len(new):,} cells corrected; run `cvm prepare {config}`")


def quality(config: ConfigFile) -> None:
    """Print the score of each column by region as CSV, and what it was before."""
    import pandas as pd

    from cvm_analysis.intake import quality_scores
    from cvm_analysis.prepared import stamp
    from cvm_analysis.settings import load

    made = stamp(load(config))
    if "scores" not in made:
        raise InputError(f"{config}: no prepared tables; run `cvm prepare {config}`")
    now = pd.DataFrame(made["scores"])
    quality_scores.compare(now, made["history"][:-1]).to_csv(sys.stdout, index=False)


def reidentify(
    config: ConfigFile,
    listed: Annotated[Path, typer.Argument(metavar="LIST", help="A list: .csv or .xlsx.")],
    to: Annotated[Path | None, typer.Option(help="The file to write.")] = None,
) -> None:
    """Write a copy of a list with the ids of the raw files; needs the key."""
    from cvm_analysis import validate
    from cvm_analysis.intake import reidentify as ids

    made = ids.reidentify(validate.check(config), listed, to)
    unknown = f", {made.n_unknown:,} are not known" if made.n_unknown else ""
    say(f"{made.path}: {made.n_found:,} customers have their ids{unknown}; keep it to yourself")
