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
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    if otherwise or not known:
        return f"; {otherwise or 'there are none'}"
    return f"; known are {', '.join(known[:LISTED])}" + (", ..." if len(known) > LISTED else "")
