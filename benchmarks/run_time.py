"""Where does the time of a region's run go: start-up, computing or rendering?

    python benchmarks/run_time.py [region]

Runs a region of the sample in two languages, first with its notebooks forked from one process,
then with each started as usual. A cell added to each notebook times what its other cells call:
charts and tables are rendering, everything else is computing. The rest of a notebook is start-up:
its client and its kernel, up to the first cell. No PDF is printed.

Seconds are CPU time of all processes, which depends little on the load of the machine. The total
is what the system counted for the run, so what the parts leave unexplained is shown, too.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "config" / "sample.yaml"
FORKED, USUAL = "forked", "started as usual"
FIRST = """
import sys as _sys
_sys.path.insert(0, {folder!r})
import run_time as _run_time
_watch = _run_time.Watch()
_watch.watch_rendering()
"""
LAST = "_watch.write({times!r}, {name!r}, language)"


class Watch:
    """Times a process, such as a kernel: created by its first cell, read by its last."""

    def __init__(self) -> None:
        self.start, self.rendering, self.is_rendering = time.process_time(), 0.0, False

    def watch_rendering(self) -> None:
        """Time charts, tables and what shows them."""
        from cvm_analysis import charts, report
        from cvm_analysis.charts.picture import Picture
        from cvm_analysis.report.blocks import Block
        from cvm_analysis.report.writer import Writer

        for each in (Picture, Block):
            each._repr_mimebundle_ = self.timed(each._repr_mimebundle_)
        self.watch(Writer, "")
        self.watch(charts, "cvm_analysis.charts")
        for name in [n for n in sys.modules if n.startswith(f"{report.__name__}.")]:
            self.watch(sys.modules[name], name)

    def watch(self, owner: object, module: str) -> None:
        """Time the public functions that are defined in a module or class."""
        for name, each in list(vars(owner).items()):
            if name[0] != "_" and hasattr(each, "__code__") and each.__module__.startswith(module):
                setattr(owner, name, self.timed(each))

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose time counts as rendering, once where it calls others of these."""

        def call(*arguments: Any, **named: Any) -> Any:
            if self.is_rendering:
                return function(*arguments, **named)
            self.is_rendering, began = True, time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                self.rendering += time.process_time() - began
                self.is_rendering = False

        return call

    def write(self, folder: str, name: str, language: str) -> None:
        """Write the seconds of this kernel, and of its client so far."""
        cells = time.process_time() - self.start
        row = {
            "notebook": f"{name}, {language}",
            "start-up": self.start + cpu_seconds(os.getppid()),
            "computing": cells - self.rendering,
            "rendering": self.rendering,
        }
        Path(folder, f"{name}.{language}.json").write_text(json.dumps(row))


def main() -> None:
    """Run a region both ways, and print where the time goes."""
    region = sys.argv[1] if len(sys.argv) > 1 else "north"
    totals = {}
    for way in (FORKED, USUAL):
        with tempfile.TemporaryDirectory() as work:
            for name in ("notebooks", "times"):
                (Path(work) / name).mkdir()
            for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
                add_cells(path, Path(work))
            seconds, wall = run(region, way, Path(work))
            times = [json.loads(path.read_text()) for path in sorted(Path(work).glob("times/*"))]
        totals[way] = seconds
        print(f"\n{way}: {seconds:.1f} s of CPU in {wall:.1f} s\n")
        show(pd.DataFrame(times).set_index("notebook"), seconds)
    print(f"\n{USUAL} / {FORKED}: {totals[USUAL] / totals[FORKED]:.2f}")


def add_cells(path: Path, work: Path) -> None:
    """Copy a notebook with a cell before and after all others."""
    notebook = nbformat.read(path, as_version=4)
    first = FIRST.format(folder=str(Path(__file__).parent))
    last = LAST.format(times=str(work / "times"), name=path.stem)
    cells = (nbformat.v4.new_code_cell(each) for each in (first, last))
    notebook.cells = [next(cells), *notebook.cells, next(cells)]
    nbformat.write(notebook, work / "notebooks" / path.name)


def run(region: str, way: str, work: Path) -> tuple[float, float]:
    """Run a region, and give the seconds of all its processes, and those that passed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, __file__, "run", region, way, str(work)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, time.monotonic() - began


def run_here(region: str, way: str, work: str) -> None:
    """Run a region in this process, and write what it takes besides its notebooks."""
    from cvm_analysis import cli
    from cvm_analysis.run import forks, pages, pdf

    watch = Watch()
    pages.write = watch.timed(pages.write)
    pdf.find_browser = lambda: None
    forks.IS_SAFE = forks.IS_SAFE and way == FORKED
    given = [
        "--region",
        region,
        "--language",
        "en",
        "--language",
        "zh",
        "--prepared",
        "--jobs",
        "1",
    ]
    folders = ["--notebooks", f"{work}/notebooks", "--out", f"{work}/out"]
    try:
        cli.app(["run", str(CONFIG), *given, *folders])
    finally:
        rendering = watch.rendering
        own = {"start-up": time.process_time() - rendering, "rendering": rendering}
        rows = {"the run itself": own}
        if forks.servers:
            imports = cpu_seconds(forks.servers[0].process.pid)
            rows["imports, once for all"] = {"start-up": imports}
        for name, row in rows.items():
            Path(work, "times", f"{name}.json").write_text(json.dumps({"notebook": name} | row))


def cpu_seconds(pid: int) -> float:
    """Seconds of a process so far, without its children."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def show(times: pd.DataFrame, total: float) -> None:
    """Print the parts of each notebook, and their shares of the whole."""
    parts = ["start-up", "computing", "rendering"]
    times = times.reindex(columns=parts).fillna(0.0)
    times.loc["sum"] = times.sum()
    times.loc["share"] = times.loc["sum"] / total
    print(times.round(2).to_string())
    print(f"not explained: {1 - times.loc['share'].sum():.1%}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run_here(*sys.argv[2:])
    else:
        main()
