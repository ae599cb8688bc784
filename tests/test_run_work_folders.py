"""Of a killed run no temporary folder and no process is left after the next start."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tiny_notebooks import is_gone, wait_for

from cvm_analysis.errors import InputError
from cvm_analysis.run import work_folders

KILLED = """
import os, pathlib, signal, subprocess
from cvm_analysis.run.work_folders import VARIABLE, work_folder
with work_folder("nb") as work:
    environment = os.environ | {VARIABLE: str(work)}
    other = subprocess.Popen(["sleep", "600"], env=environment, start_new_session=True)
    pathlib.Path("said").write_text(f"{other.pid} {work}")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def temp(monkeypatch):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # a short name
        monkeypatch.setattr(tempfile, "tempdir", folder)
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def folders():
    return [path.name for path in work_folders._parent().iterdir() if path.name != ".lock"]


def test_what_a_killed_run_left_goes_at_the_next_start_and_what_lives_stays(temp):
    command = [sys.executable, "-c", KILLED]
    assert subprocess.run(command, cwd=temp, check=False).returncode == -9
    pid, work = wait_for(temp / "said").split()
    assert Path(work).is_dir() and not is_gone(int(pid), 0.1)
    with work_folders.work_folder("nb") as living:
        work_folders.clean()
        assert is_gone(int(pid))
        assert living.is_dir() and not Path(work).exists()
    assert folders() == []


def test_a_folder_of_somebody_else_is_refused(temp):
    work_folders._parent().chmod(0o755)
    assert work_folders._parent().stat().st_mode & 0o777 == 0o700, "ours is made private"
    shutil.rmtree(work_folders._parent())
    (temp / f"cvm-{os.getuid()}").symlink_to(temp)
    with pytest.raises(InputError, match="not a folder of yours"):
        work_folders.clean()
