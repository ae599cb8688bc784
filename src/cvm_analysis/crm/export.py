"""An export to a CRM: all files and then the state, or nothing.

<exports>/.owner.json          whose the exports are
<exports>/<system>/<number>/   the files of an export, the first one 0001
<exports>/<system>/state       see `state`
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from cvm_analysis import atomic_folder, owner, prepared
from cvm_analysis.crm import accounts, cells, changes, files, records, reports, state
from cvm_analysis.crm.changes import Changes
from cvm_analysis.crm.state import About, State
from cvm_analysis.crm.systems import System
from cvm_analysis.errors import InputError
from cvm_analysis.intake import pseudonyms, reidentify
from cvm_analysis.run import marker
from cvm_analysis.settings import Settings
from cvm_analysis.spreadsheets import no_formula
from cvm_analysis.texts import words

CONFLICTS = "conflicts.csv"
WITH_IDS = ("customer_id", "task_id", "customer")  # columns whose cells begin with an id
LENGTH = 13  # of a pseudonym


@dataclass(frozen=True)
class Options:
    """What an export does.

    language : of the words; empty: the system's, else that of the reports
    full : all rows, not only changed ones; reidentify : write the ids of the raw files
    accounts : the CRM's own export of its customers; overwrite : what the desk changed in it
    """

    language: str = ""
    full: bool = False
    reidentify: bool = False
    accounts: Path | None = None
    overwrite: bool = False


class Outcome(NamedTuple):
    """The files of an export and their rows, without conflicts.csv; none: nothing has changed.

    regions : date of each region's report; n_conflicts : rows of conflicts.csv; found : of the
        CRM's customers, if their export was given
    """

    folder: Path
    files: list[tuple[str, int]]
    regions: Mapping[str, str]
    n_conflicts: int
    found: accounts.Found | None


def export(settings: Settings, system: System, out: Path, options: Options) -> Outcome:
    """Export the newest reports in `out` to a system.

    Raises
    ------
    InputError : as `reports.find`, `accounts.compare` and `state.read`; exports of another business
        or key; a region that was exported has no report; ids are hidden now and were not before, or
        the reverse; no key, or customers who are not in the raw files. Nothing is written
    """
    found = reports.find(settings, out)
    language = options.language or system.content.language or found[0].made["languages"][0]
    words(language)  # fails early for an unknown language
    folder = settings.exports / system.key
    _claim(settings, folder)
    with atomic_folder.file_lock(folder / ".export.lock"):
        before = state.read(folder)
        about = About(
            number=before.about["number"],
            regions={each.region: each.made["as_of"] for each in found},
            key_check=_key_check(settings),
            has_raw_ids=options.reidentify,
        )
        _check(settings, folder, before, about, options)
        ours = records.add_up([reports.read(settings, each, language) for each in found])
        made = changes.find(
            system,
            before,
            cells.write(ours, system),
            options.full,
            options.overwrite,
            options.accounts,
            _hide if before.about["has_raw_ids"] else list,
        )
        return _write(settings, system, folder, made, about)


def _claim(settings: Settings, folder: Path) -> None:
    """Mark the exports as this business's; InputError if they are another's."""
    parent = settings.exports
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    path = parent / marker.MARKER
    own = owner.describe(settings.business.business, settings.path, parent)
    if found := owner.read(path, owner.Owner, f"{parent} belongs to {settings.path}"):
        owner.refuse_another(parent, found, own, "name another folder under `exports`")
    atomic_folder.write(path, json.dumps(own, ensure_ascii=False, indent=1))


def _key_check(settings: Settings) -> str:
    """The check value of the key of the reports' pseudonyms; empty if there are none."""
    is_hidden = settings.business.pseudonyms
    return owner.read_key_check(settings.ledger) if is_hidden else ""


def _check(settings: Settings, folder: Path, before: State, about: About, options: Options) -> None:
    """Refuse an export that would not go on from the last one."""
    if options.reidentify and not settings.business.pseudonyms:
        raise InputError(f"{settings.path}: pseudonyms are off, exports have the ids of the files")
    if not before.about["number"]:
        return
    if before.about["key_check"] != about["key_check"]:
        raise InputError(owner.describe_other_key([folder / state.NAME]))
    if before.about["has_raw_ids"] != about["has_raw_ids"] and not options.full:
        was = "with the ids of the files" if before.about["has_raw_ids"] else "with pseudonyms"
        raise InputError(
            f"{folder}: the last export was {was}, so the CRM would get every customer twice; do "
            "as then, or give --full once its customers have the other ids"
        )
    known = prepared.region_keys(settings) if prepared.stamp(settings) else []
    gone = [each for each in before.about["regions"] if each not in about["regions"]]
    if missing := [each for each in gone if each in known]:
        raise InputError(
            f"{', '.join(missing)}: no report, so all customers there would seem to have left; "
            f"run `cvm run {settings.path} --region {missing[0]}`"
        )


def _hide(raw_ids: list[str]) -> list[str]:
    return pseudonyms.pseudonyms(raw_ids, pseudonyms.key())


def _write(
    settings: Settings, system: System, folder: Path, made: Changes, about: About
) -> Outcome:
    """Write the files in a folder of their own, if there are rows or conflicts; then the state."""
    raw = reidentify.find_raw_ids(settings) if about["has_raw_ids"] else {}
    numbers = [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
    number = max([about["number"], *numbers]) + 1
    to = folder / f"{number:04}"
    with atomic_folder.atomic_folder(folder, to.name) as building:
        written = [*_write_files(system, building, made, raw)]
        if is_new := bool(written or len(made.conflicts)):
            atomic_folder.place(building, to)
            about = About(**{**about, "number": number})
    state.publish(folder, State(about, made.cells, made.edits, made.sent))
    place = to if is_new else folder
    return Outcome(place, written, about["regions"], len(made.conflicts), made.found)


def _write_files(
    system: System, building: Path, made: Changes, raw: Mapping[str, str]
) -> Iterator[tuple[str, int]]:
    """Write changed and removed rows of each kind, and the conflicts."""
    is_csv = system.content.format == "csv"
    for kind in system.modules:
        changed, removed = made.changed[kind], made.removed[kind]
        _refuse_unknown(changed, raw)
        yield from files.write(building, kind, _show_ids(changed, raw, is_csv), system)
        gone = _show_ids(removed, raw, is_csv)
        yield from files.write(building, kind, gone, system, removed=True)
    if len(made.conflicts):
        files.write_csv(building / CONFLICTS, _show_ids(made.conflicts, raw))


def _refuse_unknown(rows: pd.DataFrame, raw: Mapping[str, str]) -> None:
    """Refuse customers of the report who are not in the raw files any more."""
    if not raw or "customer_id" not in rows:
        return
    if n := int((~rows["customer_id"].isin(raw.keys())).sum()):
        raise InputError(
            f"{n:,} of {len(rows):,} customers of the reports are not in the raw files under this "
            "key; run `cvm run` again"
        )


def _show_ids(rows: pd.DataFrame, raw: Mapping[str, str], is_csv: bool = True) -> pd.DataFrame:
    """Put the ids of the raw files in place of pseudonyms; unknown ones stay."""
    columns = [name for name in WITH_IDS if name in rows] if raw else []
    shown = {}
    for name in columns:
        hidden, rest = rows[name].str[:LENGTH], rows[name].str[LENGTH:]
        ids = hidden.map(raw).fillna(hidden) + rest
        shown[name] = ids.map(no_formula) if is_csv else ids
    return rows.assign(**shown)
