"""A notebook is believed only when it signed, and nothing of it lives on afterwards."""

import json
import os
import re
import signal
import stat
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest
from tiny_notebooks import execute_elsewhere, is_gone, parameters, wait_for, write_notebook

from cvm_analysis.errors import InputError
from cvm_analysis.run import notebook
from cvm_analysis.run.plan import Limits, Stopped


@pytest.fixture
def run_dir(tmp_path):
    return tmp_path / "desk"


def execute(tmp_path, run_dir, *cells, limit=60, **options):
    source = write_notebook(tmp_path, "04_value", *cells, **options)
    return notebook.execute(source, parameters(run_dir), tmp_path / "executed.ipynb", Limits(limit))


WITNESS = """
import json, os, sys
print(json.dumps({
    "python": sys.executable, "env": dict(os.environ), "here": os.listdir(), "path": sys.path,
    "marked": "MARK" in globals(),
}))
"""


@pytest.fixture
def hostile_home(tmp_path, monkeypatch):
    """A user with another kernel of the same name, a start-up file, and a key."""
    home = tmp_path / "home"
    spec = home / ".local/share/jupyter/kernels/python3/kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": ["false"], "display_name": "x", "language": "python"}))
    startup = home / ".ipython/profile_default/startup/mark.py"
    startup.parent.mkdir(parents=True)
    startup.write_text("MARK = 1")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    monkeypatch.setenv("CVM_KEY", "secret")
    monkeypatch.setenv("MPLBACKEND", "TkAgg")


def test_a_good_notebook_runs_clean_of_the_user_s_settings(tmp_path, run_dir, hostile_home):
    finished = execute(tmp_path, run_dir, WITNESS)
    assert (finished.failure, finished.attempts) == (None, 1)
    executed = tmp_path / "executed.ipynb"
    assert stat.S_IMODE(executed.stat().st_mode) == 0o600
    cells = nbformat.read(executed, as_version=4).cells
    saw = json.loads(cells[3].outputs[0].text)
    assert saw["python"] == sys.executable
    assert saw["here"] == []
    assert not saw["marked"]
    assert "CVM_KEY" not in saw["env"]
    wanted = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    assert wanted.items() <= saw["env"].items()
    assert "inline" in saw["env"]["MPLBACKEND"]
    assert not Path(saw["env"]["JUPYTER_RUNTIME_DIR"]).exists(), "the workplace is gone"


def test_a_failing_cell_is_told_in_one_line_with_its_number_and_not_tried_again(tmp_path, run_dir):
    finished = execute(tmp_path, run_dir, "1 + 1", "raise ValueError('this\\nand that')")
    assert (finished.failure.kind, finished.attempts) == ("cell_error", 1)
    assert str(finished.failure) == "04_value.ipynb, cell [4]: ValueError: this and that"
    cells = nbformat.read(tmp_path / "executed.ipynb", as_version=4).cells
    assert cells[3].outputs[0].data["text/plain"] == "2"
    assert cells[4].execution_count == 4


def test_of_an_error_of_ours_only_the_message_is_shown(tmp_path, run_dir):
    cell = "from cvm_analysis.errors import InputError\nraise InputError('no table value yet')"
    finished = execute(tmp_path, run_dir, cell)
    assert finished.failure.message == "no table value yet"


def test_sys_exit_is_no_success(tmp_path, run_dir):
    finished = execute(tmp_path, run_dir, "import sys; sys.exit(0)")
    assert finished.failure.message == "SystemExit: 0"
    assert finished.failure.cell == 3


def test_a_notebook_that_does_not_sign_is_no_success(tmp_path, run_dir):
    old = run_dir / "done" / "04_value.json"
    old.parent.mkdir(parents=True)
    old.write_text(json.dumps({"parameters": parameters(run_dir)}))
    finished = execute(tmp_path, run_dir, "1", sign=False)
    assert finished.failure.kind == "no_sentinel"
    assert not old.exists(), "an earlier run's sign must not be taken for this one's"


def test_a_notebook_that_ran_with_its_own_region_is_no_success(tmp_path, run_dir):
    finished = execute(tmp_path, run_dir, "region = 'west'")
    assert finished.failure.kind == "wrong_parameters"
    assert "region was 'west', not 'east'" in finished.failure.message


def test_a_killed_kernel_is_no_success_and_tried_once_more(tmp_path, run_dir):
    count = f"print('x', file=open('{tmp_path}/count', 'a'))"
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    finished = execute(tmp_path, run_dir, count, kill)
    assert (finished.failure.kind, finished.failure.cell) == ("dead_kernel", 4)
    assert (tmp_path / "count").read_text() == "x\nx\n" and finished.attempts == 2
    assert (tmp_path / "executed.ipynb").is_file()


STUBBORN = """
import os, pathlib, signal, subprocess, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
helper = subprocess.Popen(["sleep", "600"])
pathlib.Path(run_dir, "pids").write_text(f"{os.getpid()} {helper.pid}")
while True:
    time.sleep(1)
"""


def test_a_notebook_over_its_time_ends_with_all_its_processes(tmp_path, run_dir):
    started = time.monotonic()
    finished = execute(tmp_path, run_dir, STUBBORN, limit=6)
    assert (finished.failure.kind, finished.failure.cell) == ("timeout", 3)
    assert time.monotonic() - started < 6 + notebook.GRACE_SECONDS
    assert all(is_gone(int(pid)) for pid in wait_for(run_dir / "pids").split())
    assert (tmp_path / "executed.ipynb").is_file()


def test_told_to_stop_all_its_processes_end(tmp_path, run_dir):
    stop = threading.Event()
    source = write_notebook(tmp_path, "04_value", STUBBORN)
    threading.Thread(target=lambda: (wait_for(run_dir / "pids"), stop.set())).start()
    with pytest.raises(Stopped):
        notebook.execute(source, parameters(run_dir), tmp_path / "executed.ipynb", Limits(60), stop)
    assert all(is_gone(int(pid)) for pid in wait_for(run_dir / "pids").split())


def test_when_the_caller_is_killed_no_kernel_lives_on(tmp_path, run_dir):
    source = write_notebook(tmp_path, "04_value", STUBBORN)
    caller = execute_elsewhere(source, run_dir, tmp_path / "executed.ipynb")
    pids = wait_for(run_dir / "pids").split()
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    assert all(is_gone(int(pid)) for pid in pids)


def test_a_kernel_that_does_not_start_is_tried_twice(tmp_path, run_dir, monkeypatch):
    broken = tmp_path / "broken"
    broken.mkdir()
    count = f"print('x', file=open('{tmp_path}/count', 'a')); raise SystemExit(1)"
    (broken / "ipykernel.py").write_text(count)
    monkeypatch.setenv("PYTHONPATH", str(broken), prepend=os.pathsep)
    finished = execute(tmp_path, run_dir, "1")
    assert (finished.failure.kind, finished.attempts) == ("start_failed", 2)
    assert (tmp_path / "count").read_text() == "x\nx\nx\n", "the server, and each attempt"


def test_a_child_that_cannot_start_says_why(tmp_path, run_dir, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    finished = execute(tmp_path, run_dir, "1")
    assert (finished.failure.kind, finished.attempts) == ("start_failed", 2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"regoin": "x"},
            "04_value.ipynb has no parameter 'regoin'; "
            "it takes config, region, as_of, run_dir, language",
        ),
        ({"n=__import__('os').getpid();region": "x"}, "cannot be a parameter"),
        ({"region": 7}, "parameter 'region' is int; give it as text"),
        ({"region": "\ud800"}, "parameter 'region' is text with broken characters"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_runs(tmp_path, run_dir, changed, message):
    source = write_notebook(tmp_path, "04_value")
    with pytest.raises(InputError, match=re.escape(message)):
        notebook.execute(
            source, parameters(run_dir) | changed, tmp_path / "executed.ipynb", Limits(60)
        )
    assert not (tmp_path / "executed.ipynb").exists()


def test_a_parameter_that_was_not_given_is_refused(tmp_path, run_dir):
    source = write_notebook(tmp_path, "04_value")
    given = parameters(run_dir)
    del given["language"]
    with pytest.raises(InputError, match="parameter 'language' was not given"):
        notebook.check(source, given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tag": "other"}, "04_value.ipynb has no cells tagged 'parameters'; tag one"),
        ({"parameters": "region = "}, "line 1 of its parameters cell is not Python"),
        ({"parameters": "region, run_dir = 1, 2"}, "has no parameter 'region'; it takes none"),
    ],
)
def test_a_notebook_without_plain_parameters_is_refused(tmp_path, run_dir, options, message):
    source = write_notebook(tmp_path, "04_value", **options)
    with pytest.raises(InputError, match=re.escape(message)):
        notebook.check(source, parameters(run_dir))


@pytest.mark.parametrize("content", [None, "not JSON", "[]", '{"cells": [{}]}'])
def test_what_is_no_notebook_is_refused(tmp_path, run_dir, content):
    source = tmp_path / "04_value.ipynb"
    if content is not None:
        source.write_text(content)
    with pytest.raises(InputError, match=r"04_value\.ipynb"):
        notebook.check(source, parameters(run_dir))


def test_a_notebook_that_prints_without_end_is_ended(tmp_path, run_dir):
    finished = execute(tmp_path, run_dir, "while True: print('x' * 1000)")
    assert (finished.failure.kind, finished.failure.cell) == ("cell_error", 3)
    assert finished.failure.message == "more than 20,000,000 characters of output; print less"
    assert finished.attempts == 1 and (tmp_path / "executed.ipynb").stat().st_size < 25e6


def test_a_notebook_beyond_its_memory_fails_and_says_so(tmp_path, run_dir):
    source = write_notebook(tmp_path, "04_value", "import numpy\nnumpy.ones(250_000_000).sum()")
    limits = Limits(60, memory_bytes=1_000_000_000)
    finished = notebook.execute(source, parameters(run_dir), tmp_path / "executed.ipynb", limits)
    assert (finished.failure.kind, finished.failure.cell) == ("cell_error", 3)
    assert "MemoryError: Unable to allocate" in finished.failure.message


ESCAPES = """
import os, pathlib, subprocess
alone = subprocess.Popen(["sleep", "600"], start_new_session=True)
pathlib.Path(run_dir, "pids").write_text(f"{os.getpid()} {alone.pid}")
"""


def test_what_a_notebook_starts_ends_with_it_even_in_a_session_of_its_own(tmp_path, run_dir):
    assert execute(tmp_path, run_dir, ESCAPES).failure is None
    assert all(is_gone(int(pid)) for pid in wait_for(run_dir / "pids").split())


def test_a_message_of_ours_has_an_end(tmp_path, run_dir):
    cell = "from cvm_analysis.errors import InputError\nraise InputError('no ' * 100_000)"
    assert len(execute(tmp_path, run_dir, cell).failure.message) == notebook.MESSAGE
