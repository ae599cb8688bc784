"""The program: its commands, and how it ends where it cannot go on."""

from __future__ import annotations

import sys

import typer

from cvm_analysis import endings
from cvm_analysis.cli import beginnings, console, exports, reports, runs, tables

app = typer.Typer(
    help="Customer value analysis: from raw transactions to a report for each region.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    *(beginnings.sample, beginnings.new, beginnings.init),
    *(runs.check, runs.prepare, runs.fetch, tables.regions, runs.run, runs.publish, runs.notify),
    *(reports.customer, exports.export, reports.status, reports.prune),
    *(tables.quarantine, tables.quality, tables.reidentify),
    reports.drafts,
):
    app.command()(command)


def main() -> None:
    """Run `cvm`: errors of a user or of the machine end in one message, others in a traceback."""
    console.debug = "--debug" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    try:
        with endings.orderly():
            app()
    except Exception as error:
        if console.debug:
            raise
        console.say_error(error)
        sys.exit(endings.exit_code(error))
