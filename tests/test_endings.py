"""`cvm` ends with one message, whatever the machine does to it."""

import errno
import os
import signal

import pytest

from cvm_analysis import endings
from cvm_analysis.errors import GateError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (GateError("too many bad rows"), "too many bad rows"),
        (
            OSError(errno.ENOSPC, "No space left on device", "out/x"),
            "out/x: No space left on device; make room on that disk, then run again",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "out"),
            "out: Permission denied; give this user the permission, then run again",
        ),
        (MemoryError(), "out of memory; free memory, then run again"),
        (KeyError("a fault of the program"), ""),
    ],
)
def test_errors_of_user_and_machine_are_described(error, said):
    assert endings.describe(error) == said


def test_what_the_engine_cannot_write_is_described(tmp_path):
    import duckdb

    with pytest.raises(duckdb.IOException) as caught:
        duckdb.sql("SELECT 1").write_parquet(str(tmp_path / "none" / "x.parquet"))
    assert endings.describe(caught.value).endswith("see to disk and memory, then run again")


@pytest.mark.parametrize("name", endings.SIGNALS)
def test_a_signal_ends_in_order_and_a_second_one_changes_nothing(name):
    number, tidied = getattr(signal, name), []
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as left, endings.orderly():
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)
            tidied.append(name)
    assert left.value.code == 128 + number and tidied == [name]
    assert signal.getsignal(number) is before


def test_what_was_ignored_stays_ignored(monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with endings.orderly():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
