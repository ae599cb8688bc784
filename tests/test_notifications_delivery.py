"""All channels at once, within one limit of time; what fails is said and stops no other one."""

import sys
import threading
import time

import pytest
from receivers import HookServer, MailServer, serving
from tiny_notebooks import is_gone, wait_for

from cvm_analysis.notifications.channels import Channel
from cvm_analysis.notifications.delivery import deliver
from cvm_analysis.notifications.message import Message

MESSAGE = Message("Demo", "mine.yaml", 1, "failed")


def python(code):
    return Channel(command=(sys.executable, "-c", code))


def hook(url):
    return Channel.model_validate({"webhook": {"url": url}})


def mail(port):
    settings = {"host": "127.0.0.1", "port": port, "encryption": "off", "from": "a@b.c"}
    return Channel.model_validate({"mail": {**settings, "to": ["d@e.f"]}})


def test_each_failure_is_said_and_the_others_are_sent(tmp_path):
    with serving(HookServer()) as gone:
        pass
    full = MailServer(refuse="452 mailbox full")
    with serving(HookServer()) as good, serving(HookServer(500)) as bad, serving(full):
        channels = {
            "good": hook(good.url),
            "bad": hook(bad.url),
            "gone": hook(gone.url),
            "missing": Channel(command=("no-such-command",)),
            "failing": python("import sys; sys.exit('no room')"),
            "full": mail(full.port),
            "unheard": mail(gone.server_address[1]),
        }
        found = deliver(channels, MESSAGE)
    assert len(good.taken) == 1
    assert found == {
        "bad": "answered 500 Internal Server Error",
        "gone": "Connection refused",
        "missing": "No such file or directory",
        "failing": "exit code 1: no room",
        "full": "the server answered 452 mailbox full",
        "unheard": "Connection refused",
    }


def test_those_that_hang_share_one_limit_of_time():
    pause = threading.Event()
    with serving(HookServer(pause=pause)) as slow, serving(HookServer()) as good:
        channels = {
            "command": python("import time; time.sleep(60)"),
            "slow": hook(slow.url),
            "good": hook(good.url),
        }
        started = time.monotonic()
        found = deliver(channels, MESSAGE, 1)
        assert time.monotonic() - started < 4
        pause.set()
    assert found == {"command": "not done within 1 seconds", "slow": "no answer in time"}
    assert len(good.taken) == 1


def test_a_signal_ends_the_commands(tmp_path, monkeypatch):
    pid, joined = tmp_path / "pid", threading.Thread.join
    sleep = f"import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))"

    def interrupted(thread, seconds):
        monkeypatch.setattr(threading.Thread, "join", joined)
        wait_for(pid)
        raise SystemExit(143)

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(SystemExit):
        deliver({"command": python(f"{sleep}; time.sleep(60)")}, MESSAGE)
    assert is_gone(int(pid.read_text()))


def test_a_server_that_answers_drop_by_drop_is_not_waited_for(monkeypatch):
    """Each answer is in time, all together never."""

    over = threading.Event()

    def drip(channel, message, seconds, stop):
        over.wait(60)

    monkeypatch.setattr("cvm_analysis.notifications.delivery._send", drip)
    started = time.monotonic()
    found = deliver({"slow": hook("http://127.0.0.1:9/")}, MESSAGE, 0.5)
    assert found == {"slow": "not done within 0 seconds"} and time.monotonic() - started < 4
    over.set()
