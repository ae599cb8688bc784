"""The raw files of all sources, tables of databases among them."""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cvm_analysis import atomic_folder
from cvm_analysis.errors import InputError
from cvm_analysis.intake import status
from cvm_analysis.settings import Join, Place, Settings, Source
from cvm_analysis.sources import databases, formats, joins
from cvm_analysis.sources.joins import Other


@dataclass(frozen=True)
class RawInput:
    """A raw file of a table, by its name relative to the config; and the files joined to it."""

    table: str
    source: Source
    name: str
    path: Path
    others: tuple[Other, ...] = ()


@contextmanager
def open_inputs(settings: Settings) -> Iterator[list[RawInput]]:
    """List the raw files; tables of databases are copied to files that are removed afterwards.

    InputError: as `databases.extract`; several files to be joined as one
    """
    with atomic_folder.atomic_folder(settings.prepared.parent, "databases") as folder:
        find = partial(_find, settings, folder)
        yield [
            RawInput(table, source, name, path, others)
            for table, (_, sources) in settings.business.sources.by_table().items()
            for source in sources
            for others in [tuple(_other(settings, join, find(join)) for join in source.join)]
            for name, path in find(source)
        ]


def _find(settings: Settings, folder: Path, place: Place) -> list[tuple[str, Path]]:
    """Give the name and path of each file of a place."""
    if not place.source:
        paths = settings.find_files(place.files)
        return [(os.path.relpath(path, settings.path.parent), path) for path in paths]
    to = folder / f"{len(list(folder.iterdir()))}.parquet"
    name = databases.describe(place.source, place.table, place.query)
    zone = settings.business.timezone
    databases.extract(settings.resolve_url(place.source), place.table, place.query, zone, to)
    return [(name, to)]


def _other(settings: Settings, join: Join, found: list[tuple[str, Path]]) -> Other:
    if len(found) > 1:
        raise InputError(f"{settings.resolve(join.files)}: {len(found):,} files; a join takes one")
    ((name, path),) = found
    select = partial(status.select, where=join.where)
    used, keys = tuple(join.where), join.keys
    return Other(path, name, keys, join.prefix, options(join), used, select)


def options(place: Place) -> dict[str, Any]:
    """How the files of a place are read."""
    return place.model_dump(include={"encoding", "delimiter", "sheet", "decimal"})


def headers(settings: Settings, source: Source, path: Path) -> list[str]:
    """The headers of a source's file and of the files joined to it; InputError if unreadable."""
    find = partial(_find, settings, Path())
    others = [_other(settings, join, find(join)) for join in source.join]
    own = formats.header(path, **options(source))
    more = joins.open_headers(path, own, others)
    return [*own, *(header for header in more if header not in own)]  # its own as often as there
