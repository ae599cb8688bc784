"""Commands about published reports: status, drafts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cvm_analysis.cli.console import say
from cvm_analysis.cli.options import AsOf, ConfigFile, OutFolder, Published
from cvm_analysis.errors import InputError


def status(out: Published) -> None:
    """List the published regions: date of the report and status of the last run."""
    from cvm_analysis.run import fan_out

    if not out.is_dir():
        raise InputError(f"{out}: no such folder; `cvm run` makes it")
    for entry in fan_out.entries(out, "en"):
        since = f" since {entry['since']}" if entry["since"] else ""
        without = f"; without {', '.join(entry['missing'])}" if entry["missing"] else ""
        newer = f"; newer report of {', '.join(entry['newer'])}" if entry["newer"] else ""
        damaged = f": {entry['damaged']} cannot be read" if entry["damaged"] else ""
        state = f"{entry['status']}{damaged}{since}{without}{newer}"
        say(f"{entry['region']:<24}{entry['as_of'] or '-':<12}{state}")


def drafts(
    config: ConfigFile,
    region: Annotated[str, typer.Option(help="A region's key.")] = "east",
    as_of: AsOf = "",
    out: OutFolder = Path("reports"),
) -> None:
    """Copy the tables of a region's report, so that any notebook can be opened by itself."""
    from cvm_analysis import results

    draft = results.open(config, region, as_of)
    published = out / region / draft.stamp["as_of"] / "desk"
    if not published.is_dir():
        raise InputError(f"{published}: no such report; run `cvm run {config}` first")
    draft.copy_from(published)
    say(f"{draft.folder}: tables for notebooks opened by hand")
