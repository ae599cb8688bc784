"""`cvm`: sample, new, init, check, prepare, regions, run, status, quarantine, quality, reidentify,
drafts.

Exit codes: 0 good; 1 some region failed, the others are published; 2 wrong use, config or input;
3 a data gate stopped it. For 2 and 3 nothing is published.
"""

from __future__ import annotations

import math
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cvm_analysis import endings
from cvm_analysis.errors import CvmError, InputError

if TYPE_CHECKING:
    from cvm_analysis.personal.known import Known
    from cvm_analysis.run.plan import Plan
    from cvm_analysis.settings import Settings

app = typer.Typer(
    help="Customer value analysis: from raw transactions to a report for each region.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
out = Console(soft_wrap=True, emoji=False)
err = Console(stderr=True, soft_wrap=True, emoji=False)

ConfigFile = Annotated[Path, typer.Argument(help="A YAML file such as config/sample.yaml.")]
AsOf = Annotated[str, typer.Option(help="The last day that counts, as 2026-01-31.")]
OutFolder = Annotated[Path, typer.Option("--out", help="Where reports are published.")]
Notebooks = Annotated[Path, typer.Option(help="The notebooks to run.")]


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Folder to write to.")] = Path("data/sample"),
    customers: Annotated[int, typer.Option(help="Number of retail customers.")] = 12_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same files.")] = 20260101,
) -> None:
    """Generate the raw files of a fictitious flooring company."""
    from cvm_analysis.sample import make

    make(folder, customers, seed)
    _say(f"{folder}: raw files of a fictitious company; true parameters in truth.json")


@app.command()
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
            _say(str(change))
        if not changes:
            _say(f"{folder}: nothing to change")
        return
    start.start(folder)
    _say(f"{folder}: started; its README.md says how to make the first report")


@app.command()
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


@app.command()
def check(
    config: ConfigFile,
    out: OutFolder = Path("reports"),
    notebooks: Notebooks = Path("notebooks"),
) -> None:
    """Check all that would stop a run: config, raw files row by row, key, notebooks, folders."""
    from cvm_analysis import validate
    from cvm_analysis.intake.prepare import rehearse
    from cvm_analysis.run import fan_out

    settings = validate.check(config)
    for warning in validate.warnings(settings):
        err.print(escape(f"cvm: {warning}"), highlight=False)
    with rehearse(settings) as made:
        validate.check_prepared(made)
        fan_out.check(_plan(made, [], "", out, notebooks, ("en",)))
    _say(f"{config}: good")


@app.command()
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


@app.command()
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
        plan = _plan(kept, region or [], as_of, out, notebooks, languages)
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
            _say(f"{names[key]}: {alerts[0]}{more}")
    for result in outcome.failed:
        err.print(f"{result.region}: failed: {result.failure}", markup=False, highlight=False)
    if outcome.portal_failure:
        failure = f"{outcome.portal}: not written: {outcome.portal_failure}"
        err.print(failure, markup=False, highlight=False)
    else:
        _say(str(outcome.portal))
    if outcome.failed or outcome.portal_failure:
        raise typer.Exit(1)


@app.command()
def regions(config: ConfigFile) -> None:
    """List the keys of the prepared regions, one on each line."""
    from cvm_analysis import prepared
    from cvm_analysis.settings import load

    for key in prepared.region_keys(load(config)):
        typer.echo(key)


@app.command()
def status(out: Annotated[Path, typer.Argument(help="Where reports are published.")]) -> None:
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
        _say(f"{entry['region']:<24}{entry['as_of'] or '-':<12}{state}")


@app.command()
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
    _say(f"{corrections.path(settings)}: {len(new):,} cells corrected; run `cvm prepare {config}`")


@app.command()
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


@app.command()
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
    _say(f"{made.path}: {made.n_found:,} customers have their ids{unknown}; keep it to yourself")


@app.command()
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
    _say(f"{draft.folder}: tables for notebooks opened by hand")


def _plan(
    settings: Settings,
    regions: list[str],
    as_of: str,
    out: Path,
    notebooks_folder: Path,
    languages: tuple[str, ...],
) -> Plan:
    from cvm_analysis import notebooks, prepared
    from cvm_analysis.run.plan import Plan
    from cvm_analysis.tables import ALL

    names = prepared.region_names(settings)
    for key in regions:
        prepared.check_region(settings, key)
    stamp = prepared.stamp(settings)
    return Plan(
        business=settings.business.business,
        config=settings.path,
        config_files=tuple(settings.files),
        notebooks_folder=notebooks_folder,
        notebooks=notebooks.select(settings.business.sources.main_table),
        regions={key: names[key] for key in regions or names},
        company_regions={key: name for key, name in names.items() if key != ALL},
        as_of=prepared.resolve_day(settings, as_of).isoformat(),
        out=out,
        ledger=settings.ledger,
        languages=languages,
        prepared=stamp["fingerprint"],
        inputs={file["name"]: file["sha256"] for file in stamp["files"]},
        has_pdf=settings.business.pdf == "auto",
        key_check=stamp.get("key_check", ""),
        personal=_known(settings),
        merges=prepared.merges(settings),
        private_folders=(settings.prepared, settings.ledger, *settings.raw_folders),
    )


def _known(settings: Settings) -> Known | None:
    """Read the hashes of what no output may show; None if pseudonyms are off."""
    from cvm_analysis.intake import pseudonyms
    from cvm_analysis.personal import known

    if not settings.business.pseudonyms:
        return None
    return known.load(settings.prepared, known.derive(pseudonyms.key()))


def _say_other_keys(settings: Settings) -> None:
    """Report prepared tables of another key; `prepare` refuses a ledger of one."""
    from cvm_analysis import owner
    from cvm_analysis.intake import pseudonyms

    found = pseudonyms.find_other_keys(settings)
    if found and settings.ledger not in found:
        err.print(escape(f"cvm: {owner.describe_other_key(found)}"), highlight=False)


def _say_prepared(settings: Settings, changed: bool) -> None:
    from cvm_analysis import prepared

    stamp = prepared.stamp(settings)
    what = "order lines" if settings.business.sources.transactions else "contracts"
    rows = f"{stamp['rows_accepted']:,} of {stamp['rows_read']:,} {what} accepted"
    _say(f"{settings.prepared}: {rows}" + ("" if changed else ", unchanged"))
    for note in stamp["notes"]:
        _say(note)
    for warning in stamp.get("warnings", ()):
        err.print(escape(f"cvm: {warning}"), highlight=False)
    if last := stamp["incomplete_day"]:
        _say(
            f"{last['day']} seems incomplete: {last['n_buyers']:,} buyers, usually "
            f"{last['usual']:,.0f} on this weekday; reports end on {stamp['as_of']}, unless "
            f"--as-of {last['day']} is given"
        )


def _say(text: str) -> None:
    out.print(escape(text), highlight=False)


def main() -> None:
    """Run `cvm`: errors of a user or of the machine end in one message, others in a traceback."""
    debug = "--debug" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    try:
        with endings.orderly():
            app()
    except Exception as error:
        if debug:
            raise
        if said := endings.describe(error):
            err.print(escape(f"cvm: {said}"), highlight=False)
        else:
            traceback.print_exc()
        sys.exit(getattr(error, "exit_code", CvmError.exit_code))
