"""Raw files that were read before: their cells are kept, and used while the files are the same.

Beside the prepared tables, in a hidden folder (mode 0700), one file for each raw file of text or
workbook. Only where ids are no personal data (`pseudonyms: off`), and of sources without personal
columns: of others no copy outlives `prepare`.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
from pathlib import Path

from cvm_analysis import __version__, atomic_folder
from cvm_analysis.intake import masking, raw_files
from cvm_analysis.intake.raw_files import RawInput
from cvm_analysis.settings import Settings
from cvm_analysis.sources import read

PREFIX = "staged-"  # of files in the folder of a `prepare`, until they are kept


def folder_of(settings: Settings) -> Path:
    """The folder of kept files."""
    return settings.prepared.with_name(f".{settings.prepared.name}.staged")


def remove_personal(settings: Settings) -> None:
    """Remove what is kept if the config's ids are personal data, now or since."""
    kept = folder_of(settings)
    if settings.business.pseudonyms and kept.is_dir():
        with atomic_folder.lock(kept.parent):
            shutil.rmtree(kept)


def place(each: RawInput, number: int, folder: Path, kept: Path | None) -> Path:
    """Where a raw file is staged in `folder`; the file is there if it was kept and is whole.

    kept : the folder of kept files; None: nothing is kept, and nothing used
    """
    if kept is None or masking.hidden_columns(each.source):
        return folder / f"work.{number}.parquet"
    key = _key(each)
    to = folder / f"{PREFIX}{key}.parquet"
    for found in [] if to.exists() else kept.glob(f"{key}-*.parquet"):
        _link(found, to)
        if to.exists() and found.stem != f"{key}-{read.digest(to)}":  # damaged
            to.unlink()
    return to


def keep(folder: Path, kept: Path | None) -> None:
    """Move the staged files of `folder` to the kept ones, and remove those of no use any more."""
    staged = sorted(folder.glob(f"{PREFIX}*.parquet"))
    if kept is None:
        return
    named = {_name(path): path for path in staged}
    with atomic_folder.lock(kept.parent):
        kept.mkdir(mode=0o700, exist_ok=True)
        for name, path in named.items():
            path.replace(kept / name)
            path.unlink(missing_ok=True)  # still there if it is a link to the kept one
        for other in {path.name for path in kept.iterdir()} - set(named):
            (kept / other).unlink()


def _name(path: Path) -> str:
    """The name of a staged file among the kept ones: it says what is in it."""
    return f"{path.stem.removeprefix(PREFIX)}-{read.digest(path)}.parquet"


def _key(each: RawInput) -> str:
    """Digest all that a staged file depends on: the raw file, how it is read, and the code."""
    how = [each.name, each.path.suffix, read.digest(each.path), raw_files.options(each.source)]
    return hashlib.sha256(json.dumps([*how, _code(), __version__]).encode()).hexdigest()[:32]


@functools.cache
def _code() -> str:
    paths = sorted(Path(read.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def _link(found: Path, to: Path) -> None:
    """Give a kept file a second name, which stays if another process removes the first."""
    try:
        os.link(found, to)
    except FileNotFoundError:  # removed since
        return
    except OSError:  # a file system without links
        shutil.copyfile(found, to)
