"""A forked notebook is as clean as one started alone, and the server leaves nothing behind."""

import json
import signal

import nbformat
import psutil
import pytest
from small_business import small
from tiny_notebooks import execute_elsewhere, is_gone, parameters, wait_for, write_notebook

from cvm_analysis.run import forks, notebook
from cvm_analysis.run.plan import Limits

LOOK = """
import json, os, random, sys
import matplotlib, numpy as np, pandas as pd
import cvm_analysis
print(json.dumps({
    "command": open("/proc/self/cmdline").read(), "draws": [random.random(), np.random.random()],
    "here": os.listdir(), "font": matplotlib.rcParams["font.size"], "mark": os.environ.get("MARK"),
    "pandas": [pd.get_option(f"display.{each}") for each in ("max_columns", "max_rows", "width")],
    "attribute": hasattr(cvm_analysis, "mark"), "names": "leftover" in globals(),
    "debugger": "debugpy.server" in sys.modules,
}))
"""
SPOIL = """
import os, random
import matplotlib, numpy as np, pandas as pd
import cvm_analysis
matplotlib.rcParams["font.size"], os.environ["MARK"], cvm_analysis.mark = 99, "x", True
pd.set_option("display.max_rows", 3)
random.seed(1); np.random.seed(1)
leftover = open("file", "w")
"""
SLOW = """
import os, pathlib, psutil, time
server = psutil.Process(os.getppid()).ppid()
pathlib.Path(run_dir, "pids").write_text(f"{os.getpid()} {os.getppid()} {server}")
time.sleep(600)
"""
KILL = """
import os, pathlib, psutil, time
once = pathlib.Path(run_dir, "once")
if not once.exists():
    once.write_text(f"{os.getpid()} {os.getppid()}")
    psutil.Process(os.getppid()).parent().kill()
    time.sleep(600)
"""
OPENED = """
import json, os, psutil
from cvm_analysis import prepared, results
settings = results.open(config, region, as_of, run_dir).settings
print(json.dumps({
    "compiled": len(prepared.open(settings, region).queries.views),
    "server": psutil.Process(os.getppid()).ppid(),
}))
"""
SALES = "customer_id,ordered_at,amount,land\na,2025-01-02,10,n\nb,2025-03-01,30,n\n"


def execute(tmp_path, *cells, name="04_value", tables=None, **other):
    """Execute these cells and give what the first one printed."""
    source = write_notebook(tmp_path, name, *cells)
    given = parameters(tmp_path / "desk", **other)
    limits = Limits(60)
    executed = tmp_path / "executed.ipynb"
    finished = notebook.execute(source, given, executed, limits, tables=tables)
    shown = nbformat.read(tmp_path / "executed.ipynb", as_version=4).cells[3].outputs
    return finished, shown[0].get("text", "") if shown else ""


def test_a_notebook_finds_the_same_alone_started_as_usual_and_after_another(tmp_path, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(forks, "IS_SAFE", False)
        finished, shown = execute(tmp_path, LOOK)
    assert (finished.failure, finished.attempts) == (None, 1)
    as_usual = json.loads(shown)
    first = json.loads(execute(tmp_path, LOOK)[1])
    assert execute(tmp_path, SPOIL)[0].failure is None
    after = json.loads(execute(tmp_path, LOOK)[1])
    found = [each.pop("command") for each in (as_usual, first, after)]
    assert ["fork_server" in command for command in found] == [False, True, True]
    draws = [number for each in (as_usual, first, after) for number in each.pop("draws")]
    assert len({*draws}) == len(draws), "each draws its own random numbers"
    assert as_usual == first == after
    assert not first["debugger"], "loading it takes nearly half of a kernel's start"


@pytest.fixture
def region(tmp_path):
    """Parameters of a region that is prepared."""
    path = small(tmp_path, "{from: land}", {"sales.csv": SALES}).path
    return {"config": str(path), "region": "n", "as_of": "2025-03-01"}


def test_notebooks_of_a_region_find_its_tables_opened_and_nothing_of_each_other(tmp_path, region):
    with notebook.tables(parameters(tmp_path / "desk", **region)) as tables:
        first, clean = (
            execute(tmp_path, cell, tables=tables, **region)[1] for cell in (OPENED, LOOK)
        )
        assert execute(tmp_path, SPOIL, tables=tables, **region)[0].failure is None
        after, still = (
            execute(tmp_path, cell, tables=tables, **region)[1] for cell in (OPENED, LOOK)
        )
        assert (
            json.loads(first) == json.loads(after) == {"compiled": 1, "server": tables.opener.pid}
        )
        clean, still = ({**json.loads(each), "draws": None} for each in (clean, still))
        assert clean == still
    assert is_gone(tables.opener.pid)


def test_where_tables_cannot_be_opened_or_are_killed_the_notebook_opens_them(tmp_path, region):
    with notebook.tables(parameters(tmp_path / "desk", **region)) as tables:
        assert "server" in execute(tmp_path, OPENED, tables=tables, **region)[1]
        psutil.Process(tables.opener.pid).kill()
        finished, shown = execute(tmp_path, OPENED, tables=tables, **region)
    assert (finished.failure, finished.attempts) == (None, 1)
    assert json.loads(shown) == {"compiled": 0, "server": forks.servers[0].process.pid}
    wrong = region | {"region": "nowhere"}
    with notebook.tables(parameters(tmp_path / "desk", **wrong)) as tables:
        finished, _ = execute(tmp_path, OPENED, tables=tables, **wrong)
    assert finished.failure.message == "no region 'nowhere'; choose from all, n"


def test_a_server_that_is_killed_ends_its_notebook_which_then_starts_as_usual(tmp_path):
    finished, _ = execute(tmp_path, KILL)
    assert (finished.failure, finished.attempts) == (None, 2)
    assert all(is_gone(int(pid)) for pid in (tmp_path / "desk" / "once").read_text().split())
    forks.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_when_the_run_ends_the_servers_and_their_notebooks_do(tmp_path, region, number):
    source = write_notebook(tmp_path, "04_value", SLOW)
    caller = execute_elsewhere(source, tmp_path / "desk", tmp_path / "executed.ipynb", **region)
    pids = [int(pid) for pid in wait_for(tmp_path / "desk" / "pids").split()]
    pids.append(psutil.Process(pids[-1]).ppid())
    assert all("fork_server" in " ".join(psutil.Process(pid).cmdline()) for pid in pids[-2:])
    caller.send_signal(number)
    caller.wait()
    assert all(is_gone(pid) for pid in pids)
    assert not (tmp_path / "executed.ipynb").exists()
