"""Raw files: are they there, can they be read, and do they have the headers the config maps?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cvm_analysis.errors import ConfigError, InputError, nearest
from cvm_analysis.intake import currencies, raw_files, status
from cvm_analysis.settings import CustomerSource, DiscoveredRegions, Place, Settings, Source
from cvm_analysis.sources import layout, read


def find_problems(settings: Settings) -> list[str]:
    """Find what is wrong with the raw files and the exchange rates, each with its line."""
    return [*_unusable_files(settings), *_unusable_rates(settings)]


def _unusable_files(settings: Settings) -> Iterator[str]:
    """Files that are missing, cannot be read, or lack a header that the config maps."""
    for setting, sources in settings.business.sources.by_table().values():
        for i, source in enumerate(sources):
            at = ("sources", setting, str(i))
            places: list[tuple[tuple[str, ...], Place]] = [(at, source)]
            places += [((*at, "join", str(k)), join) for k, join in enumerate(source.join)]
            missing = [
                f"{settings.where(settings.path, *keys, 'files')}: no file {path}; "
                "add it or correct the path"
                for keys, place in places
                for path in (settings.find_files(place.files) if place.files else ())
                if not path.is_file()
            ]
            yield from missing
            if not missing and all(place.files for _, place in places):
                for path in settings.find_files(source.files):
                    yield from _unusable_headers(settings, source, at, path)


def _unusable_headers(
    settings: Settings, source: Source, at: tuple[str, ...], path: Path
) -> Iterator[str]:
    try:
        headers = raw_files.headers(settings, source, path)
    except InputError as error:
        yield f"{settings.where(settings.path, *at, 'files')}: {error}"
        return
    mapped = [((*at, "columns", ours), theirs) for ours, theirs in source.columns.items()]
    if isinstance(source, CustomerSource):
        mapped += [((*at, "mask"), theirs) for theirs in source.mask]
        mapped += [((*at, "identifiers", k), theirs) for k, theirs in source.identifiers.items()]
    mapped += [((*at, key), theirs) for key, theirs in status.deciding(source)]
    regions = settings.business.regions
    main = settings.business.sources.main_table
    if isinstance(regions, DiscoveredRegions) and at[1] == main:
        mapped.append((("regions", "from"), regions.from_))
    for keys, theirs in mapped:
        if theirs not in headers:
            place = settings.where(settings.path, *keys)
            hint = f"; {layout.describe_header(headers)}"
            hint = hint if layout.is_data(headers) else nearest(theirs, headers)
            yield f"{place}: {path} has no column '{theirs}'{hint}"
    repeated = read.find_repeated(headers, {str(i): theirs for i, (_, theirs) in enumerate(mapped)})
    for i, said in repeated.items():
        yield f"{settings.where(settings.path, *mapped[int(i)][0])}: {path}: {said}"


def _unusable_rates(settings: Settings) -> Iterator[str]:
    """A file of exchange rates that is missing or cannot be read."""
    try:
        if settings.business.rates:
            currencies.read_rates(settings.resolve(settings.business.rates))
    except ConfigError as error:
        yield f"{settings.where(settings.path, 'rates')}: {error}"
