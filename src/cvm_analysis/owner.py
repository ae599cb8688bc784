"""Whose a folder is: prepared tables and reports belong to one config, so that two never mix.

An owner is a mapping of texts: business (its name), config (the file's name), place (a digest of
the way from the folder to the config). It names no path, and holds if both are moved together.
"""

from __future__ import annotations

import hashlib
import os.path
from collections.abc import Mapping
from pathlib import Path

from cvm_analysis.errors import InputError

Owner = Mapping[str, str]


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
