"""The errors a user can meet; each message says what, where, how many and what to do."""


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
