"""Commands that make reports: check, prepare, run."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cvm_analysis.cli.console import err, say, warn
from cvm_analysis.cli.options import AsOf, ConfigFile, Notebooks, OutFolder

if TYPE_CHECKING:
    from cvm_analysis.settings import Settings


def check(
    config: ConfigFile,
    out: OutFolder = Path("reports"),
    notebooks: Notebooks = Path("notebooks"),
) -> None:
    """Check all that would stop a run: config, raw files row by row, key, notebooks, folders."""
    from cvm_analysis import validate
    from cvm_analysis.cli import plans
    from cvm_analysis.intake.prepare import rehearse
    from cvm_analysis.run import fan_out

    settings = validate.check(config)
    for warning in validate.warnings(settings):
        warn(warning)
    with rehearse(settings) as made:
        validate.check_prepared(made)
        fan_out.check(plans.make(made, [], "", out, notebooks, ("en",)))
    say(f"{config}: good")


def prepare(
    config: ConfigFile,
    force: Annotated[bool, typer.Option(help="Prepare even if nothing changed.")] = False,
) -> None:
    """Read and check the raw files, once for all regions."""
    from cvm_analysis import validate
    from cvm_analysis.intake.prepare import prepare as prepare_tables

    settings = validate.check(config)
    _say_other_keys(settings)
    _say_prepared(settings, prepare_tables(settings, force))
    validate.check_prepared(settings)


def run(
    config: ConfigFile,
    region: Annotated[
        list[str] | None, typer.Option(help="Key of a region; may be repeated. Default: all.")
    ] = None,
    as_of: AsOf = "",
    out: OutFolder = Path("reports"),
    notebooks: Notebooks = Path("notebooks"),
    jobs: Annotated[int, typer.Option(min=1, help="Notebooks at a time.")] = 2,
    language: Annotated[list[str] | None, typer.Option(help="Language of the report.")] = None,
    force: Annotated[bool, typer.Option(help="Run even if nothing changed.")] = False,
    prepared: Annotated[bool, typer.Option(help="Use the existing prepared tables.")] = False,
    notebook_minutes: Annotated[float, typer.Option(min=0, help="Time of one notebook.")] = 60,
    run_minutes: Annotated[float | None, typer.Option(min=0, help="Time of the run.")] = None,
    memory_gb: Annotated[float, typer.Option(min=0, help="Of one notebook; 0: no limit.")] = 0,
) -> None:
    """Run the notebooks for `all` and every region, and publish the reports."""
    ends_at = time.monotonic() + 60 * run_minutes if run_minutes else math.inf
    from cvm_analysis import prepared as prepared_tables
    from cvm_analysis import validate
    from cvm_analysis.cli import plans
    from cvm_analysis.intake.prepare import prepare as prepare_tables
    from cvm_analysis.run import fan_out, progress
    from cvm_analysis.texts import words

    settings = validate.check(config)
    languages = tuple(language or ["en"])
    for each in languages:
        words(each)  # fails early for an unknown language
    if not prepared:
        _say_other_keys(settings)
        _say_prepared(settings, prepare_tables(settings))
    with prepared_tables.kept(settings) as kept:
        validate.check_prepared(kept)
        plan = plans.make(kept, region or [], as_of, out, notebooks, languages)
        names = {key: each[languages[0]] for key, each in plan.regions.items()}
        with progress.open_progress(names, err) as show:
            plan = replace(plan, jobs=jobs, force=force, ends_at=ends_at)
            plan = replace(
                plan, limit_seconds=60 * notebook_minutes, memory_bytes=int(memory_gb * 1e9)
            )
            outcome = fan_out.run(plan, show)
    for key, alerts in fan_out.find_alerts(plan, languages[0]).items():
        if alerts:
            more = f" ({len(alerts) - 1} more)" if alerts[1:] else ""
            say(f"{names[key]}: {alerts[0]}{more}")
    for result in outcome.failed:
        err.print(f"{result.region}: failed: {result.failure}", markup=False, highlight=False)
    if outcome.portal_failure:
        failure = f"{outcome.portal}: not written: {outcome.portal_failure}"
        err.print(failure, markup=False, highlight=False)
    else:
        say(str(outcome.portal))
    if outcome.failed or outcome.portal_failure:
        raise typer.Exit(1)


def _say_other_keys(settings: Settings) -> None:
    """Report prepared tables of another key; `prepare` refuses a ledger of one."""
    from cvm_analysis import owner
    from cvm_analysis.intake import pseudonyms

    found = pseudonyms.find_other_keys(settings)
    if found and settings.ledger not in found:
        warn(owner.describe_other_key(found))


def _say_prepared(settings: Settings, changed: bool) -> None:
    from cvm_analysis import prepared

    stamp = prepared.stamp(settings)
    what = "order lines" if settings.business.sources.transactions else "contracts"
    rows = f"{stamp['rows_accepted']:,} of {stamp['rows_read']:,} {what} accepted"
    say(f"{settings.prepared}: {rows}" + ("" if changed else ", unchanged"))
    for note in stamp["notes"]:
        say(note)
    for warning in stamp.get("warnings", ()):
        warn(warning)
    if last := stamp["incomplete_day"]:
        say(
            f"{last['day']} seems incomplete: {last['n_buyers']:,} buyers, usually "
            f"{last['usual']:,.0f} on this weekday; reports end on {stamp['as_of']}, unless "
            f"--as-of {last['day']} is given"
        )
