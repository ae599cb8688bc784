"""run.json: the inputs of a published folder, and the fingerprint of all of them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os.path
import platform
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NotRequired

import yaml
from typing_extensions import TypedDict

import cvm_analysis
from cvm_analysis import atomic_folder
from cvm_analysis.errors import InputError
from cvm_analysis.run.notebook import HASH_SEED, Finished
from cvm_analysis.run.plan import PRIVATE, Job, Part, Plan

PACKAGE = Path(cvm_analysis.__file__).parent
STAMP = "stamp.json"  # in desk/
NO_FIGURES = ("notify", "engine", "exports")  # settings that change no report


class Figures(TypedDict, total=False):
    """What a report leaves for the portal; see `results.Run.figures`."""

    values: dict[str, float]
    currency: str
    horizon_weeks: float | None


class Alert(TypedDict):
    """An alert, with its text by language; see `results.Run.alerts`."""

    text: dict[str, str]
    clause: NotRequired[dict[str, str]]  # without the id of a customer


class Manifest(TypedDict):
    """What readers of run.json rely on; reports of earlier versions lack some of it."""

    fingerprint: str
    business: str
    as_of: str
    languages: list[str]
    outputs: dict[str, str]
    code: dict[str, str]
    prepared: NotRequired[str]
    timezone: NotRequired[str]
    names: NotRequired[dict[str, str]]
    regions: NotRequired[dict[str, Part]]
    figures: NotRequired[Figures]
    alerts: NotRequired[list[Alert]]


def fingerprint(job: Job) -> str:
    """Digest all inputs of a region's report: data, settings, code, libraries.

    A published folder with the same fingerprint is up to date. Of `all`: see `add_parts`.
    """
    content = {
        **_identity(job),
        "notebooks": job.plan.notebooks,
        "config": [_settings(path) for path in job.plan.config_files],
        "code": code(job.plan),
        "libraries": _libraries(),
    }
    return _digest(json.dumps(content, sort_keys=True).encode())


def add_parts(own: str, parts: Mapping[str, Part]) -> str:
    """Digest the fingerprint of the company's own analysis, and its regions with theirs."""
    if not parts:
        return own
    return _digest(json.dumps([own, parts], sort_keys=True).encode())


def pin(desk: Path, job: Job) -> None:
    """Name the data in the stamp of a run folder, before the first notebook: all read these."""
    content = json.dumps(_stamp(job), ensure_ascii=False, indent=1)
    atomic_folder.write(desk / STAMP, content, PRIVATE)


def check(desk: Path, job: Job, made_from: str) -> None:
    """Raise InputError if notebooks read other data, or settings, code or ledger changed meanwhile.

    made_from : the fingerprint, taken before the first notebook ran
    """
    if atomic_folder.read_json(desk / STAMP, dict) != _stamp(job):
        raise InputError("the data were prepared again during the run; run it again")
    if fingerprint(job) != made_from:
        raise InputError(
            "config, notebooks, program or ledger changed during the run; run it again"
        )


def _stamp(job: Job) -> dict[str, str]:
    """Content of the stamp, as notebooks write it: see `results`."""
    plan = job.plan
    about = {"config": plan.config.stem, "region": job.region, "as_of": plan.as_of}
    return {**about, "prepared": plan.prepared}


def _identity(job: Job) -> dict[str, Any]:
    """What a report is about and made from, besides settings and code."""
    plan = job.plan
    return {
        "region": job.region,
        "names": dict(job.names),
        "business": plan.business,
        "as_of": plan.as_of,
        "languages": plan.languages,
        "prepared": plan.prepared,
        "company": None if job.company is None else _digest(job.company),
        "ledger": _lists(job),
    }


def _lists(job: Job) -> str:
    """Digest what is handed in of the ledger: the lists and figures of earlier days."""
    folder = job.plan.ledger
    files = [*job.plan.earlier_lists(job.region), *job.plan.earlier_figures(job.region)]
    found = [
        f"{path.relative_to(folder).as_posix()} {atomic_folder.digest(path)}" for path in files
    ]
    return _digest("\n".join(found).encode())


def code(plan: Plan) -> str:
    """Digest the package and the cells of the notebooks, without stored outputs."""
    files = sorted(p for p in PACKAGE.rglob("*") if p.is_file() and p.suffix != ".pyc")
    parts = [f"{path.relative_to(PACKAGE)} {atomic_folder.digest(path)}" for path in files]
    parts += [f"{stem} {_cells(plan.notebook(stem))}" for stem in plan.notebooks]
    return _digest("\n".join(parts).encode())


def read(folder: Path) -> dict[str, Any] | None:
    """Read the run.json of a published folder; None if it is missing, damaged or no such file."""
    found: dict[str, Any] | None = atomic_folder.read_json(folder / "run.json", Manifest)
    return found


def is_whole(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether every file of a manifest is there as it was published."""
    return all(is_as_published(folder, manifest, name) for name in manifest["outputs"])


def is_as_published(folder: Path, manifest: Mapping[str, Any], name: str) -> bool:
    """Whether a file, by its path in the folder, is there as it was published."""
    path = folder / name
    return path.is_file() and atomic_folder.digest(path) == manifest["outputs"].get(name)


def write(
    folder: Path, job: Job, made_from: str, finished: Sequence[Finished], timing: Mapping[str, Any]
) -> None:
    """Write run.json, the last file of a folder and the only one with times.

    made_from : the fingerprint, taken before the first notebook ran, with that of its parts
    """
    plan, desk = job.plan, folder / "desk"
    content = {
        **_identity(job),
        "timezone": plan.timezone,
        "regions": job.parts,
        "fingerprint": made_from,
        "inputs": _names(plan.inputs),
        "config": {path.name: atomic_folder.digest(path) for path in plan.config_files},
        "code": {"version": cvm_analysis.__version__, "sha256": code(plan)},
        "lock": _lock(plan),
        "python": platform.python_version(),
        "libraries": _libraries(),
        "seed": HASH_SEED,
        "parameters": {"config": plan.config.name, "region": job.region, "as_of": plan.as_of},
        "notebooks": [
            {
                "notebook": each.notebook,
                "status": "good",
                "attempts": each.attempts,
                "seconds": round(each.seconds, 3),
            }
            for each in finished
        ],
        "notes": _notes(finished),
        "rows": _rows(desk / "tables"),
        "figures": _read_json(desk / "figures.json", {}),  # for the portal
        "alerts": _read_json(desk / "alerts.json", []),
        "outputs": _outputs(folder),
        "timing": dict(timing),
    }
    atomic_folder.write(
        folder / "run.json", json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    )


def _read_json(path: Path, nothing: Any) -> Any:
    return json.loads(path.read_text("utf-8")) if path.is_file() else nothing


def _notes(finished: Iterable[Finished]) -> list[dict[str, Any]]:
    """One row per distinct note: a report in two languages has each note twice."""
    notes: list[dict[str, Any]] = []
    for each in finished:
        notes += [row for n in each.notes if (row := {"notebook": each.notebook, **n}) not in notes]
    return notes


def _rows(tables: Path) -> dict[str, int]:
    """Count the rows of each table from its metadata."""
    files = sorted(tables.glob("*.parquet"))
    if not files:
        return {}
    from pyarrow.parquet import read_metadata

    return {path.stem: read_metadata(path).num_rows for path in files}


def _outputs(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): atomic_folder.digest(path) for path in files}


def _names(inputs: Mapping[str, str]) -> dict[str, str]:
    """Shorten the paths of inputs to what distinguishes them."""
    files = {Path(name).absolute(): sha for name, sha in inputs.items()}
    common = os.path.commonpath([file.parent for file in files]) if files else "."
    return {file.relative_to(common).as_posix(): sha for file, sha in files.items()}


def _lock(plan: Plan) -> str | None:
    path = plan.notebooks_folder.resolve().parent / "requirements.lock"
    return atomic_folder.digest(path) if path.is_file() else None


@cache
def _libraries() -> str:
    """Digest the names and versions of all installed packages."""
    found = {f"{d.name} {d.version}" for d in importlib.metadata.distributions()}
    return _digest("\n".join([platform.python_version(), *sorted(found)]).encode())


def _cells(notebook: Path) -> str:
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    cells = [[c["cell_type"], "".join(c["source"]), c["metadata"].get("tags", [])] for c in cells]
    return _digest(json.dumps(cells).encode())


def _settings(path: Path) -> str:
    """Digest the settings in a YAML file, without comments and what changes no figure."""
    content = path.read_bytes()
    try:
        settings = yaml.load(content, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError):  # damaged while a run goes on
        return _digest(content)
    if isinstance(settings, dict):
        for name in NO_FIGURES:
            settings.pop(name, None)
    return _digest(repr(settings).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
