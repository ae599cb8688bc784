"""Raw files as bytes: plain, gzipped, or the one file in a zip; damage is one message."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import duckdb
import pyarrow as pa

from cvm_analysis.errors import InputError

TEXTS = (".csv", ".txt", ".tsv")
PACKED = (*(f"{suffix}.gz" for suffix in TEXTS), ".zip")
DAMAGE = (
    *(EOFError, OSError, zlib.error, zipfile.BadZipFile, UnicodeError),
    *(pa.ArrowException, duckdb.Error),
)
OTHERWISE = {  # how files begin that are no text
    b"PK\x03\x04": "a zip or Excel file; name it .zip or .xlsx",
    b"\x1f\x8b": "a gzipped file; name it .csv.gz",
    b"\xd0\xcf\x11\xe0": "an old Excel file; save it as .xlsx",
    b"PAR1": "a Parquet file; name it .parquet",
}


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open the content of a file of text; InputError if it is damaged, or a zip of several."""
    name = path.name.lower()
    if name.endswith(".zip"):
        with (
            damaged(path),
            zipfile.ZipFile(path) as packed,
            packed.open(_member(path, packed)) as f,
        ):
            yield f
    elif name.endswith(".gz"):
        with damaged(path), gzip.open(path) as file:
            yield file  # type: ignore[misc]
    else:
        with path.open("rb") as plain:
            yield plain


def _member(path: Path, packed: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one file of text in a zip."""
    inside = [each for each in packed.infolist() if not _is_by_the_way(each)]
    if len(inside) != 1 or not inside[0].filename.lower().endswith(TEXTS):
        names = ", ".join(each.filename for each in inside) or "nothing"
        raise InputError(f"{path}: holds {names}; a zip may hold one csv file, unpack it")
    if inside[0].flag_bits & 1:
        raise InputError(f"{path}: is encrypted; unpack it")
    return inside[0]


def _is_by_the_way(entry: zipfile.ZipInfo) -> bool:
    return entry.is_dir() or entry.filename.startswith("__MACOSX/")


@contextmanager
def damaged(path: Path) -> Iterator[None]:
    """Turn the errors of libraries that meet damaged content into one message."""
    try:
        yield
    except InputError:
        raise
    except (*DAMAGE, RuntimeError, NotImplementedError, ValueError) as error:
        raise InputError(_message(path, error)) from None
    except BaseException as error:  # panics of Rust are no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise InputError(_message(path, error)) from None


def _message(path: Path, error: BaseException) -> str:
    said = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    return f"{path}: damaged or cut off ({said}); copy or export it again"


def guarded(path: Path, items: Iterable[Any]) -> Iterator[Any]:
    """Yield the items of a file that may turn out to be damaged; errors as in `damaged`."""
    with damaged(path):
        yield from items
