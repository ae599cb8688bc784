"""How long a company of millions of customers takes, and how much memory, notebook by notebook.

    python benchmarks/big_region.py FOLDER [lines] [region]      100,000,000 lines, east

Invents order lines of six regions, 15 a customer, and prepares them; learns the thresholds of the
company (`all`), from a sample if it is large enough, and reports one region, one notebook at a time
in one language. Both are kept in FOLDER and not made again, so that the program may be stopped.

Prints seconds of the clock, of the processor in brackets, the most memory of one process, and of
all together, in which pages that processes share count once.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
from prepare_speed import clock, invent, prepare, write_config

ROOT = Path(__file__).parent.parent
PAUSE = 0.5  # seconds between two looks at the memory


class Watch:
    """Looks at a process and its descendants while they run."""

    def __init__(self, pid: int) -> None:
        self.process, self.largest, self.together, self.cpu = psutil.Process(pid), 0.0, 0.0, 0.0
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while self.process.is_running():
            sizes, seconds = [], 0.0
            for each in [self.process, *self.process.children(recursive=True)]:
                try:
                    memory, spent = each.memory_full_info(), each.cpu_times()
                except psutil.Error:  # it has ended
                    continue
                sizes.append((memory.rss / 1e9, memory.pss / 1e9))
                seconds += sum(spent[:4])  # with those of its ended children
            if sizes:
                self.largest = max(self.largest, *(rss for rss, _ in sizes))
                self.together = max(self.together, sum(pss for _, pss in sizes))
                self.cpu = max(self.cpu, seconds)
            time.sleep(PAUSE)

    def take(self) -> tuple[float, float, float]:
        """The seconds so far, and the memory since the last call: of one process, and of all."""
        found = self.cpu, self.largest, self.together
        self.largest = self.together = 0.0
        return found


def main(folder: str, lines: str = "100000000", region: str = "east") -> None:
    """Make what is missing, and print a line for each notebook."""
    place = Path(folder).resolve()
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"lines{lines}.parquet"
    if not path.exists():
        invent(int(lines), path.with_suffix(".part"))
        path.with_suffix(".part").rename(path)
    config = write_config(path, place / "prepared", {}, False)
    if not (place / "prepared-False" / "prepared.json").exists():
        print(f"prepare: {clock(prepare, path, place / 'prepared', {}, False, again=False)}")
    for key in ("all", region):
        report(config, place / "reports", key)


def report(config: Path, out: Path, region: str) -> None:
    """Run one region, and print what each notebook and the whole run took."""
    given = ["--region", region, "--out", str(out), "--notebooks", str(ROOT / "notebooks")]
    given += ["--prepared", "--language", "en", "--jobs", "1", "--log", "json"]
    given += ["--notebook-minutes", "600"]
    command = [str(Path(sys.executable).with_name("cvm")), "run", str(config), *given]
    began, before = time.monotonic(), 0.0
    most = [0.0, 0.0]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=out.parent) as run:
        watch = Watch(run.pid)
        for line in run.stderr or ():
            said = json.loads(line)
            if said["event"] == "executed":
                cpu, *memory = watch.take()
                most = [max(pair) for pair in zip(most, memory, strict=True)]
                show(f"{region} {said['notebook']}", said["seconds"], cpu - before, memory)
                before = cpu
            elif said["event"] in ("failed", "error"):
                print(said["message"])
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    show(f"{region}", time.monotonic() - began, spent.ru_utime + spent.ru_stime, most)


def show(name: str, seconds: float, cpu: float, memory: list[float]) -> None:
    """Print a line."""
    one, every = memory
    print(f"{name}: {seconds:.0f} s ({cpu:.0f}), {one:.1f} GB, {every:.1f} GB", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(ROOT / "src"))
    main(*sys.argv[1:])
