"""The ledger of a business: what its published reports recommended and said, for later ones.

<ledger>/.owner.json                       whose it is
<ledger>/.key.json                         check value of the key of its pseudonyms
<ledger>/<region>/<date>.parquet           rows of table `ledger` of that region's report of the day
<ledger>/<region>/figures/<date>.parquet   its table `report_figures`, as `earlier_reports`
<ledger>/<region>/.<date>.json             only while a report is published: link and fingerprint

Report and rows are published together: a note names the report that is about to appear, then the
report appears, then its rows are written and the note goes. If the process is killed in between,
the next run finds the note and writes the rows if the report did appear. No other file is ever
removed. `all` has figures, but no list of its own; its actions are those of its regions.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from typing_extensions import TypedDict

from cvm_analysis import atomic_folder, owner
from cvm_analysis.errors import InputError
from cvm_analysis.run import manifest, marker
from cvm_analysis.run.plan import PRIVATE, Job, Plan
from cvm_analysis.strategy import ledger
from cvm_analysis.tables import ALL, TABLES, check, empty

OTHER_LEDGER = "name another folder under `ledger` in this config"


class _Note(TypedDict):
    as_of: str
    link: str
    fingerprint: str


def claim(plan: Plan) -> None:
    """Mark the ledger as this business's, finish what a killed process left, and mend files.

    Raises
    ------
    InputError : it belongs to another business, or has pseudonyms made with another key; nothing
        was written
    """
    plan.ledger.mkdir(parents=True, exist_ok=True)
    with atomic_folder.lock(plan.ledger):
        marker.mark(plan.ledger, plan, OTHER_LEDGER)
        atomic_folder.remove_unfinished(plan.ledger)
        _claim_key(plan)
    for folder in sorted(path for path in plan.ledger.iterdir() if path.is_dir()):
        with atomic_folder.lock(folder):
            for each in (folder, folder / "figures"):
                atomic_folder.remove_unfinished(each)
            for note in sorted(folder.glob(".*.json")):
                _settle(note)
            _mend(plan, folder)


def check_owner(plan: Plan) -> None:
    """Raise InputError if the ledger belongs to another business; nothing is written."""
    marker.refuse_another(plan.ledger, plan, OTHER_LEDGER)


def _claim_key(plan: Plan) -> None:
    """Record the check value of the key, unless there is one; InputError if it is another."""
    found = owner.read_key_check(plan.ledger)
    if found and plan.key_check and found != plan.key_check:
        raise InputError(owner.describe_other_key([plan.ledger]))
    if plan.key_check and not found:
        content = json.dumps({"key_check": plan.key_check})
        atomic_folder.write(plan.ledger / owner.KEY_CHECK, content, PRIVATE)


def hand_in(job: Job, desk: Path) -> None:
    """Write what is known of earlier days into a run folder: tables `ledger`, `earlier_reports`.

    Both are there, if need be without rows. InputError names files that cannot be read.
    """
    plan, folder = job.plan, desk / "tables"
    folder.mkdir(exist_ok=True)
    files = {
        "ledger": plan.earlier_lists(job.region),
        "earlier_reports": plan.earlier_figures(job.region),
    }
    for name, paths in files.items():
        rows = _together(name, paths)
        rows = _unite(rows, plan.merges) if name == "ledger" else rows
        check(name, rows)
        atomic_folder.write(folder / f"{name}.parquet", rows.to_parquet(index=False), PRIVATE)


@contextmanager
def record(job: Job, desk: Path, made_from: str) -> Iterator[None]:
    """Record what a report recommends and says if it is published inside; else nothing changes.

    desk : its run folder; made_from : its fingerprint. A report that lacks the tables has no rows
    """
    if not _files(job.region, job.plan.as_of, desk):
        yield
        return
    folder = _folder(job)
    with atomic_folder.lock(folder):
        note = folder / f".{job.plan.as_of}.json"
        link = Path(os.path.relpath(job.link.absolute(), folder.resolve())).as_posix()
        about = {"as_of": job.plan.as_of, "link": link, "fingerprint": made_from}
        atomic_folder.write(note, json.dumps(about), PRIVATE)
        try:
            yield
        finally:
            _settle(note)


def restore(job: Job) -> None:
    """Write the files of a published report that the ledger lacks."""
    files = _files(job.region, job.plan.as_of, job.link / "desk")
    if not files:
        return
    folder = _folder(job)
    with atomic_folder.lock(folder):
        lost = [name for name in files if not (folder / name).is_file()]
        _write(folder, {name: files[name] for name in lost})


def _folder(job: Job) -> Path:
    folder = job.plan.ledger / job.region
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _settle(note: Path) -> None:
    """Write the rows of the report that a note names, if it is published; remove the note.

    Rows that a damaged note does not name are written when their day is run again: see `restore`.
    """
    about, folder = atomic_folder.read_json(note, _Note), note.parent
    if about:
        link = Path(os.path.normpath(folder.resolve() / about["link"]))
        made = manifest.read(link)
        is_this = made and made["fingerprint"] == about["fingerprint"]
        if made and is_this and manifest.is_whole(link, made):
            _write(folder, _files(folder.name, about["as_of"], link / "desk"))
    note.unlink()


def _mend(plan: Plan, folder: Path) -> None:
    """Write damaged files of a region again from the reports of their days, where these stand."""
    damaged = [path for path in folder.rglob("[!.]*.parquet") if not _is_readable(path)]
    for path in damaged:
        link = plan.out / folder.name / path.stem
        made, name = manifest.read(link), path.relative_to(folder).as_posix()
        if made and manifest.is_whole(link, made):
            files = _files(folder.name, path.stem, link / "desk")
            _write(folder, {each: content for each, content in files.items() if each == name})


def _is_readable(path: Path) -> bool:
    """Whether a Parquet file has its footer, which is written last."""
    from pyarrow.parquet import read_schema

    try:
        read_schema(path)
    except (OSError, ValueError):
        return False
    return True


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(mode=0o700, exist_ok=True)
        atomic_folder.write(folder / name, content, PRIVATE)


def _files(region: str, as_of: str, desk: Path) -> dict[str, bytes]:
    """Make what the ledger keeps of a report: content by name within the folder of its region."""
    rows, figures = _rows(region, as_of, desk), _figures(region, as_of, desk)
    found = {f"{as_of}.parquet": rows, f"figures/{as_of}.parquet": figures}
    return {name: content for name, content in found.items() if content is not None}


def _figures(region: str, as_of: str, desk: Path) -> bytes | None:
    """Make rows of table `earlier_reports` from a report's own, with the program's version."""
    path, made = desk / "tables" / "report_figures.parquet", manifest.read(desk.parent)
    if made is None or not path.is_file():
        return None
    about = {
        "region": region,
        "as_of": pd.Timestamp(as_of),
        "program": made["code"].get("version", ""),
    }
    rows = pd.read_parquet(path).assign(**about)
    content: bytes = rows[list(TABLES["earlier_reports"].columns)].to_parquet(index=False)
    return content


def _rows(region: str, as_of: str, desk: Path) -> bytes | None:
    """Make the rows of a report from its tables, as a parquet file; None if it has no actions."""
    path = desk / "tables" / "actions.parquet"
    if region == ALL or not path.is_file():
        return None
    draws, key = desk / "tables" / "value_draws.parquet", list(TABLES["value_draws"].key)
    drawn = pd.read_parquet(draws) if draws.is_file() else empty("value_draws")
    error = ledger.find_forecast_error(drawn.set_index(key))
    rows = ledger.to_rows(pd.read_parquet(path), region, pd.Timestamp(as_of).date(), error)
    content: bytes = rows.reset_index().to_parquet(index=False)
    return content


def _unite(rows: pd.DataFrame, merges: Mapping[str, str]) -> pd.DataFrame:
    """Give customers the ids they have now; of two equal rows of a person the first counts."""
    if not merges or rows.empty:
        return rows
    key = list(TABLES["ledger"].key)
    named = rows.assign(customer_id=rows["customer_id"].replace(merges))
    one = named.sort_values([*key, "rank"]).drop_duplicates(key)
    return one.sort_values(key, ignore_index=True)


def _together(name: str, files: Sequence[Path]) -> pd.DataFrame:
    """Read files of the ledger as one table, sorted; a column that some lack is empty there."""
    damaged = [str(path) for path in files if not _is_readable(path)]
    if damaged:
        raise InputError(
            f"{', '.join(damaged)}: damaged, and no published report to write it again from; take "
            "it from a backup, or remove it: what that report recommended is then not followed up"
        )
    tables = [table for table in map(pd.read_parquet, files) if len(table)]
    if not tables:
        return empty(name)
    rows = pd.concat(tables).reindex(columns=list(TABLES[name].columns))
    return rows.sort_values(list(TABLES[name].key), ignore_index=True)
