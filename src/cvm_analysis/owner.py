"""Whose a folder is: prepared tables and reports belong to one config, so that two never mix.

An owner is a mapping of texts: business (its name), config (the file's name), place (a digest of
the way from the folder to the config). It names no path, and holds if both are moved together.

A folder with pseudonyms also keeps the check value of the key that made them.
"""

from __future__ import annotations

import hashlib
import json
import os.path
from collections.abc import Mapping, Sequence
from pathlib import Path

from cvm_analysis.errors import InputError

Owner = Mapping[str, str]
KEY_CHECK = ".key.json"  # in a ledger: the check value of its key


def describe(business: str, config: Path, folder: Path) -> dict[str, str]:
    """Describe a config as the owner of a folder, which need not exist yet."""
    way = Path(os.path.relpath(config.resolve(), folder.resolve())).as_posix()
    place = hashlib.sha256(way.encode()).hexdigest()[:16]
    return {"business": business, "config": config.name, "place": place}


def refuse_another(folder: Path, found: Owner, own: Owner, cure: str) -> None:
    """Raise InputError if a folder's owner is not this one; a business may change its name.

    cure : what to do, after `choose another folder`
    """
    if found["place"] == own["place"]:
        return
    theirs, ours = (f"{each['business']} ({each['config']})" for each in (found, own))
    if theirs == ours:
        theirs += " in another place"
    raise InputError(f"{folder}: belongs to {theirs}, not to {ours}; {cure}")


def read_key_check(folder: Path) -> str:
    """Read the check value of the key of a folder's pseudonyms; empty if it has none."""
    path = folder / KEY_CHECK
    return str(json.loads(path.read_text("utf-8"))["key_check"]) if path.is_file() else ""


def describe_other_key(folders: Sequence[Path]) -> str:
    """Say what it means that folders were made with another key than today's."""
    names = " and ".join(map(str, folders))
    return (
        f"CVM_KEY is not the key of {names}: every customer gets another pseudonym, so earlier "
        "lists, contacts and reports no longer match; set the earlier key, or, if it is lost or "
        "was changed on purpose, name another folder under `ledger`"
    )
