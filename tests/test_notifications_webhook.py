"""A webhook gets JSON from a real connection; an answer that is no success is a failure."""

import threading
import time

import pytest
from receivers import HookServer, serving

from cvm_analysis.notifications import webhook
from cvm_analysis.notifications.channels import Webhook
from cvm_analysis.notifications.message import Alert, Message

ALERT = Alert("east", "华东", "延误送达率为19.0%", 2)
MESSAGE = Message("Demo", "mine.yaml", 0, "published", published=("east",), alerts=(ALERT,))


def test_json_is_posted_with_a_text_that_chat_programs_show(monkeypatch):
    with serving(HookServer()) as server:
        monkeypatch.setenv("HOOK", server.url)
        webhook.send(Webhook(url_variable="HOOK"), MESSAGE, 10)
    ((path, headers, got),) = server.taken
    assert path == "/hook?token=secret"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert (got["business"], got["outcome"], got["exit_code"]) == ("Demo", "published", 0)
    assert got["alerts"] == [{"region": "east", "name": "华东", "text": ALERT.text, "more": 2}]
    assert "- 华东: 延误送达率为19.0% (2 more)" in got["text"].splitlines()


@pytest.mark.parametrize("status", [500, 404, 302, 303])
def test_any_other_answer_is_a_failure_that_tells_no_secret(status):
    refused = pytest.raises(OSError, match=f"answered {status}")
    with serving(HookServer(status)) as server, refused as raised:
        webhook.send(Webhook(url=server.url), MESSAGE, 10)
    assert len(server.taken) == 1, "no redirect is followed: it would lose the message"
    assert "secret" not in str(raised.value) and raised.value.__cause__ is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a secret", "http://127.0.0.1:9/密secret"])
def test_an_address_that_cannot_be_sent_is_not_shown(url):
    with pytest.raises(OSError, match="must be escaped") as raised:
        webhook.send(Webhook(url=url), MESSAGE, 10)
    assert "secret" not in str(raised.value)


def test_nobody_listens():
    with serving(HookServer()) as server:
        url = server.url
    with pytest.raises(OSError, match="Connection refused"):
        webhook.send(Webhook(url=url), MESSAGE, 10)


def test_an_answer_that_does_not_come():
    pause = threading.Event()
    with serving(HookServer(pause=pause)) as server:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            webhook.send(Webhook(url=server.url), MESSAGE, 0.5)
        assert time.monotonic() - started < 5
        pause.set()


@pytest.mark.parametrize("url", ["file:///etc/hostname", "", "https://", "hooks.example.com/x"])
def test_an_address_from_the_environment_is_checked(monkeypatch, url):
    monkeypatch.setenv("HOOK", url)
    with pytest.raises(OSError, match="HOOK"):
        webhook.send(Webhook(url_variable="HOOK"), MESSAGE, 10)
