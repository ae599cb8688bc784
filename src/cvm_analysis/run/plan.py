"""The plan of a run, its progress events and its results, as plain values."""

from __future__ import annotations

import datetime as dt
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from typing_extensions import TypedDict

from cvm_analysis import file_names
from cvm_analysis.errors import InputError
from cvm_analysis.notebooks import describe
from cvm_analysis.personal.known import Known
from cvm_analysis.tables import ALL

PRIVATE = 0o600


class Stopped(Exception):
    """The run was stopped; unfinished work is discarded."""


class Limits(NamedTuple):
    """What one notebook may use; memory_bytes, of each of its processes, 0: no limit."""

    seconds: float
    memory_bytes: int = 0
    processes: int = 1


@dataclass(frozen=True)
class Plan:
    """The plan of a run. Region keys and as_of become folder names."""

    business: str
    config: Path
    config_files: tuple[Path, ...]  # the config and the rule files it names
    notebooks_folder: Path
    notebooks: tuple[str, ...]  # stems, each after those it depends on
    regions: Mapping[str, Mapping[str, str]]  # key -> language -> name; `all` among them
    company_regions: Mapping[str, Mapping[str, str]]  # all that make up `all`, in this run or not
    as_of: str  # an ISO date
    out: Path
    ledger: Path  # what earlier reports recommended and said, see `run.ledger`
    languages: tuple[str, ...]
    prepared: str  # fingerprint of the prepared tables
    timezone: str = "UTC"  # of the business
    inputs: Mapping[str, str] = field(default_factory=dict)  # raw file -> sha256
    key_check: str = ""  # check value of the key that made the pseudonyms; empty: none are made
    personal: Known | None = None  # what no output may show; None: pseudonyms are off
    merges: Mapping[str, str] = field(default_factory=dict)  # earlier id of a person -> today's
    private_folders: tuple[Path, ...] = ()  # with data; never named in published files
    jobs: int = 1  # notebooks at a time, over all regions
    force: bool = False
    limit_seconds: float = 3600.0  # for one notebook
    memory_bytes: int = 0  # for one notebook; 0: no limit
    ends_at: float = math.inf  # by time.monotonic(): what is not done then fails
    is_sampled: bool = False  # `all` learns thresholds from a sample of its customers: no report
    has_pdf: bool = False  # whether the report is printed, too, where there is a browser

    def check(self) -> None:
        """Raise InputError if a key, the date, `out` or the ledger cannot be a folder, or a list is
        empty.
        """
        for folder in (self.out, self.ledger):
            if folder.exists() and not folder.is_dir():
                raise InputError(f"{folder}: not a folder; choose another one")
        wrong = [key for key in self.regions if not key or file_names.key(key) != key]
        if wrong:
            raise InputError(
                f"not a region key: {wrong[0]!r}; use lower-case letters, digits and -"
            )
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", self.as_of):
            raise InputError(f"not a date: {self.as_of!r}; write it as 2026-01-31")
        try:
            dt.date.fromisoformat(self.as_of)
        except ValueError as error:
            raise InputError(f"not a date: {self.as_of!r}; {error}") from None
        for name in ("regions", "notebooks", "languages"):
            if not getattr(self, name):
                raise InputError(f"nothing to run: no {name}")

    def limits(self) -> Limits:
        """Limits of a notebook that starts now; InputError if the time of the run is over."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise InputError("not done within the time of the run (--run-minutes)")
        return Limits(min(self.limit_seconds, left), self.memory_bytes, self.jobs)

    def link(self, region: str) -> Path:
        """Link to the published folder of a region at this as_of."""
        return self.out / region / self.as_of

    def earlier_lists(self, region: str) -> list[Path]:
        """Files of the ledger of this region, or of every one for `all`, before this as_of."""
        files = self.ledger.glob("*/*.parquet" if region == ALL else f"{region}/*.parquet")
        return sorted(path for path in files if path.name[0] != "." and path.stem < self.as_of)

    def earlier_figures(self, region: str) -> list[Path]:
        """Files of the ledger with figures of this region's reports before this as_of."""
        files = self.ledger.glob(f"{region}/figures/*.parquet")
        return sorted(path for path in files if path.name[0] != "." and path.stem < self.as_of)

    def notebook(self, stem: str) -> Path:
        """Path of a notebook."""
        return self.notebooks_folder / f"{stem}.ipynb"

    def is_report(self, stem: str) -> bool:
        """Whether a notebook is the report, executed once per language."""
        return stem in describe() and describe()[stem].per_language

    def is_last(self, stem: str) -> bool:
        """Whether `all` executes a notebook after the regions, on their tables."""
        return stem in describe() and describe()[stem].company == "last"

    def teaches(self, stem: str) -> bool:
        """Whether `all` executes a notebook before the regions, which take over what it found."""
        return not self.is_last(stem) and (not self.is_sampled or describe()[stem].sampled)

    def parameters(self, region: str, run_dir: Path, language: str) -> dict[str, str]:
        """Parameters of a notebook."""
        return {
            "config": str(self.config.resolve()),
            "region": region,
            "as_of": self.as_of,
            "run_dir": str(run_dir.resolve()),
            "language": language,
        }


class Part(TypedDict):
    """A region as a part of `all`, as run.json records it."""

    names: Mapping[str, str]
    fingerprint: str | None  # of its published report
    is_included: bool  # its tables are in those of `all`


@dataclass(frozen=True)
class Job:
    """One region of a plan, with the thresholds of the whole company."""

    plan: Plan
    region: str
    company: bytes | None  # the reference.json of `all`
    parts: Mapping[str, Part] = field(default_factory=dict)  # of `all`: its regions

    @property
    def names(self) -> Mapping[str, str]:
        """The region's name in each language."""
        return self.plan.regions[self.region]

    @property
    def link(self) -> Path:
        """Link to the region's published folder."""
        return self.plan.link(self.region)

    @property
    def folder(self) -> Path:
        """Folder of the region's reports of all dates."""
        return self.plan.out / self.region

    def parameters(self, desk: Path, language: str) -> dict[str, str]:
        """Parameters of its notebooks."""
        return self.plan.parameters(self.region, desk, language)


Kind = Literal[
    "cell_error",  # a cell raised
    "dead_kernel",  # the kernel was killed, or out of memory
    "timeout",  # not finished within the limit
    "no_sentinel",  # ended without signing off
    "wrong_parameters",  # signed off with other parameters than given
    "start_failed",  # no kernel
    "not_published",  # rendering or writing failed, the notebooks did not
    "no_report",  # another run was to publish it
]


@dataclass(frozen=True)
class Failure:
    """Why a notebook or region failed; `message` is for users."""

    kind: Kind
    message: str
    cell: int | None = None  # the n of In [n]; None before the first cell
    notebook: str = ""

    @property
    def is_infrastructure(self) -> bool:
        """Whether the machine failed, not the notebook or its data, so that it may be repeated."""
        return self.kind in ("start_failed", "dead_kernel")

    def __str__(self) -> str:
        cell = "" if self.cell is None else f", cell [{self.cell}]"
        return f"{self.notebook}.ipynb{cell}: {self.message}" if self.notebook else self.message


State = Literal["running", "published", "unchanged", "learned", "failed"]


@dataclass(frozen=True)
class Event:
    """Progress of a region: its state, and the current notebook or the reason of failure.

    `learned`: `all` has thresholds for its regions, and no report, see `Plan.is_sampled`.

    A notebook begins (`running`) and ends (`executed`, with its seconds); `waiting`: for another
    run. The other states are the region's last event, with the seconds of all its work.
    """

    region: str
    state: State | Literal["waiting", "executed"]
    notebook: str = ""
    message: str = ""
    seconds: float = 0.0
    failure: Failure | None = None


@dataclass(frozen=True)
class Result:
    """The result of one region."""

    region: str
    state: State
    failure: Failure | None = None


Progress = Callable[[Event], None]
