"""Commands that make reports: check, prepare, fetch, run, publish; and notify, which tests how
a run tells its end.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cvm_analysis.cli import logs
from cvm_analysis.cli.console import say, warn
from cvm_analysis.cli.options import AsOf, ConfigFile, Notebooks, OutFolder
from cvm_analysis.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cvm_analysis.cli.ending import Course
    from cvm_analysis.cli.logs import Log
    from cvm_analysis.run.fan_out import Outcome
    from cvm_analysis.run.plan import Plan, Progress
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
    from cvm_analysis.settings import load_contacts

    settings = validate.check(config)
    if problems := [*load_contacts(config).find_problems()]:
        raise ConfigError("\n".join(problems))
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

    settings, said = validate.check(config), logs.TextLog()
    _say_other_keys(settings, said)
    _say_prepared(settings, prepare_tables(settings, force), said)
    _put_copy(settings, said)
    validate.check_prepared(settings)


def fetch(config: ConfigFile) -> None:
    """Copy the prepared tables here from `prepared_url`, where another machine put them."""
    from cvm_analysis import validate

    settings = validate.check_without_files(config)
    if settings.business.prepared_url is None:
        raise InputError(f"{config}: nothing to fetch from; set `prepared_url`")
    if not _fetch_copy(settings, logs.TextLog()):
        say(f"{settings.prepared}: up to date")


def run(
    config: ConfigFile,
    region: Annotated[
        list[str] | None, typer.Option(help="Key of a region; may be repeated. Default: all.")
    ] = None,
    as_of: AsOf = "",
    out: OutFolder = Path("reports"),
    notebooks: Notebooks = Path("notebooks"),
    jobs: Annotated[
        int, typer.Option(min=1, help="Notebooks at a time, and processes of each.")
    ] = 2,
    language: Annotated[list[str] | None, typer.Option(help="Language of the report.")] = None,
    force: Annotated[bool, typer.Option(help="Run even if nothing changed.")] = False,
    prepared: Annotated[bool, typer.Option(help="Use the existing prepared tables.")] = False,
    notebook_minutes: Annotated[float, typer.Option(min=0, help="Time of one notebook.")] = 60,
    run_minutes: Annotated[float | None, typer.Option(min=0, help="Time of the run.")] = None,
    memory_gb: Annotated[float, typer.Option(min=0, help="Of one notebook; 0: no limit.")] = 0,
    log: Annotated[logs.Format, typer.Option(help="Texts, or JSON lines for a log.")] = "text",
) -> None:
    """Run the notebooks for `all` and every region, and publish the reports."""
    ends_at = time.monotonic() + 60 * run_minutes if run_minutes else math.inf
    from cvm_analysis import prepared as prepared_tables
    from cvm_analysis import validate
    from cvm_analysis.cli import ending, plans
    from cvm_analysis.intake.prepare import prepare as prepare_tables
    from cvm_analysis.run import fan_out, notebook

    said, languages = logs.open_log(log), tuple(language or ["en"])
    with ending.announced(config, out, said) as course:
        settings = (validate.check_without_files if prepared else validate.check)(config)
        _check_languages(languages)
        notebook.warm_up()
        if prepared:
            _fetch_copy(settings, said)
        else:
            _say_other_keys(settings, said)
            _say_prepared(settings, prepare_tables(settings), said)
            _put_copy(settings, said)
        with prepared_tables.kept(settings) as kept:
            validate.check_prepared(kept)
            plan = plans.make(kept, region or [], as_of, out, notebooks, languages)
            plan = replace(plan, jobs=jobs, force=force, ends_at=ends_at)
            plan = replace(
                plan, limit_seconds=60 * notebook_minutes, memory_bytes=int(memory_gb * 1e9)
            )
            _carry_out(fan_out.run, plan, course, said)


def publish(
    config: ConfigFile,
    as_of: AsOf = "",
    out: OutFolder = Path("reports"),
    notebooks: Notebooks = Path("notebooks"),
    language: Annotated[list[str] | None, typer.Option(help="Language of the report.")] = None,
    log: Annotated[logs.Format, typer.Option(help="Texts, or JSON lines for a log.")] = "text",
) -> None:
    """Report `all` on the regions that other machines published, and write the portal."""
    from cvm_analysis import prepared as prepared_tables
    from cvm_analysis import validate
    from cvm_analysis.cli import ending, plans
    from cvm_analysis.run import fan_out

    said, languages = logs.open_log(log), tuple(language or ["en"])
    with ending.announced(config, out, said) as course:
        settings = validate.check_without_files(config)
        _check_languages(languages)
        _fetch_copy(settings, said)
        with prepared_tables.kept(settings) as kept:
            validate.check_prepared(kept)
            plan = plans.make(kept, [], as_of, out, notebooks, languages)
            _carry_out(fan_out.publish, plan, course, said)


def _put_copy(settings: Settings, said: Log) -> None:
    from cvm_analysis import prepared_copy

    if prepared_copy.put(settings):
        said.note(f"{settings.business.prepared_url}: has a copy of the prepared tables")


def _fetch_copy(settings: Settings, said: Log) -> bool:
    from cvm_analysis import prepared_copy

    is_new = prepared_copy.fetch(settings)
    if is_new:
        said.note(f"{settings.prepared}: copied from {settings.business.prepared_url}")
    return is_new


def _check_languages(languages: tuple[str, ...]) -> None:
    """Raise InputError for an unknown language."""
    from cvm_analysis.texts import words

    for each in languages:
        words(each)


def _carry_out(
    work: Callable[[Plan, Progress], Outcome], plan: Plan, course: Course, said: Log
) -> None:
    """Carry out a plan and say how it went; exit code 1 if a region or the portal failed."""
    from cvm_analysis.run import fan_out

    course.begin(plan)
    with said.open_progress(course.names) as show:
        outcome = work(plan, course.follow(show))
    course.end(outcome)
    for key, alerts in fan_out.find_alerts(plan, plan.languages[0]).items():
        if alerts:
            more = f" ({len(alerts) - 1} more)" if alerts[1:] else ""
            said.alert(key, course.names[key], f"{alerts[0]}{more}")
    said.end(outcome)
    if outcome.failed or outcome.portal_failure:
        raise typer.Exit(1)


def notify(config: ConfigFile) -> None:
    """Send a test to all whom the config names under `notify`."""
    from cvm_analysis.cli import ending
    from cvm_analysis.notifications import delivery, message
    from cvm_analysis.settings import load_contacts

    contacts = load_contacts(config)
    channels = contacts.notify.all_channels
    if not channels:
        raise InputError(f"{config}: nobody is notified; name channels under `notify`")
    test = message.test(contacts.business, config.name, contacts.notify.portal or "")
    failures = delivery.deliver(channels, test)
    for keys, channel in channels.items():
        if keys not in failures:
            say(f"{contacts.where(*keys)}: {channel}: sent")
    for said in ending.say_unsent(contacts, failures):
        warn(said)
    if failures:
        raise typer.Exit(1)


def _say_other_keys(settings: Settings, said: Log) -> None:
    """Report prepared tables of another key; `prepare` refuses a ledger of one."""
    from cvm_analysis import owner
    from cvm_analysis.intake import pseudonyms

    found = pseudonyms.find_other_keys(settings)
    if found and settings.ledger not in found:
        said.warn(owner.describe_other_key(found))


def _say_prepared(settings: Settings, changed: bool, said: Log) -> None:
    from cvm_analysis import prepared

    stamp = prepared.stamp(settings)
    what = "order lines" if settings.business.sources.transactions else "contracts"
    rows = f"{stamp['rows_accepted']:,} of {stamp['rows_read']:,} {what} accepted"
    said.note(f"{settings.prepared}: {rows}" + ("" if changed else ", unchanged"))
    for note in stamp["notes"]:
        said.note(note)
    for warning in stamp.get("warnings", ()):
        said.warn(warning)
    if last := stamp["incomplete_day"]:
        said.note(
            f"{last['day']} seems incomplete: {last['n_buyers']:,} buyers, usually "
            f"{last['usual']:,.0f} on this weekday; reports end on {stamp['as_of']}, unless "
            f"--as-of {last['day']} is given"
        )
