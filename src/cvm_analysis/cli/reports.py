"""Commands about published reports: status, prune, customer, drafts."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cvm_analysis.cli.console import say, warn
from cvm_analysis.cli.options import AsOf, ConfigFile, OutFolder, Published
from cvm_analysis.errors import InputError


def status(
    out: Published,
    max_age_days: Annotated[
        int | None, typer.Option(min=0, help="From a report's date to today, at most.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object per region.")] = False,
) -> None:
    """List the newest report of each region, and say what is wrong: exit code 0 if nothing is."""
    from cvm_analysis.run.status import judge

    if not out.is_dir():
        raise InputError(f"{out}: no such folder; `cvm run` makes it")
    found = judge(out, dt.datetime.now(dt.UTC), max_age_days)
    for each in found:
        state = "; ".join([each.state, *each.problems])
        line = f"{each.region:<24}{each.as_of or '-':<12}{state}"
        say(json.dumps(asdict(each), ensure_ascii=False) if json_ else line)
    wrong = [f"{each.region}: {problem}" for each in found for problem in each.problems]
    if not found:
        wrong = [f"{out}: nothing is published; `cvm run` publishes reports"]
    if wrong:
        (warn if json_ else say)("; ".join(wrong))
        raise typer.Exit(1)


def prune(
    out: Published,
    keep: Annotated[int | None, typer.Option(help="Newest reports of a region that stay.")] = None,
    older_than_days: Annotated[
        int | None, typer.Option(min=0, help="Only reports so much older than the newest one go.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing, say what.")] = False,
) -> None:
    """Remove old reports of each region: not the newest, nor what reports and portal lead to."""
    from cvm_analysis.run import retention

    if keep is None and older_than_days is None:
        raise InputError("nothing to go by; give --keep, --older-than-days or both")
    rule = retention.Rule(retention.LEAST if keep is None else keep, older_than_days)
    waiting = set[str]()

    def wait(region: str) -> None:
        if region not in waiting:
            warn(f"{region}: waits for a run")
        waiting.add(region)

    found = retention.rehearse(out, rule) if dry_run else retention.prune(out, rule, wait)
    word, n_reports, n_bytes = "would be removed" if dry_run else "removed", 0, 0
    for each in found:
        say(f"{each.region}/{each.as_of}: {word}, {each.n_bytes:,} bytes")
        n_reports, n_bytes = n_reports + 1, n_bytes + each.n_bytes
    reports = "report" if n_reports == 1 else "reports"
    say(f"{out}: {n_reports:,} {reports} {word}, {n_bytes:,} bytes")


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


def customer(
    config: ConfigFile,
    customer_id: Annotated[
        str, typer.Argument(metavar="ID", help="As lists show it or, with the key, a raw id.")
    ],
    out: OutFolder = Path("reports"),
    language: Annotated[
        list[str] | None, typer.Option(help="Language of the page. Default: all.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Folder of the page. Default: desk/customers of the report.")
    ] = None,
    with_raw_id: Annotated[
        bool, typer.Option("--with-raw-id", help="Show the id of the raw files; needs the key.")
    ] = False,
) -> None:
    """Write the page of one customer, for whoever calls next, from the newest report."""
    from cvm_analysis import customer_file
    from cvm_analysis.texts import languages, words

    chosen = language or languages()
    for each in chosen:
        words(each)  # fails early for an unknown language
    for path in customer_file.write(config, customer_id, out, chosen, to, with_raw_id):
        say(f"{path}")
