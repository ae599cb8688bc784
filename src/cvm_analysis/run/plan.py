"""What a run is to do, what it tells while doing it, and what came of it: plain values."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cvm_analysis.errors import InputError
from cvm_analysis.notebooks import describe

PRIVATE = 0o600


class Stopped(Exception):
    """The run was told to stop; what was under way is given up."""


@dataclass(frozen=True)
class Plan:
    """All a run needs to know. Region keys and as_of become folder names."""

    business: str
    config: Path
    config_files: tuple[Path, ...]  # the config and the rule files it names
    notebooks_folder: Path
    notebooks: tuple[str, ...]  # stems, each after those it depends on
    regions: Mapping[str, Mapping[str, str]]  # key -> language -> name; `all` among them
    as_of: str  # an ISO date
    out: Path
    languages: tuple[str, ...]
    prepared: str  # fingerprint of the prepared tables
    inputs: Mapping[str, str] = field(default_factory=dict)  # raw file -> sha256
    private_folders: tuple[Path, ...] = ()  # where the data lie; never named in what is published
    jobs: int = 1  # notebooks at a time, over all regions
    force: bool = False
    limit_seconds: float = 3600.0  # for one notebook

    def check(self) -> None:
        """Raise InputError unless keys, date and `out` can be folders and nothing is empty."""
        if self.out.exists() and not self.out.is_dir():
            raise InputError(f"{self.out}: not a folder; name another one to publish in")
        wrong = [key for key in self.regions if not re.fullmatch(r"[a-z0-9-]{1,40}", key)]
        if wrong:
            raise InputError(f"not a region key: {wrong[0]!r}; use a-z, 0-9 and -, at most 40")
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", self.as_of):
            raise InputError(f"not a date: {self.as_of!r}; write it as 2026-01-31")
        try:
            dt.date.fromisoformat(self.as_of)
        except ValueError as error:
            raise InputError(f"not a date: {self.as_of!r}; {error}") from None
        for name in ("regions", "notebooks", "languages"):
            if not getattr(self, name):
                raise InputError(f"nothing to run: no {name}")

    def link(self, region: str) -> Path:
        """Give the published folder of a region at this as_of."""
        return self.out / region / self.as_of

    def notebook(self, stem: str) -> Path:
        """Give the source of a notebook."""
        return self.notebooks_folder / f"{stem}.ipynb"

    def is_report(self, stem: str) -> bool:
        """Say whether a notebook is executed once per language: its page is the report."""
        return stem in describe() and describe()[stem].per_language

    def parameters(self, region: str, run_dir: Path, language: str) -> dict[str, str]:
        """Give the parameters a notebook is run with."""
        return {
            "config": str(self.config.resolve()),
            "region": region,
            "as_of": self.as_of,
            "run_dir": str(run_dir.resolve()),
            "language": language,
        }


@dataclass(frozen=True)
class Job:
    """One region of a plan, with what the whole company lends it."""

    plan: Plan
    region: str
    company: bytes | None  # the reference.json of `all`

    @property
    def names(self) -> Mapping[str, str]:
        """Give the region's name in each language."""
        return self.plan.regions[self.region]

    @property
    def link(self) -> Path:
        """Give the name under which the region is published."""
        return self.plan.link(self.region)

    @property
    def folder(self) -> Path:
        """Give the folder that holds the region's reports of all dates."""
        return self.plan.out / self.region

    def parameters(self, desk: Path, language: str) -> dict[str, str]:
        """Give the parameters its notebooks are run with."""
        return self.plan.parameters(self.region, desk, language)


Kind = Literal[
    "cell_error",  # a cell raised
    "dead_kernel",  # the kernel ended by itself: killed, out of memory
    "timeout",  # not done within the limit
    "no_sentinel",  # came to its end without signing
    "wrong_parameters",  # signed with other parameters than asked for
    "start_failed",  # no kernel
    "not_published",  # the notebooks were good; rendering or writing was not
]


@dataclass(frozen=True)
class Failure:
    """Why a notebook, or a region, failed: `message` is ready to be shown."""

    kind: Kind
    message: str
    cell: int | None = None  # the n of In [n]; None before the first cell
    notebook: str = ""

    @property
    def is_infrastructure(self) -> bool:
        """No cell was started: trying again may help, and can do no harm."""
        return self.kind in ("start_failed", "dead_kernel") and self.cell is None

    def __str__(self) -> str:
        cell = "" if self.cell is None else f", cell [{self.cell}]"
        return f"{self.notebook}.ipynb{cell}: {self.message}" if self.notebook else self.message


State = Literal["running", "published", "unchanged", "failed"]


@dataclass(frozen=True)
class Event:
    """Something to show: a region's state, and the notebook it is at or the reason it failed."""

    region: str
    state: State
    notebook: str = ""
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Result:
    """What came of one region."""

    region: str
    state: State
    failure: Failure | None = None


Progress = Callable[[Event], None]
