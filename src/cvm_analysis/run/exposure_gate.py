"""The gate before publishing: no output shows a raw id, a name, a phone, an e-mail or an address.

The tokens of all texts of a report's files are hashed with the key, and looked up among the hashes
that `prepare` kept of the raw customer records. The program's own words and those of the config are
no finding, as they are shown whoever the customers are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from cvm_analysis.errors import InputError
from cvm_analysis.personal import tokens
from cvm_analysis.personal.known import Known
from cvm_analysis.run.file_texts import Texts
from cvm_analysis.texts import languages, words

LISTED = 5  # files in a message


def check(folder: Path, known: Known, config_files: tuple[Path, ...]) -> None:
    """Raise InputError if a file of a folder shows a personal value; it names no value.

    folder : a report about to be published, complete
    """
    found = dict(_count(folder, known, config_files))
    if not found:
        return
    lines = [f"  {name}: {n:,}" for name, n in list(found.items())[:LISTED]]
    more = [f"  and {len(found) - LISTED} more files"] if len(found) > LISTED else []
    raise InputError(
        f"{sum(found.values()):,} personal values of the raw files (ids, or what `mask` names) are "
        "in the outputs; nothing is published\n" + "\n".join([*lines, *more]) + "\n"
        "  remove them from what the notebooks write, or from the columns that the config maps"
    )


def _count(folder: Path, known: Known, config_files: tuple[Path, ...]) -> Iterator[tuple[str, int]]:
    """Yield the files with personal values, and how many that no file before them has."""
    texts, parts, searched = Texts(), set[str](), set(_own_words(config_files))
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        every = (name, *texts.of_file(path))
        new = {token for text in every for token in tokens.find(text, parts)} - searched
        searched |= new
        if n := known.count(new):
            yield name, n


@cache
def _own_words(config_files: tuple[Path, ...]) -> frozenset[str]:
    """Tokens of the program's texts and of the config."""
    ours = ["\n".join(words(language).entries.values()) for language in languages()]
    texts = [*ours, *(path.read_text("utf-8") for path in config_files)]
    return frozenset(token for text in texts for token in tokens.find(text))
