"""Tell people by mail, in words."""

from __future__ import annotations

import os
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from cvm_analysis.notifications.channels import Mail
from cvm_analysis.notifications.message import Message


def send(mail: Mail, message: Message, seconds: float) -> None:
    """Send a mail; nothing is sent without the encryption that is asked for.

    seconds : for each answer of the server. OSError (smtplib's errors and timeouts are ones):
        the server refused it, or cannot be reached
    """
    letter = EmailMessage()
    letter["From"], letter["To"] = mail.from_, ", ".join(mail.to)
    letter["Subject"], letter["Date"] = message.subject, formatdate()
    letter["Message-ID"] = make_msgid(domain="cvm-analysis.invalid")
    letter["Auto-Submitted"] = "auto-generated"  # nobody's absence is answered
    letter.set_content(message.text + "\n")
    with _connect(mail, seconds) as server:
        if mail.user and mail.password_variable:
            server.login(mail.user, _password(mail.password_variable))
        refused = server.send_message(letter)
    if refused:
        raise OSError(f"refused for {', '.join(refused)}")


def _connect(mail: Mail, seconds: float) -> smtplib.SMTP:
    trusted = ssl.create_default_context()
    if mail.encryption == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=seconds, context=trusted)
    server = smtplib.SMTP(mail.host, mail.port, timeout=seconds)
    try:
        if mail.encryption == "starttls":
            server.starttls(context=trusted)
    except BaseException:
        server.close()
        raise
    return server


def _password(name: str) -> str:
    if password := os.environ.get(name):
        return password
    raise OSError(f"the environment variable {name} is not set")
