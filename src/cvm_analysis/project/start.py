"""Start a company's own folder: notebooks, rule files, a key, a README and schedules."""

from __future__ import annotations

import json
import secrets
from importlib.resources import files
from pathlib import Path
from string import Template

from cvm_analysis import __version__, atomic_folder
from cvm_analysis.errors import InputError
from cvm_analysis.project import schedules, shipped

MANIFEST = ".cvm.json"  # the version that a folder was started with, and a digest of each file
KEY, PRIVATE = "key", 0o600
FOLDERS = ("data/raw", "reports")
IGNORED = "key\ndata/\nreports/\nrun.log\n.ipynb_checkpoints/\n"


def start(folder: Path) -> None:
    """Fill a new or empty folder; its pseudonyms get a key of their own, of mode 0600.

    Raises
    ------
    InputError : the folder is not empty, or is a file; nothing was written
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise InputError(
            f"{folder}: not an empty folder; name a new one "
            "(`cvm new --diff` compares a folder that `cvm new` started)"
        )
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    own = {"README.md": _readme(folder.resolve()), **schedules.fill(folder.resolve())}
    for name, text in {**shipped.read(), **own}.items():
        write(folder, name, text)
    write(folder, ".gitignore", IGNORED)
    atomic_folder.write(folder / KEY, secrets.token_urlsafe(32) + "\n", PRIVATE)
    record(folder, {name: shipped.digest(name, text) for name, text in shipped.read().items()})


def write(folder: Path, name: str, text: str) -> None:
    """Write a file of the folder, and the folders above it."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    atomic_folder.write(folder / name, text)


def record(folder: Path, digests: dict[str, str]) -> None:
    """Record the version, and the digest of each file as shipped."""
    content = {"version": __version__, "files": digests}
    write(folder, MANIFEST, json.dumps(content, indent=1) + "\n")


def _readme(folder: Path) -> str:
    text = (files("cvm_analysis.project") / "templates" / "README.md").read_text("utf-8")
    return Template(text).substitute(name=folder.name, unit=schedules.unit_name(folder))
