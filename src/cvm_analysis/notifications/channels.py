"""The settings of notifications: which channels are used after a failure, and which after success.

Passwords and secret addresses are never in the config: it names the environment variable that holds
them, so that only what sends a notification reads them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from cvm_analysis.typed import read_off


def _check_address(given: str) -> str:
    name, _, host = parseaddr(given)[1].rpartition("@")
    if not (name and host) or "\n" in given:
        raise ValueError("write an e-mail address, such as name@example.com")
    return given


def _check_url(given: str) -> str:
    if problem := find_url_problem(given):
        raise ValueError(problem)
    return given


Address = Annotated[str, AfterValidator(_check_address)]
Variable = Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")]  # of the environment


class _Strict(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, coerce_numbers_to_str=True
    )


class Mail(_Strict):
    """A mail server, and who writes to whom."""

    host: str
    port: int = Field(587, gt=0, lt=65_536)
    encryption: Annotated[Literal["starttls", "tls", "off"], BeforeValidator(read_off)] = "starttls"
    from_: Address = Field(alias="from")
    to: tuple[Address, ...] = Field(min_length=1)
    user: str | None = None
    password_variable: Variable | None = None

    @model_validator(mode="after")
    def _check_login(self) -> Self:
        if (self.user is None) != (self.password_variable is None):
            raise ValueError("user and password_variable belong together; give both or none")
        if self.user and self.encryption == "off":
            raise ValueError("a password is not sent without encryption; use starttls or tls")
        return self


class Webhook(_Strict):
    """An address that takes JSON by POST, written out or in an environment variable."""

    url: Annotated[str, AfterValidator(_check_url)] | None = None
    url_variable: Variable | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.url is None) == (self.url_variable is None):
            raise ValueError("give either url or url_variable")
        return self


class Channel(_Strict):
    """One way to tell: a command (a list of words), a mail or a webhook."""

    command: tuple[str, ...] | None = Field(None, min_length=1)
    mail: Mail | None = None
    webhook: Webhook | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if len([each for each in (self.command, self.mail, self.webhook) if each]) != 1:
            raise ValueError("give one of command, mail and webhook; each item of the list is one")
        return self

    def __str__(self) -> str:
        if self.command:
            return f"command {self.command[0]}"
        if self.mail:
            return f"mail by {self.mail.host}:{self.mail.port}"
        hook = self.webhook
        assert hook
        where = urlsplit(hook.url).hostname if hook.url else hook.url_variable
        return f"webhook {where}"


class Notify(_Strict):
    """Who is told how a run ended.

    portal : where readers open the portal, such as https://reports.example.com/mine/
    """

    on_failure: tuple[Channel, ...] = ()
    on_success: tuple[Channel, ...] = ()
    portal: Annotated[str, AfterValidator(_check_url)] | None = None

    def channels(self, exit_code: int) -> dict[tuple[str, str], Channel]:
        """The channels for an exit code, by their keys in the config."""
        name = "on_failure" if exit_code else "on_success"
        return {(name, str(i)): each for i, each in enumerate(getattr(self, name))}

    @property
    def all_channels(self) -> dict[tuple[str, str], Channel]:
        """All channels, by their keys in the config."""
        return self.channels(1) | self.channels(0)


def find_problems(notify: Notify) -> Iterator[tuple[tuple[str, ...], str]]:
    """Find what this machine lacks for the channels: keys in the config, and what is wrong.

    No host is contacted.
    """
    for keys, channel in notify.all_channels.items():
        if channel.command and not shutil.which(channel.command[0]):
            problem = f"no command '{channel.command[0]}'; install it, or write its path"
            yield (*keys, "command"), problem
        if channel.mail and (name := channel.mail.password_variable) and not os.environ.get(name):
            yield (*keys, "mail", "password_variable"), _describe_unset(name)
        if channel.webhook and (name := channel.webhook.url_variable):
            given = os.environ.get(name)
            if problem := find_url_problem(given) if given else _describe_unset(name):
                yield (*keys, "webhook", "url_variable"), problem


def find_url_problem(url: str) -> str:
    """Say what is wrong with an address, which is not shown; empty if nothing is."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_good = False
    return "" if is_good else "not an address that begins with https:// or http://"


def _describe_unset(name: str) -> str:
    return f"the environment variable {name} is not set; set it where `cvm run` starts"
