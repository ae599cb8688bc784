"""Mail goes to a real server on this machine; no password without encryption."""

import smtplib
import ssl
import subprocess

import pytest
from pydantic import ValidationError
from receivers import MailServer, serving

from cvm_analysis.notifications import mail
from cvm_analysis.notifications.channels import Mail
from cvm_analysis.notifications.message import Failed, Message

FAILED = Failed("south", "South 南方", "cell_error", "05_value", 7, "KeyError")
MESSAGE = Message(
    "Ünïted\nFloors", "mine.yaml", 1, "failed", failed=(FAILED,), published=("east",), portal="/r/i"
)


def settings(port, **more):
    to = ["ann@example.com", "Bo <bo@example.com>"]
    base = {"host": "localhost", "port": port, "from": "cvm@example.com", "to": to}
    return Mail.model_validate(base | more)


@pytest.fixture
def server():
    with serving(MailServer()) as server:
        yield server


def test_a_mail_says_in_words_how_a_run_ended(server):
    mail.send(settings(server.port, encryption="off"), MESSAGE, 10)
    (got,) = server.mails
    assert got["Subject"] == "Ünïted Floors: 1 of 2 reports failed", "one line"
    assert (got["From"], got["To"]) == ("cvm@example.com", "ann@example.com, Bo <bo@example.com>")
    assert got["Auto-Submitted"] == "auto-generated"
    body = got.get_content()
    assert "South 南方: 05_value.ipynb, cell [7]: KeyError" in body
    assert "Portal: /r/i" in body and "exit code 1" in body
    said = [line for line, _ in server.commands if line.startswith("rcpt")]
    assert [line.split("<")[1] for line in said] == ["ann@example.com>", "bo@example.com>"]


def test_without_the_encryption_that_is_asked_for_nothing_is_sent(server, monkeypatch):
    monkeypatch.setenv("MAIL_PASSWORD", "quite secret")
    login = {"user": "cvm", "password_variable": "MAIL_PASSWORD"}
    with pytest.raises(smtplib.SMTPNotSupportedError, match="STARTTLS"):
        mail.send(settings(server.port, **login), MESSAGE, 10)
    assert server.mails == [] and "secret" not in str(server.commands)


def test_a_login_without_encryption_is_no_setting():
    login = {"user": "cvm", "password_variable": "MAIL_PASSWORD"}
    with pytest.raises(ValidationError, match="not sent without encryption"):
        settings(25, encryption="off", **login)
    with pytest.raises(ValidationError, match="belong together"):
        settings(25, user="cvm")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of localhost that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    try:
        subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl")
    return cert, key


def test_a_password_goes_over_an_encrypted_connection(certificate, monkeypatch):
    trusted = ssl.create_default_context(cafile=certificate[0])
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusted)
    monkeypatch.setenv("MAIL_PASSWORD", "quite secret")
    login = {"user": "cvm", "password_variable": "MAIL_PASSWORD"}
    with serving(MailServer(certificate)) as server:
        mail.send(settings(server.port, **login), MESSAGE, 10)
    assert len(server.mails) == 1
    secret = [is_secret for line, is_secret in server.commands if line.startswith("AUTH")]
    assert secret == [True]


def test_a_server_that_nobody_vouches_for_gets_nothing(certificate):
    refused = pytest.raises(ssl.SSLCertVerificationError)
    with serving(MailServer(certificate)) as server, refused:
        mail.send(settings(server.port), MESSAGE, 10)
    assert server.mails == []


def test_a_password_that_is_not_set_is_named(certificate, monkeypatch):
    trusted = ssl.create_default_context(cafile=certificate[0])
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusted)
    monkeypatch.delenv("MAIL_PASSWORD", raising=False)
    login = {"user": "cvm", "password_variable": "MAIL_PASSWORD"}
    refused = pytest.raises(OSError, match="variable MAIL_PASSWORD is not set")
    with serving(MailServer(certificate)) as server, refused:
        mail.send(settings(server.port, **login), MESSAGE, 10)
    assert server.mails == []
