"""A message says first how the run ended, then why, then what needs attention."""

import pytest

from cvm_analysis.notifications import message
from cvm_analysis.notifications.message import Alert, Failed, Message

FAILED = Failed("east", "East", "cell_error", "05_value", 7, "KeyError")
UNPUBLISHED = Failed("west", "West", "not_published", "", None, "no room")


@pytest.mark.parametrize(
    ("about", "subject"),
    [
        ({"exit_code": 0, "outcome": "published"}, "Demo: reports are published"),
        ({"exit_code": 0, "outcome": "unchanged"}, "Demo: nothing has changed since the last run"),
        (
            {
                "exit_code": 1,
                "outcome": "failed",
                "failed": (FAILED,),
                "unchanged": ("all", "west"),
            },
            "Demo: 1 of 3 reports failed",
        ),
        ({"exit_code": 1, "outcome": "failed"}, "Demo: the portal could not be written"),
        ({"exit_code": 2, "outcome": "error"}, "Demo: the run ended with an error"),
        (
            {"exit_code": 3, "outcome": "stopped_by_gate"},
            "Demo: the run was stopped by a limit of the data",
        ),
        ({"exit_code": 143, "outcome": "ended"}, "Demo: the run was ended before it was done"),
    ],
)
def test_the_subject_says_how_it_ended(about, subject):
    assert Message("Demo", "mine.yaml", **about).subject == subject


def test_the_text_has_all_line_by_line():
    made = Message(
        *("Demo", "mine.yaml", 1, "failed"),
        as_of="2026-01-31",
        published=("all",),
        failed=(FAILED, UNPUBLISHED),
        alerts=(Alert("all", "Company", "net sales are ¥1M", 0), Alert("n", "North", "x", 2)),
        portal="/srv/reports/index.html",
        portal_url="https://reports.example.com/",
    )
    assert made.text.splitlines() == [
        "Demo: 2 of 3 reports failed",
        "East: 05_value.ipynb, cell [7]: KeyError",
        "West: no room",
        "Alerts:",
        "- Company: net sales are ¥1M",
        "- North: x (2 more)",
        "Portal: https://reports.example.com/",
        "Config mine.yaml, exit code 1, reports to 2026-01-31",
    ]


def test_a_test_says_that_it_is_one():
    made = message.test("Demo", "mine.yaml", "")
    assert made.subject == "Demo: this is a test, nothing was run"
    assert "Portal" not in made.text and made.to_json()["outcome"] == "test"
