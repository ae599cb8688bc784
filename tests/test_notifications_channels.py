"""Settings of notifications are refused with file, line and cure; no secret is in the config."""

import socket

import pytest

from cvm_analysis.errors import ConfigError
from cvm_analysis.settings import load_contacts

GOOD = """\
business: Demo
notify:
  portal: https://reports.example.com/mine/
  on_failure:
    - command: [python3, -c, pass, 5]
    - mail: {host: mail.example.com, from: CVM <cvm@example.com>, to: [ann@example.com],
             user: cvm, password_variable: MAIL_PASSWORD}
    - webhook: {url_variable: HOOK}
  on_success:
    - webhook: {url: "https://hooks.example.com/x"}
"""


@pytest.fixture
def contacts(tmp_path):
    def load(text=GOOD):
        (tmp_path / "mine.yaml").write_text(text, "utf-8")
        return load_contacts(tmp_path / "mine.yaml")

    return load


def test_a_failure_and_a_success_are_told_to_those_named_for_it(contacts):
    notify = contacts().notify
    assert [*map(str, notify.channels(0).values())] == ["webhook hooks.example.com"]
    for code in (1, 2, 3, 143):
        assert [*map(str, notify.channels(code).values())] == [
            *("command python3", "mail by mail.example.com:587", "webhook HOOK"),
        ]
    assert notify.channels(1)["on_failure", "0"].command[-1] == "5"
    assert notify.on_failure[1].mail.encryption == "starttls"


def test_whom_to_tell_is_known_although_other_settings_are_wrong(contacts):
    found = contacts(GOOD + "horizon_week: 3\n")
    assert found.business == "Demo" and found.notify.on_failure
    assert found.where("on_failure", "1").endswith("mine.yaml line 6")
    assert contacts("business: Demo\n").notify.all_channels == {}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "- command: [python3, -c, pass, 5]",
            "- command: []",
            "line 5: notify.on_failure.0.command",
        ),
        ("- command: [python3, -c, pass, 5]", "- {}", "give one of command, mail and webhook"),
        ("    - webhook: {url_", "      webhook: {url_", "give one of command, mail and webhook"),
        ("host: mail", "hosts: mail", "unknown setting 'hosts'; did you mean 'host'?"),
        ("[ann@example.com]", "[ann]", "line 6: notify.on_failure.1.mail.to.0: write an e-mail"),
        ("user: cvm, ", "", "user and password_variable belong together"),
        ("{url_variable: HOOK}", "{}", "give either url or url_variable"),
        ("https://hooks", "ftp://hooks", "not an address that begins with https://"),
        ("https://hooks", "https://me:secret@hooks", "a password is written out"),
        ("on_success", "on_succes", "unknown setting 'on_succes'; did you mean 'on_success'?"),
    ],
)
def test_what_cannot_be_meant_is_said_with_its_line(contacts, old, new, said):
    assert old in GOOD
    with pytest.raises(ConfigError) as raised:
        contacts(GOOD.replace(old, new))
    assert said in str(raised.value) and "mine.yaml line " in str(raised.value)


def test_what_this_machine_lacks_is_said_and_no_host_is_contacted(contacts, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a host was contacted")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("MAIL_PASSWORD", "x")
    monkeypatch.setenv("HOOK", "https://hooks.example.com/secret")
    assert [*contacts().find_problems()] == []
    monkeypatch.delenv("MAIL_PASSWORD")
    monkeypatch.setenv("HOOK", "hooks.example.com/secret")
    found = [*contacts(GOOD.replace("python3", "no-such-command")).find_problems()]
    assert [each.split("mine.yaml ")[1].split(":")[0] for each in found] == [
        *("line 5", "line 7", "line 8"),
    ]
    assert "no command 'no-such-command'" in found[0]
    assert "the environment variable MAIL_PASSWORD is not set" in found[1]
    assert "not an address" in found[2] and "secret" not in found[2]
