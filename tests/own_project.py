"""A company's own folder, and `cvm` in it."""

from pathlib import Path

from typer.testing import CliRunner

from cvm_analysis.cli import app
from cvm_analysis.project import start

MOST_EDITS, MOST_LINES = 3, 40  # from a draft to a config
CONFIG = Path("config/mine.yaml")


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
