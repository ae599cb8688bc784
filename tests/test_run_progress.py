"""A log gets plain lines, a terminal one line per region."""

import io

from rich.console import Console

from cvm_analysis.run.plan import Event
from cvm_analysis.run.progress import open_progress

EVENTS = [
    Event("east", "running", "01_customers"),
    Event("east", "failed", message="01_customers.ipynb, cell [3]: [bold]no", seconds=12.4),
    Event("west", "published", seconds=1),
]


def lines(terminal):
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, color_system=None)
    with open_progress({"east": "East"}, console) as show:
        for event in EVENTS:
            show(event)
    return out.getvalue()


def test_a_log_gets_a_line_for_each_event():
    assert lines(terminal=False).splitlines() == [
        "east: 01_customers",
        "east: failed: 01_customers.ipynb, cell [3]: [bold]no (12 s)",
        "west: published (1 s)",
    ]


def test_a_terminal_gets_a_line_for_each_region():
    last = [line for line in lines(terminal=True).splitlines() if "cell [3]: [bold]no" in line]
    assert last
    assert "East" in last[-1]
    assert "west" in lines(terminal=True)
