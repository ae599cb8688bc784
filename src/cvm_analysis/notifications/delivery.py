"""Send a message through all channels at once, within a time; what fails is said, never raised."""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Iterable, Mapping
from typing import TypeVar

from cvm_analysis.notifications import command, mail, webhook
from cvm_analysis.notifications.channels import Channel
from cvm_analysis.notifications.message import Message

SECONDS, SECONDS_AFTER_SIGNAL = 30.0, 5.0
GRACE_SECONDS = 1.0  # beyond the limit, to end commands
Key = TypeVar("Key")


def deliver(
    channels: Mapping[Key, Channel], message: Message, seconds: float = SECONDS
) -> dict[Key, str]:
    """Send a message and wait for all channels; say of those that failed why, by their keys."""
    failures: dict[Key, str] = {}
    stop = threading.Event()

    def attempt(key: Key, channel: Channel) -> None:
        try:
            _send(channel, message, seconds, stop)
        except Exception as error:
            failures[key] = _describe(error)

    # Daemons: a host that never answers must not keep the program from its end.
    started = {
        key: threading.Thread(target=attempt, args=(key, channel), daemon=True)
        for key, channel in channels.items()
    }
    for thread in started.values():
        thread.start()
    try:
        _join(started.values(), seconds)
    finally:  # also on a signal
        stop.set()
        _join(started.values(), GRACE_SECONDS)
    late = {key for key, thread in started.items() if thread.is_alive()}
    return {key: f"not done within {seconds:,.0f} seconds" for key in late} | failures


def _join(threads: Iterable[threading.Thread], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))


def _send(channel: Channel, message: Message, seconds: float, stop: threading.Event) -> None:
    if channel.command:
        command.send(channel.command, message, seconds, stop)
    elif channel.mail:
        mail.send(channel.mail, message, seconds)
    elif channel.webhook:
        webhook.send(channel.webhook, message, seconds)


def _describe(error: Exception) -> str:
    """Say in one line why a channel failed."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _describe_answer(*next(iter(error.recipients.values())))
    if isinstance(error, smtplib.SMTPResponseException):
        return _describe_answer(error.smtp_code, error.smtp_error)
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__


def _describe_answer(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(f"the server answered {code} {text}".split())
