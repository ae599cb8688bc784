"""Child processes of a run: without the key, waited for in time, ended with what they started."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cvm_analysis.run import children
from cvm_analysis.run.plan import Stopped


@pytest.fixture
def sleeper():
    """A child that leads a process group, and whose own child sleeps, too; it says its id."""
    code = (
        "import subprocess, time\n"
        "print(subprocess.Popen(['sleep', '60']).pid, flush=True)\n"
        "time.sleep(60)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    )
    yield child
    child.kill()
    child.wait()


def is_running(pid):
    """Whether there is such a process, and it is not one that has ended already."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_key_of_the_pseudonyms_is_not_inherited(monkeypatch):
    monkeypatch.setenv("CVM_KEY", "secret")
    monkeypatch.setenv("CVM_OTHER", "kept")
    found = children.inherited()
    assert "CVM_KEY" not in found and found["CVM_OTHER"] == "kept"


def test_who_is_not_done_in_time_is_said_to_be_late_and_still_runs(sleeper):
    began = time.monotonic()
    assert not children.wait(sleeper, 0.3, threading.Event())
    assert time.monotonic() - began >= 0.3
    assert sleeper.poll() is None


def test_who_ends_is_in_time():
    assert children.wait(subprocess.Popen(["true"]), 60, threading.Event())


def test_a_stop_ends_the_waiting(sleeper):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        children.wait(sleeper, 60, stop)


def test_who_is_ended_takes_along_what_it_started(sleeper):
    own = int(sleeper.stdout.readline())
    assert is_running(own)
    children.end(sleeper)
    assert sleeper.returncode is not None
    deadline = time.monotonic() + 10
    while is_running(own) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(own)
    children.end(sleeper)  # once more does no harm
