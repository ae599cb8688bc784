"""What `prepare` recorded beside the tables: files, regions, days, fingerprint, owner."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NotRequired

import pandas as pd
from typing_extensions import TypedDict

from cvm_analysis import atomic_folder, owner, texts
from cvm_analysis.atomic_folder import read_json
from cvm_analysis.errors import InputError
from cvm_analysis.settings import Settings
from cvm_analysis.tables import ALL

STAMP = "prepared.json"
MERGES = "merges.parquet"  # one row per id that is another person's: old, new


class _Owned(TypedDict):
    owner: owner.Owner


class Stamp(_Owned):
    """What readers of prepared.json rely on."""

    fingerprint: str
    regions: dict[str, dict[str, str]]
    first_day: str
    as_of: str
    extracted_on: str
    incomplete_day: dict[str, Any] | None
    files: list[dict[str, Any]]
    rows_read: int
    rows_accepted: int
    notes: list[str]
    warnings: list[str]
    imported: list[str]
    headers: dict[str, list[str]]
    scores: list[dict[str, Any]]
    history: list[Prepare]
    size: int  # of the tables, in bytes
    sampled_of: NotRequired[int | None]  # customers of a company of whom there is a sample


class Prepare(TypedDict):
    """An earlier prepare, for the gates."""

    fingerprint: str
    rows: dict[str, int]
    scores: list[dict[str, Any]]


def stamp(settings: Settings) -> dict[str, Any]:
    """Read what `prepare` recorded (files, regions and their names, dates); empty if never run.

    It is also empty if this version does not know what was recorded, or it is damaged. InputError
    if the prepared tables are those of another config.
    """
    if found := read_json(settings.prepared / STAMP, _Owned):
        cure = (
            "name another folder under `prepared` in this config, or, if the config was moved, "
            f"remove {settings.prepared}"
        )
        owner.refuse_another(settings.prepared, found["owner"], describe_owner(settings), cure)
    return read_stamp(settings.prepared)


def recorded(settings: Settings) -> dict[str, Any]:
    """Read what `prepare` recorded; InputError if there is nothing that this version knows."""
    if found := stamp(settings):
        return found
    what = "no prepared tables"
    if (settings.prepared / STAMP).exists():
        what = "prepared by another version, or damaged"
    raise InputError(f"{settings.prepared}: {what}; run `cvm prepare {settings.path}`")


def read_stamp(folder: Path) -> dict[str, Any]:
    """Read what `prepare` recorded in a folder of prepared tables; empty as `stamp`."""
    return read_json(folder / STAMP, Stamp) or {}


def describe_owner(settings: Settings) -> owner.Owner:
    """Describe this config as the owner of its prepared tables."""
    folder = settings.prepared.parent
    return owner.describe(settings.business.business, settings.path, folder)


@contextmanager
def kept(settings: Settings) -> Iterator[Settings]:
    """Give settings whose prepared tables stay as they are, whatever is prepared meanwhile.

    InputError if there are none, or files are missing or cut.
    """
    recorded(settings)
    with atomic_folder.kept(settings.prepared) as folder:
        if not is_whole(folder):
            raise InputError(
                f"{settings.prepared}: files are missing or cut; run `cvm prepare {settings.path}`"
            )
        yield replace(settings, pinned=folder)


def pin(settings: Settings, fingerprint: str = "") -> Settings:
    """Settings whose prepared tables are those of a fingerprint, as long as a run keeps them.

    Without it, or if they are gone: those that are there now.
    """
    found = [path for path in atomic_folder.versions(settings.prepared) if path.is_dir()]
    asked = [path for path in found if read_stamp(path).get("fingerprint") == fingerprint]
    return replace(settings, pinned=next(iter([*asked, *found]), None))


def is_whole(folder: Path) -> bool:
    """Whether prepared tables have the size they were written with."""
    return read_stamp(folder).get("size") == size(folder)


def size(folder: Path) -> int:
    """Sum the sizes of prepared tables, in bytes."""
    return sum(path.stat().st_size for path in folder.glob("**/*.parquet"))


def merges(settings: Settings) -> dict[str, str]:
    """Map earlier ids of persons with several records to the ids they have now."""
    path = settings.prepared / MERGES
    if not path.is_file():
        return {}
    found = pd.read_parquet(path)
    return dict(zip(found["old"], found["new"], strict=True))


def imported(settings: Settings) -> list[str]:
    """Names of the imported indicators of all regions."""
    return recorded(settings)["imported"]


def count_if_sampled(settings: Settings) -> int | None:
    """Count the customers of a company of whom `all` has a sample; None: it has all of them."""
    return recorded(settings).get("sampled_of")


def region_keys(settings: Settings) -> list[str]:
    """List the keys of the regions, without `all`."""
    return [key for key in region_names(settings) if key != ALL]


def region_names(settings: Settings) -> dict[str, dict[str, str]]:
    """Names of `all` and every prepared region: key -> language -> name."""
    every = {each: texts.words(each)("report.all_regions") for each in texts.languages()}
    return {ALL: every, **recorded(settings)["regions"]}


def check_region(settings: Settings, region: str) -> None:
    """Raise InputError unless the region is `all` or prepared."""
    regions = recorded(settings)["regions"]
    if region not in (ALL, *regions):
        raise InputError(f"no region '{region}'; choose from {', '.join((ALL, *regions))}")


def resolve_day(settings: Settings, as_of: str = "") -> dt.date:
    """Read an as_of parameter; empty is the last complete day over all regions, as `prepare` found.

    InputError if it is not an ISO date or lies outside the data.
    """
    first_day, last_day, extracted_on = days(recorded(settings))
    if not as_of:
        return last_day
    try:
        day = dt.date.fromisoformat(as_of)
    except ValueError:
        raise InputError(f"as_of '{as_of}' is not a date; write it as {last_day}") from None
    if not first_day <= day <= extracted_on:
        raise InputError(
            f"as_of {day} is outside the data ({first_day} to {last_day}); choose a day within"
        )
    return day


def days(stamp: dict[str, Any]) -> Iterator[dt.date]:
    """First day with a sale, last complete day, and the day of extraction."""
    return (dt.date.fromisoformat(stamp[name]) for name in ("first_day", "as_of", "extracted_on"))
