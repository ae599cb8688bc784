"""Files and folders that appear complete or not at all, even if the process is killed.

A folder is built under a hidden name beside its target and renamed when complete. A relative
symlink, replaced in one step, points to it: readers find the old folder or the new one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from cvm_analysis.errors import InputError

LOCK = ".lock"


def lock(folder: Path) -> FileLock:
    """Make the lock under which one process at a time changes what several share in a folder."""
    return file_lock(folder / LOCK)


@contextmanager
def atomic_folder(parent: Path, name: str) -> Iterator[Path]:
    """Give an empty folder in `parent` (mode 0700) to fill and `publish`; else it is removed.

    A lock shows that its process is alive; the next folder made or published in the same parent
    removes those of killed processes.
    """
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / f".building-{name}-{secrets.token_hex(6)}"
    owned = file_lock(folder.with_name(f"{folder.name}.lock"))
    with lock(parent):
        _remove_leftovers(parent)
        owned.acquire()
        folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        _remove(folder, owned)


def publish(folder: Path, link: Path) -> Path:
    """Point `link` to a complete `folder`, and remove the folder it pointed to before.

    Returns the folder's final name, `.<link name>-<12 hex digits>` beside the link. InputError,
    with nothing changed, if a file or folder has the link's name.
    """
    _sync(folder)
    with lock(link.parent):
        if link.exists() and not link.is_symlink():
            raise InputError(f"{link}: not a link made by cvm; move it away, then run again")
        final = link.with_name(f".{link.name}-{secrets.token_hex(6)}")
        folder.rename(final)
        _point(link, final)
        _remove_older(link, final)
        _remove_leftovers(link.parent)
    return final


def place(folder: Path, final: Path) -> None:
    """Give a complete `folder` the name of one that nobody has; FileExistsError if it is taken."""
    _sync(folder)
    with lock(final.parent):
        if final.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final))
        folder.rename(final)
        _sync_one(final.parent)


@contextmanager
def kept(link: Path) -> Iterator[Path]:
    """Give the folder that a link points to now; meanwhile no `publish` removes it.

    Where this process may not write, it is given without that promise.
    """
    if not (link.is_symlink() and os.access(link.parent, os.W_OK)):
        yield link.resolve()
        return
    with lock(link.parent):
        folder = link.resolve()
        owned = file_lock(link.with_name(f"{folder.name}.{secrets.token_hex(6)}.lock"))
        owned.acquire()
    try:
        yield folder
    finally:
        with lock(link.parent):
            Path(owned.lock_file).unlink(missing_ok=True)
            owned.release()
            _remove_older(link, link.resolve())


def withdraw(link: Path) -> None:
    """Remove a link and the folder it points to, unless a process keeps that.

    The link goes first: killed in between, the folder is what `clean` removes.
    """
    with lock(link.parent):
        folder = link.resolve()
        link.unlink()
        _sync_one(link.parent)
        if _is_version(folder, link) and not _is_kept(folder):
            shutil.rmtree(folder)


def clean(folder: Path, names: str = "") -> None:
    """Remove what killed processes left in a folder, where nobody else writes files now.

    names : pattern of names of links in it; what they pointed to before goes, too, unless a process
        keeps it
    """
    if not folder.is_dir():
        return
    with lock(folder):
        _remove_leftovers(folder)
        remove_unfinished(folder)
        for link in {path.with_name(name(path)) for path in folder.glob(".*-*")}:
            if re.fullmatch(names, link.name) and (link.is_symlink() or not link.exists()):
                _remove_older(link, link.resolve())


def remove_unfinished(folder: Path) -> None:
    """Remove the files that killed processes were writing in a folder, while nobody else writes."""
    for path in folder.glob(".*.writing"):
        if re.fullmatch(r"\..+-[0-9a-f]{12}\.writing", path.name):
            path.unlink(missing_ok=True)


def versions(link: Path) -> list[Path]:
    """List the finished folders of a link: the one it points to, then older ones that are kept."""
    now = link.resolve()
    return [now, *sorted(p for p in now.parent.glob(".*-*") if _is_version(p, link) and p != now)]


def name(folder: Path) -> str:
    """The name of a finished folder without its digits: that of its link."""
    found = re.fullmatch(r"\.(.+)-[0-9a-f]{12}", folder.name)
    return found[1] if found else folder.name


def write(path: Path, content: str | bytes, mode: int = 0o666) -> None:
    """Write a small file in one step; `mode` is cut by the umask."""
    data = content.encode() if isinstance(content, str) else content
    unfinished = path.with_name(f".{path.name}-{secrets.token_hex(6)}.writing")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_one(path.parent)


def digest(path: Path) -> str:
    """The sha256 of a file, by which a reader knows that it is as it was written."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path, kind: Any) -> Any:
    """Read a JSON file of this kind (a type); None if it is missing, damaged or of another kind."""
    try:
        content = json.loads(path.read_bytes())
        _adapter(kind).validate_python(content)
    except (OSError, ValueError):
        return None
    return content


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter  # not needed where files are only written

    return TypeAdapter(kind)


def _point(link: Path, final: Path) -> None:
    unfinished = final.with_name(f"{final.name}.link")
    unfinished.symlink_to(final.name)
    unfinished.replace(link)
    _sync_one(link.parent)


def _remove_older(link: Path, final: Path) -> None:
    """Remove unfinished links of this link, and older folders that no process keeps."""
    for path in link.parent.iterdir():
        if path.is_symlink() and _is_version(path.with_suffix(""), link):
            path.unlink()
        elif not _is_version(path, link) or not path.is_dir() or _is_kept(path):
            continue
        elif path.name != final.name:
            shutil.rmtree(path, ignore_errors=True)


def _is_version(path: Path, link: Path) -> bool:
    return re.fullmatch(rf"\.{re.escape(link.name)}-[0-9a-f]{{12}}", path.name) is not None


def _is_kept(folder: Path) -> bool:
    """Whether a living process keeps a folder; locks of processes that have ended are removed."""
    ours = re.compile(rf"{re.escape(folder.name)}\.[0-9a-f]{{12}}\.lock")
    locks = [path for path in folder.parent.iterdir() if ours.fullmatch(path.name)]
    return any([not _remove_free(path) for path in locks])


def _remove_free(path: Path) -> bool:
    """Remove a lock that no living process holds; return whether it did."""
    owned = file_lock(path)
    try:
        owned.acquire(blocking=False)
    except OSError:  # held: Timeout is one
        return False
    path.unlink(missing_ok=True)
    owned.release()
    return True


def _remove_leftovers(parent: Path) -> None:
    """Remove unfinished folders of processes that have ended: their locks are free."""
    for path in parent.glob(".building-*.lock"):
        if not re.fullmatch(r"\.building-.+-[0-9a-f]{12}\.lock", path.name):
            continue
        owned = file_lock(path)
        with suppress(OSError):  # held by a living process: Timeout is one
            owned.acquire(blocking=False)
            _remove(path.with_suffix(""), owned)


def _remove(folder: Path, owned: FileLock) -> None:
    """Remove a folder, then release its lock; what cannot be removed is left to the next run."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        Path(owned.lock_file).unlink(missing_ok=True)
    owned.release()


def file_lock(path: Path) -> FileLock:
    """A lock for one process at a time; the system releases it when a process is killed."""
    return FileLock(path, mode=0o600, thread_local=False, fallback_to_soft=False)


def _sync(folder: Path) -> None:
    """Flush a folder and its content to the disk."""
    for path in (*folder.rglob("*"), folder):
        _sync_one(path)


def _sync_one(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
