"""Every error a user can meet: one message that says what, where, how many, and what to do."""


class CvmError(Exception):
    """Something a user can cause; `cvm` prints its message and leaves with `exit_code`."""

    exit_code = 2


class ConfigError(CvmError):
    """A config or rule file that cannot be used; the message names file and line."""


class InputError(CvmError):
    """A raw file, table or parameter that cannot be used; nothing was written."""


class GateError(CvmError):
    """Too many bad rows: nothing is published, the quarantine is kept to look at."""

    exit_code = 3


class FitError(CvmError):
    """A model that could not be fitted to these data; the caller may fall back and say so."""
