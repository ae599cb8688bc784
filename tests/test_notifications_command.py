"""A command gets JSON and short facts, no key, and no more time than its limit."""

import json
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from tiny_notebooks import is_gone, wait_for

from cvm_analysis.notifications import command
from cvm_analysis.notifications.command import CommandError
from cvm_analysis.notifications.message import Failed, Message

MESSAGE = Message(
    "Demo", "mine.yaml", 1, "failed", as_of="2026-01-31", portal="/reports/index.html",
    published=("all",),
    failed=(Failed("east", "East", "timeout", "06_churn", None, "not done"),
            Failed("west", "West", "cell_error", "06_churn", 2, "KeyError")),
)  # fmt: skip
TAKE = """
import json, os, sys
names = {n: v for n, v in os.environ.items() if n.startswith("CVM_")}
with open(sys.argv[1], "w") as file:
    json.dump({"environment": names, "given": json.load(sys.stdin), "words": sys.argv[2:]}, file)
"""


def run(*words, seconds=30.0, stop=None):
    command.send([sys.executable, *words], MESSAGE, seconds, stop or threading.Event())


def test_it_gets_all_as_json_and_facts_as_variables_and_its_words_as_they_are(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("CVM_DRAFTS", raising=False)
    monkeypatch.setenv("CVM_KEY", "a key that nobody else needs")
    run("-c", TAKE, str(tmp_path / "got"), "$HOME; two words", "*")
    got = json.loads((tmp_path / "got").read_text())
    assert got["words"] == ["$HOME; two words", "*"], "no shell"
    assert got["given"] == json.loads(json.dumps(MESSAGE.to_json()))
    assert got["environment"] == {
        "CVM_BUSINESS": "Demo",
        "CVM_OUTCOME": "failed",
        "CVM_EXIT_CODE": "1",
        "CVM_AS_OF": "2026-01-31",
        "CVM_FAILED": "east,west",
        "CVM_PORTAL": "/reports/index.html",
        "CVM_SUBJECT": "Demo: 2 of 3 reports failed",
    }


def test_one_that_reads_nothing_is_not_waited_for():
    run("-c", "pass")


def test_what_a_command_leaves_running_is_not_waited_for(tmp_path):
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    pid = tmp_path / "pid"
    leave = f"import subprocess, pathlib; p = subprocess.Popen({sleep!r}); "
    started = time.monotonic()
    run("-c", leave + f"pathlib.Path({str(pid)!r}).write_text(str(p.pid))")
    assert time.monotonic() - started < 30
    psutil.Process(int(pid.read_text())).kill()


def test_one_that_fails_is_told_with_its_last_words():
    with pytest.raises(CommandError, match=r"^exit code 3: no such channel$"):
        run("-c", "import sys; print('x', file=sys.stderr); sys.stderr.write('no such channel\\n');"
            "sys.exit(3)")  # fmt: skip
    with pytest.raises(FileNotFoundError):
        command.send(["no-such-command"], MESSAGE, 30, threading.Event())


HANG = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(60)
"""


def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path):
    started = time.monotonic()
    with pytest.raises(CommandError, match="not done within 2 seconds"):
        run("-c", HANG, str(tmp_path / "pid"), seconds=2)
    assert time.monotonic() - started < 10
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_asked_to_stop_it_ends_the_command(tmp_path):
    stop, pid = threading.Event(), tmp_path / "pid"

    def hang():
        with pytest.raises(CommandError):
            run("-c", HANG, str(pid), stop=stop)

    thread = threading.Thread(target=hang)
    thread.start()
    child = int(wait_for(Path(pid)))
    stop.set()
    thread.join(10)
    assert not thread.is_alive() and is_gone(child)
