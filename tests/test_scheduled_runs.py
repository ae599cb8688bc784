"""Whole runs as a schedule starts them: two at once, workers, a full disk, a notebook that hangs.

Each is a process of its own, with real kernels. A clock that goes back: `test_run_fan_out`.
"""

import json
import os
import re
import shutil
import subprocess
import time

import pytest
from own_project import start_beside
from tiny_notebooks import is_gone, wait_for, write_notebook

CONFIG = """
business: Tiny
currency: EUR
pseudonyms: off
extracted_on: 2024-06-30
regions: {n: {match: [Nord], en: North, zh: 北}, s: {match: [Sud], en: South, zh: 南}}
sources:
  contracts:
    - files: ../data/raw/contracts.csv
      columns: {customer_id: id, tenure: months, status: left, sold_in: land}
      time_in: months
      ended: ["Yes"]
      covers: all
"""
COUNT = """
import os, pathlib
with (pathlib.Path(config).parent.parent / "executed").open("a") as f: f.write(region + "\\n")
"""
HANG = """
import subprocess, time
if region == "n":
    other = subprocess.Popen(["sleep", "600"], start_new_session=True)
    (pathlib.Path(config).parent.parent / "pids").write_text(f"{os.getpid()} {other.pid}")
    time.sleep(600)
"""
RUN = ["run", "config/mine.yaml", "--out", "reports"]
pytestmark = pytest.mark.slow


@pytest.fixture
def mine(tmp_path):
    """A company's folder with contracts in two regions, a notebook of a line, and a `cvm`."""
    folder = tmp_path / "mine"
    start_beside(folder)
    rows = [
        f"c{i},{i % 30},{'Yes' if i % 2 else 'No'},{'Nord' if i % 4 < 2 else 'Sud'}"
        for i in range(40)
    ]
    (folder / "data" / "raw" / "contracts.csv").write_text(
        "\n".join(["id,months,left,land", *rows])
    )
    (folder / "config" / "mine.yaml").write_text(CONFIG, "utf-8")
    write_notebook(folder / "notebooks", "10_contracts", COUNT)
    return folder


def begin(mine, *command):
    """Start a command in the folder with the environment that cron gives."""
    environment = {"HOME": str(mine.parent), "PATH": "/usr/bin:/bin"}
    return subprocess.Popen(
        command, cwd=mine, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def cvm(mine, *arguments):
    process = begin(mine, mine.parent / "cvm", *arguments)
    out, err = process.communicate()
    return process.returncode, out, err


def published(mine):
    found = (mine / "reports").glob("*/*/run.json")
    return {path.parent.parent.name: path.parent.resolve().name for path in found}


def test_of_two_schedules_at_once_one_makes_each_report_and_both_are_good(mine):
    line = (mine / "schedules" / "schedule.cron").read_text("utf-8").splitlines()[-1]
    command = line.removeprefix("0 6 * * 1 ")
    both = [begin(mine, "/bin/sh", "-c", command) for _ in range(2)]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0] and said == [("", "")] * 2
    assert sorted((mine / "executed").read_text().split()) == ["all", "n", "s"]
    log = (mine / "run.log").read_text()
    assert len(re.findall(r"^(?:all|n|s): published", log, re.MULTILINE)) == 3
    assert len(re.findall(r"^(?:all|n|s): unchanged", log, re.MULTILINE)) == 3


def test_workers_make_their_regions_at_once_and_the_plain_run_finds_them_made(mine):
    assert cvm(mine, "prepare", "config/mine.yaml")[0] == 0
    assert cvm(mine, *RUN, "--prepared", "--region", "all")[0] == 0
    keys = cvm(mine, "regions", "config/mine.yaml")[1].split()
    call = [mine.parent / "cvm", *RUN, "--prepared", "--region"]
    workers = [begin(mine, *call, key) for key in keys]
    said = [worker.communicate()[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
    before = published(mine)
    code, _, err = cvm(mine, *RUN)
    assert code == 0 and published(mine) == before and set(before) == {"all", "n", "s"}
    assert len(re.findall(r"^(?:all|n|s): unchanged", err, re.MULTILINE)) == 3
    assert sorted((mine / "executed").read_text().split()) == ["all", "n", "s"]


@pytest.fixture
def small_disk(mine):
    """A disk of 4 MB for the reports."""
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", mine / "reports"]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs a right to mount")
    yield mine / "reports"
    subprocess.run(["umount", mine / "reports"], check=True)


def test_on_a_full_disk_the_last_good_reports_stay_and_the_next_run_makes_the_rest(
    mine, small_disk
):
    assert cvm(mine, *RUN)[0] == 0
    before = published(mine)
    free = shutil.disk_usage(small_disk).free
    (small_disk / "films").write_bytes(b"x" * (free - 8_192))
    code, _, err = cvm(mine, *RUN, "--force")
    assert code == 1 and "No space left on device" in err and "Traceback" not in err
    assert published(mine) == before
    (small_disk / "films").unlink()
    code, _, err = cvm(mine, *RUN)
    assert code == 0, err
    assert not list(small_disk.rglob(".building-*"))


def test_a_notebook_that_hangs_fails_its_region_and_leaves_no_process(mine):
    write_notebook(mine / "notebooks", "10_contracts", COUNT, HANG)
    started = time.monotonic()
    code, _, err = cvm(mine, *RUN, "--notebook-minutes", "0.2")
    assert code == 1 and time.monotonic() - started < 60
    assert "n: failed: 10_contracts.ipynb, cell [4]: still running at the time limit" in err
    assert set(published(mine)) == {"all", "s"}
    assert json.loads((mine / "reports" / "n" / "failed.json").read_text())["kind"] == "timeout"
    assert all(is_gone(int(pid)) for pid in wait_for(mine / "pids").split())
