"""Computations side by side: the same results and errors as if one followed the other."""

import os
import signal

import pandas as pd
import pytest

from cvm_analysis import processes
from cvm_analysis.errors import FitError


@pytest.fixture(autouse=True)
def two(monkeypatch):
    monkeypatch.setenv(processes.MOST, "2")


def test_results_come_in_the_order_of_the_items_from_other_processes():
    table = pd.DataFrame({"x": [1.5, 2.5]})  # not sent: a fork has it
    found = processes.run_each(lambda n: (n * table["x"].sum(), os.getpid()), [3, 1, 2, 0])
    assert [value for value, _ in found] == [12.0, 4.0, 8.0, 0.0]
    assert os.getpid() not in {pid for _, pid in found}


def test_one_process_is_asked_for_nothing_is_forked(monkeypatch):
    monkeypatch.setenv(processes.MOST, "1")
    assert processes.run_each(lambda _: os.getpid(), [1, 2]) == [os.getpid()] * 2


def test_a_fork_forks_no_further():
    def inner(_):
        return {os.getpid(), *processes.run_each(lambda _: os.getpid(), [1, 2, 3])}

    assert [len(pids) for pids in processes.run_each(inner, [1, 2])] == [1, 1]


def test_the_error_of_an_item_is_raised_with_its_class_and_text():
    def fit(n):
        if n == 2:
            raise FitError("no maximum on 7 rows")
        return n

    with pytest.raises(FitError, match="no maximum on 7 rows"):
        processes.run_each(fit, [1, 2, 3])
    assert processes.run_each(fit, [1, 3]) == [1, 3], "the next one starts anew"


def test_a_process_that_is_killed_is_an_error_and_no_endless_wait():
    with pytest.raises(MemoryError, match="one of 2 processes was ended"):
        processes.run_each(lambda _: os.kill(os.getpid(), signal.SIGKILL), [1, 2])
