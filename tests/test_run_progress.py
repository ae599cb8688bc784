"""A log gets plain lines or JSON, a terminal one line per region."""

import datetime as dt
import io
import json

import pytest
from rich.console import Console

from cvm_analysis.run.plan import Event
from cvm_analysis.run.progress import open_progress, write_event

EVENTS = [
    Event("east", "waiting"),
    Event("east", "running", "01_customers"),
    Event("east", "executed", "01_customers", seconds=12.3456),
    Event("east", "failed", "01_customers", "01_customers.ipynb, cell [3]: [bold]no", 12.4),
    Event("west", "published", seconds=1),
]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def lines(out, monkeypatch, **environment):
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm"} | environment).items():
        monkeypatch.setenv(name, value)
    with open_progress({"east": "East"}, Console(file=out, width=100)) as show:
        for event in EVENTS:
            show(event)
    return out.getvalue()


PLAIN = [
    "east: waits for another run",
    "east: 01_customers",
    "east: failed: 01_customers.ipynb, cell [3]: [bold]no (12 s)",
    "west: published (1 s)",
]


@pytest.mark.parametrize("environment", [{}, {"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}])
def test_a_log_gets_a_line_for_each_event_and_never_a_bar(monkeypatch, environment):
    assert lines(io.StringIO(), monkeypatch, **environment).splitlines() == PLAIN


def test_so_does_a_terminal_that_cannot_move_its_cursor(monkeypatch):
    assert lines(Terminal(), monkeypatch, TERM="dumb").splitlines() == PLAIN


def test_a_terminal_gets_a_line_for_each_region(monkeypatch):
    said = lines(Terminal(), monkeypatch)
    last = [line for line in said.splitlines() if "cell [3]: [bold]no" in line]
    assert last and "East" in last[-1] and "west" in said


def test_json_lines_have_the_same_keys_and_the_seconds_of_each_notebook():
    out = io.StringIO()
    for event in EVENTS:
        write_event(out, event)
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {tuple(each) for each in found} == {
        ("time", "level", "event", "region", "notebook", "seconds", "message")
    }
    assert [each["event"] for each in found] == [
        *("waiting", "running", "executed", "failed", "published"),
    ]
    assert [each["seconds"] for each in found] == [None, None, 12.346, 12.4, 1]
    assert [each["level"] for each in found] == ["info"] * 3 + ["error", "info"]
    assert found[3]["notebook"] == "01_customers" and "[bold]no" in found[3]["message"]
    now = dt.datetime.now(dt.UTC)
    assert all(abs(now - dt.datetime.fromisoformat(each["time"])).seconds < 60 for each in found)
