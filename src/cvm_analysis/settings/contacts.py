"""Whom a config notifies: read by itself, so that they hear of errors in its other settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from cvm_analysis.notifications import channels
from cvm_analysis.notifications.channels import Notify
from cvm_analysis.settings.lines import Lines, where
from cvm_analysis.settings.load import read


class _Part(BaseModel):
    business: str = ""
    notify: Notify = Notify()


@dataclass(frozen=True)
class Contacts:
    """Who is told how runs of a business end, and the line of each setting."""

    path: Path
    business: str
    notify: Notify
    lines: Lines

    def where(self, *keys: str) -> str:
        """Place of a setting of `notify`: `config/mine.yaml line 14`."""
        return where(self.path, self.lines, ("notify", *keys))

    def find_problems(self) -> Iterator[str]:
        """Find what this machine lacks to notify them, with file and line; no host is contacted."""
        for keys, problem in channels.find_problems(self.notify):
            yield f"{self.where(*keys)}: notify.{'.'.join(keys)}: {problem}"


def load_contacts(path: Path) -> Contacts:
    """Read whom a config notifies; ConfigError: it is no YAML, or `notify` itself is wrong."""
    lines: dict[Path, dict[tuple[str, ...], int]] = {}
    part = read(path, _Part, lines)
    return Contacts(path, part.business, part.notify, lines[path])
