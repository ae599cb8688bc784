"""The errors a user can meet; each message says what, where, how many and what to do."""

import difflib
from collections.abc import Iterable

LISTED = 20  # known names in a message


class CvmError(Exception):
    """An error a user can cause; `cvm` prints its message and ends with `exit_code`."""

    exit_code = 2


class ConfigError(CvmError):
    """A config or rule file that cannot be used; the message names file and line."""


class InputError(CvmError):
    """A raw file, table or parameter that cannot be used; nothing was written."""


class GateError(CvmError):
    """Too many bad rows: nothing is published, `cvm quarantine` shows the rejected lines."""

    exit_code = 3


class FitError(CvmError):
    """A model that cannot be fitted to these data; callers may use a simpler one and say so."""


def nearest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Suggest a known name for a misspelt one: `; did you mean 'x'?`.

    otherwise : what to do if none is close; empty: list the known names
    """
    known = sorted(known)
    if close := find_nearest(name, known):
        return f"; did you mean '{close}'?"
    if otherwise or not known:
        return f"; {otherwise or 'there are none'}"
    return f"; known are {', '.join(known[:LISTED])}" + (", ..." if len(known) > LISTED else "")


def find_nearest(name: str, known: Iterable[str], similarity: float = 0.6) -> str | None:
    """Find the known name that a name is most like; None if none is close.

    similarity : the least one, 1 for equal names (`difflib.SequenceMatcher.ratio`)
    """
    return next(iter(difflib.get_close_matches(name, sorted(known), 1, similarity)), None)
