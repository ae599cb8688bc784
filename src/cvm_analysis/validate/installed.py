"""What the config asks of this machine: packages and Java that must be installed."""

from __future__ import annotations

from collections.abc import Iterator

from cvm_analysis import engine, prepared_copy
from cvm_analysis.errors import InputError
from cvm_analysis.settings import Settings


def find_problems(settings: Settings) -> list[str]:
    """Find what the config asks for and this machine lacks, each with its line."""
    return [*_missing_engine(settings), *_missing_packages(settings)]


def _missing_engine(settings: Settings) -> Iterator[str]:
    """A Spark whose packages or Java are not installed."""
    try:
        engine.check(settings.business.engine)
    except InputError as error:
        yield f"{settings.where(settings.path, 'engine')}: {error}"


def _missing_packages(settings: Settings) -> Iterator[str]:
    """A URL for the prepared tables whose packages are not installed."""
    try:
        if url := settings.business.prepared_url:
            prepared_copy.check(url)
    except InputError as error:
        yield f"{settings.where(settings.path, 'prepared_url')}: {error}"
