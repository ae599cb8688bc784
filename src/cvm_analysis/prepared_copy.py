"""A copy of the prepared tables under a URL of fsspec, for machines without the raw files.

    <url>/<fingerprint>/...    the files of a prepared folder
    <url>/current.json         which of them counts, whose they are, and the digest of each file

`current.json` is replaced last: a reader finds a whole copy or the one before, which stays until
the next. One machine prepares, any number read. Credentials come from the environment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from cvm_analysis import atomic_folder, owner, prepared
from cvm_analysis.errors import CvmError, InputError
from cvm_analysis.settings import Settings

CURRENT = "current.json"


class Current(TypedDict):
    """Content of current.json; earlier: fingerprint of the copy before, empty if there is none."""

    owner: owner.Owner
    fingerprint: str
    files: dict[str, str]
    earlier: str


class _Place(NamedTuple):
    """A URL as fsspec sees it, with the methods of its file system."""

    url: str
    fs: Any
    root: str

    def path(self, *parts: str) -> str:
        return "/".join([self.root, *parts])


def check(url: str) -> None:
    """Raise InputError unless the packages are installed that read and write such a URL."""
    try:
        import fsspec

        fsspec.get_filesystem_class(fsspec.utils.get_protocol(url))
    except ModuleNotFoundError as error:
        raise InputError(f"{error}; pip install 'cvm_analysis[remote]'") from error
    except (ImportError, ValueError) as error:
        raise InputError(str(error)) from error


def put(settings: Settings) -> bool:
    """Copy the prepared tables to `prepared_url`; return whether anything was to copy.

    InputError if they cannot be written there, or the tables there are another config's.
    """
    if (url := settings.business.prepared_url) is None:
        return False
    with _reached(url) as place, prepared.kept(settings) as kept:
        found, folder = _read_current(place, settings), kept.prepared
        key = prepared.read_stamp(folder)["fingerprint"]
        local = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
        there = _sizes(place, key)
        new = [name for name, path in local.items() if there.get(name) != path.stat().st_size]
        is_current = found is not None and found["fingerprint"] == key
        if is_current and not new:
            return False
        before = found["earlier" if is_current else "fingerprint"] if found else ""
        place.fs.put([str(local[name]) for name in new], [place.path(key, name) for name in new])
        digests = {name: atomic_folder.digest(path) for name, path in local.items()}
        content = Current(
            owner=prepared.describe_owner(settings), fingerprint=key, files=digests, earlier=before
        )
        _write_current(place, content)
        _remove_others(place, content)
    return True


def fetch(settings: Settings) -> bool:
    """Copy the tables of `prepared_url` here unless they are here; return whether they were not.

    InputError if there are none, a file is lost or damaged, or they are another config's; the
    prepared tables here stay as they were.
    """
    if (url := settings.business.prepared_url) is None:
        return False
    here = settings.prepared
    here.parent.mkdir(parents=True, exist_ok=True)
    with _reached(url) as place, atomic_folder.file_lock(here.parent / f".{here.name}.fetch.lock"):
        current = _read_current(place, settings)
        if current is None:
            raise InputError(
                f"{url}: no prepared tables; run `cvm prepare {settings.path}` where the raw files "
                "are"
            )
        key = current["fingerprint"]
        if prepared.stamp(settings).get("fingerprint") == key and prepared.is_whole(here):
            return False
        with atomic_folder.atomic_folder(here.parent, here.name) as folder:
            _get(place, key, current["files"], folder)
            atomic_folder.publish(folder, here)
    return True


@contextmanager
def _reached(url: str) -> Iterator[_Place]:
    """Give a place to read and write; whatever a file system raises becomes one InputError."""
    try:
        import fsspec
        from fsspec.implementations.local import LocalFileSystem

        fs, root = fsspec.core.url_to_fs(url)
        if isinstance(fs, LocalFileSystem):
            fs.auto_mkdir = True
        fs.invalidate_cache()
        yield _Place(url, fs, root.rstrip("/"))
    except CvmError:
        raise
    except Exception as error:  # each file system has its own
        raise InputError(f"{url}: {type(error).__name__}: {error}") from error


def _read_current(place: _Place, settings: Settings) -> Current | None:
    """Read what counts; None if nothing is there. InputError if it is damaged or another's."""
    try:
        found = TypeAdapter(Current).validate_json(place.fs.cat_file(place.path(CURRENT)))
    except FileNotFoundError:
        return None
    except ValidationError:
        raise InputError(
            f"{place.url}/{CURRENT}: damaged; remove it, then run `cvm prepare {settings.path}`"
        ) from None
    cure = "name another `prepared_url`, or, if the config was moved, remove what is there"
    own = prepared.describe_owner(settings)
    owner.refuse_another(place.url, found["owner"], own, cure)
    return found


def _write_current(place: _Place, content: Current) -> None:
    """Replace current.json in one step, also where files are written in place."""
    new = place.path(f".{CURRENT}")
    place.fs.pipe_file(new, json.dumps(content).encode())
    place.fs.mv(new, place.path(CURRENT))


def _files(folder: Path) -> list[Path]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in found if path.name != atomic_folder.LOCK]


def _sizes(place: _Place, key: str) -> dict[str, int]:
    """Sizes of the files of a copy, whole or not, by name; none if there is no such copy."""
    folder = place.path(key)
    try:
        found = place.fs.find(folder, detail=True)
    except FileNotFoundError:
        return {}
    return {path.removeprefix(f"{folder}/"): int(about["size"]) for path, about in found.items()}


def _get(place: _Place, key: str, files: Mapping[str, str], folder: Path) -> None:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    try:
        place.fs.get([place.path(key, name) for name in files], [str(folder / n) for n in files])
        wrong = [
            name for name, digest in files.items() if atomic_folder.digest(folder / name) != digest
        ]
    except FileNotFoundError as error:
        wrong = [str(error)]
    if wrong:
        raise InputError(
            f"{place.url}/{key}: {len(wrong):,} of {len(files):,} files are lost or changed, such "
            f"as {wrong[0]}; remove {key} there, then run `cvm prepare` where the raw files are"
        )


def _remove_others(place: _Place, content: Current) -> None:
    """Remove copies that are neither current nor the one before, which somebody may be reading."""
    place.fs.invalidate_cache()
    for path in place.fs.ls(place.root, detail=False):
        name = path.rstrip("/").rpartition("/")[2]
        is_copy = re.fullmatch("[0-9a-f]{64}", name)
        if is_copy and name not in (content["fingerprint"], content["earlier"]):
            place.fs.rm(path, recursive=True)
