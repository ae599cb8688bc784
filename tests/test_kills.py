"""Twenty times kill -9 at random moments; benchmarks/kills.py has a hundred, with real kernels."""

import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).parent / "kills.py"  # a process without threads, which may be forked


@pytest.mark.parametrize(("what", "number"), [("run", 14), ("prepare", 6)])
def test_kill_9_leaves_the_old_or_the_new_whole_and_only_what_is_missing_is_made(what, number):
    command = [sys.executable, str(DRIVER), what, str(number), "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith(f"{what}: {number} kills; published then: ")
