"""A list of the desk with raw customer ids in place of pseudonyms, for whoever has the key.

Pseudonyms cannot be turned back. Those of all ids in the sources are made again, and compared; the
pairs are held in memory only.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from cvm_analysis import atomic_folder
from cvm_analysis.errors import InputError
from cvm_analysis.intake import ids, pseudonyms, raw_files
from cvm_analysis.settings import Settings
from cvm_analysis.sources import formats
from cvm_analysis.spreadsheets import no_formula

IN_TEXT = re.compile(rf"\b{pseudonyms.PSEUDONYM.pattern}\b")
TEXT_PARTS = re.compile(r"xl/(sharedStrings|worksheets/sheet\d+)\.xml")  # of an xlsx file
OWNER_ONLY = 0o600
Restore = Callable[[str, Callable[[str], str]], str]


class Outcome(NamedTuple):
    """The file that was written, and how many pseudonyms of the list were found and not."""

    path: Path
    n_found: int
    n_unknown: int


def reidentify(settings: Settings, listed: Path, to: Path | None = None) -> Outcome:
    """Write a copy of a list with raw ids, which only its owner may read.

    Parameters
    ----------
    listed : a CSV or xlsx file with pseudonyms in any cells
    to : the copy; None: `<name>.ids.<suffix>` beside the list

    Raises
    ------
    InputError : pseudonyms are off, no or a weak key, another kind of file, or no pseudonym of the
        list is known under this key; nothing is written
    """
    if not settings.business.pseudonyms:
        raise InputError(f"{settings.path}: pseudonyms are off, lists have the ids of the files")
    if listed.suffix not in (".csv", ".xlsx") or not listed.is_file():
        raise InputError(f"{listed}: no CSV or xlsx file; give a list of a report's desk/lists")
    to = to or listed.with_name(f"{listed.stem}.ids{listed.suffix}")
    if to.resolve() == listed.resolve():
        raise InputError(f"{to}: is the list itself; give another file")
    raw = find_raw_ids(settings)
    content, said = _replace(listed, raw)
    unknown = said - set(raw)
    if not said - unknown:
        raise InputError(
            f"{listed}: {len(unknown):,} pseudonyms, none known under this key and these sources"
        )
    atomic_folder.write(to, content, OWNER_ONLY)
    return Outcome(to, len(said - unknown), len(unknown))


def find_raw_ids(settings: Settings) -> dict[str, str]:
    """Find the id of the raw files for each pseudonym; InputError without a key, or a weak one."""
    key, raw_ids = pseudonyms.key(), [*set(_raw_ids(settings))]
    return dict(zip(pseudonyms.pseudonyms(raw_ids, key), raw_ids, strict=True))


def find_raw_id(settings: Settings, pseudonym: str) -> str:
    """Find the id in the raw files of one customer; the pseudonym itself if pseudonyms are off.

    InputError if there is no key, or no id has this pseudonym under it.
    """
    if not settings.business.pseudonyms:
        return pseudonym
    if raw := find_raw_ids(settings).get(pseudonym):
        return raw
    raise InputError(
        f"{pseudonym}: no id of the sources has this pseudonym under this {pseudonyms.KEY}"
    )


def _raw_ids(settings: Settings) -> Iterator[str]:
    """Yield the ids of all customers in the raw files, as `prepare` reads them."""
    with raw_files.open_inputs(settings) as inputs:
        for raw in inputs:
            names = raw.source.columns
            with formats.open_rows(raw.path, **raw_files.options(raw.source)) as file:
                headers = [names[name] for name in ids.PEOPLE if name in names]
                places = [file.header.index(each) for each in headers]
                for _, row in file.records:
                    yield from (row[i].strip() for i in places if i < len(row))


def _replace(listed: Path, raw: Mapping[str, str]) -> tuple[bytes, set[str]]:
    """Return the list with raw ids where they are known, and all of its pseudonyms."""
    said = set[str]()

    def restore(text: str, quote: Callable[[str], str]) -> str:
        said.update(IN_TEXT.findall(text))
        return IN_TEXT.sub(lambda found: quote(raw.get(found[0], found[0])), text)

    make = _sheets if listed.suffix == ".xlsx" else _lines
    return make(listed, restore), said


def _lines(listed: Path, restore: Restore) -> bytes:
    """Make a CSV file, with a byte order mark as the lists have, and without formulas."""
    rows = csv.reader(io.StringIO(listed.read_text("utf-8-sig"), newline=""))
    content = io.StringIO(newline="")
    for row in rows:
        restored = [(cell, restore(cell, str)) for cell in row]
        safe = [new if new == old else no_formula(new) for old, new in restored]
        csv.writer(content, lineterminator="\n").writerow(safe)
    return content.getvalue().encode("utf-8-sig")


def _sheets(listed: Path, restore: Restore) -> bytes:
    """Make a workbook; its texts stay texts, so that none is calculated."""
    content = io.BytesIO()
    with zipfile.ZipFile(listed) as old, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            data = old.read(part)
            if TEXT_PARTS.fullmatch(part.filename):
                data = restore(data.decode(), escape).encode()
            new.writestr(part, data)
    return content.getvalue()
