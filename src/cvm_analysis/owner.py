"""Whose a folder is: prepared tables and reports belong to one config, so that two never mix.

An owner is a mapping of texts: business (its name), config (the file's name), place (a digest of
the way from the folder to the config). It names no path, and holds if both are moved together.

A folder with pseudonyms also keeps the check value of the key that made them.
"""

from __future__ import annotations

import hashlib
import os.path
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from cvm_analysis.atomic_folder import read_json
from cvm_analysis.errors import InputError

KEY_CHECK = ".key.json"  # in a ledger: the check value of its key


class Owner(TypedDict):
    """Whose a folder is: name of the business, name of the config's file, digest of the way."""

    business: str
    config: str
    place: str


class KeyCheck(TypedDict):
    """Content of `.key.json`."""

    key_check: str


def describe(business: str, config: Path, folder: Path) -> Owner:
    """Describe a config as the owner of a folder, which need not exist yet."""
    way = Path(os.path.relpath(config.resolve(), folder.resolve())).as_posix()
    place = hashlib.sha256(way.encode()).hexdigest()[:16]
    return {"business": business, "config": config.name, "place": place}


def refuse_another(folder: Path | str, found: Owner, own: Owner, cure: str) -> None:
    """Raise InputError if a folder's owner is not this one; a business may change its name.

    folder : its path, or its URL; cure : what to do, after `choose another folder`
    """
    if found["place"] == own["place"]:
        return
    theirs, ours = (f"{each['business']} ({each['config']})" for each in (found, own))
    if theirs == ours:
        theirs += " in another place"
    raise InputError(f"{folder}: belongs to {theirs}, not to {ours}; {cure}")


def read(path: Path, kind: Any, meaning: str) -> Any:
    """Read a marker, Owner or KeyCheck; None if there is none.

    meaning : what must be true for a damaged one to be removed

    Raises
    ------
    InputError : it is damaged, so that nothing tells whose the folder is
    """
    found = read_json(path, kind)
    if found is None and path.exists():
        raise InputError(f"{path}: damaged; if {meaning}, remove this file, then run again")
    return found


def read_key_check(folder: Path) -> str:
    """Read the check value of the key of a folder's pseudonyms; empty if it has none.

    InputError if it is damaged.
    """
    meaning = f"CVM_KEY is the key that {folder} was made with"
    found = read(folder / KEY_CHECK, KeyCheck, meaning)
    return found["key_check"] if found else ""


def describe_other_key(folders: Sequence[Path]) -> str:
    """Say what it means that folders were made with another key than today's."""
    names = " and ".join(map(str, folders))
    return (
        f"CVM_KEY is not the key of {names}: every customer gets another pseudonym, so earlier "
        "lists, contacts and reports no longer match; set the earlier key, or, if it is lost or "
        "was changed on purpose, name another folder under `ledger`"
    )
