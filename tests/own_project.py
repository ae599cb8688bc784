"""A company's own folder, and `cvm` in it."""

import sys
from pathlib import Path
from unittest.mock import patch

from typer.testing import CliRunner

from cvm_analysis.cli import app
from cvm_analysis.project import start

MOST_EDITS, MOST_LINES = 3, 40  # from a draft to a config
CONFIG = Path("config/mine.yaml")
MAIN = "import sys; from cvm_analysis.cli import main; sys.argv[0] = 'cvm'; main()"
SOURCE = Path(__file__).parent.parent / "src"
CVM = f'#!/bin/sh\nPYTHONPATH={SOURCE} exec {sys.executable} -P -c "{MAIN}" "$@"\n'


def enter(folder, monkeypatch):
    """Start a folder as `cvm new` does, and go there with its key."""
    start.start(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CVM_KEY", Path("key").read_text().strip())


def cvm(*arguments):
    """Run a command that must be good; what it prints."""
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output + str(done.exception)
    return done.stdout_bytes.decode()


def start_beside(folder, **programs):
    """Start a folder whose schedules call `cvm` beside it, by default this checkout's.

    programs : text of each that lies there, by name
    """
    for name, text in {"cvm": CVM, **programs}.items():
        (folder.parent / name).write_text(text)
        (folder.parent / name).chmod(0o755)
    with patch.object(sys, "executable", str(folder.parent / "python")):
        start.start(folder)
