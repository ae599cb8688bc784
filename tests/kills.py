"""Kill -9 at random moments of a run or a prepare, then look, go on, and look again.

`python tests/kills.py run|kernels|prepare NUMBER SEED`: runs of three regions whose notebooks are
stubs, or with real kernels; or prepares of a small business. Each attempt changes what is to be
made. After the kill all that is published is whole, and that of before is as it was; the next
attempt does only what is missing, and nothing else is left. It prints how many kills found what.
"""

import collections
import hashlib
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from small_business import NAMED, small
from test_run_ledger import FIRST, KEYS, Business
from tiny_notebooks import write_notebook

from cvm_analysis import atomic_folder, prepared
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.report import page, portal  # noqa: F401 (imported once, before forks)
from cvm_analysis.run import kept_analysis, manifest, region, region_lock, work_folders
from cvm_analysis.sources import read

SALES = "customer_id,ordered_at,amount,sold_in\n"
KEPT = {atomic_folder.LOCK, region_lock.RUNNING, ".owner.json"}  # hidden, and no leftovers
LEAVE = (
    "import pathlib\npathlib.Path(run_dir, 'version').write_text(pathlib.Path(config).read_text())"
)


class Runs:
    """A business of three regions; `attempt` runs all of them."""

    def __init__(self, folder, real):
        self.business = Business(folder)
        self.real = real
        if real:
            write_notebook(folder / "notebooks", "09_strategy", LEAVE)

    def change(self, number):
        self.business.plan.config.write_text(f"business: Demo\ncompare_days: {number}\n")
        self.business.net_sales = float(number)

    def attempt(self):
        if not self.real:
            region.execute = self.business.execute
            page.render = lambda path, title, language, links=(): title
        states = self.business.run(jobs=2)
        assert set(states.values()) <= {"published", "unchanged"}, states

    def links(self):
        return {key: self.business.plan.link(key) for key in KEYS}

    def is_whole(self, link):
        found = manifest.read(link)
        return found is not None and manifest.is_whole(link, found)

    def check_made(self, number):
        plan = self.business.plan
        assert (plan.out / "index.html").is_file()
        if not self.real:
            said = {f"{key} {FIRST}": [float(number)] for key in KEYS}
            assert self.business.figures() == said

    def left(self):
        """Hidden files and folders that no link leads to, and temporary ones.

        The analysis of `all` is kept for the next run.
        """
        roots = (self.business.plan.out, self.business.plan.ledger)
        found = [path for root in roots for path in root.rglob(".*")]
        found += [path for path in work_folders._parent().iterdir() if path.name != ".lock"]
        kept = self.business.plan.out / "all" / kept_analysis.LINK
        known = {kept, *(link.resolve() for link in (kept, *self.links().values()))}
        return [path for path in found if path.name not in KEPT and path not in known]


class Prepares:
    """A business of two regions; `attempt` prepares it."""

    def __init__(self, folder):
        self.folder, self.settings = folder, None
        self.number = 1

    def change(self, number):
        self.number = number
        lines = [f"c{i},2025-01-01,{number},{'Nord' if i % 2 else 'Sud'}\n" for i in range(2_000)]
        (self.folder / "sales.csv").write_text(SALES + "".join(lines))

    def attempt(self):
        if self.settings is None:
            self.settings = small(
                self.folder, NAMED, {"sales.csv": (self.folder / "sales.csv").read_text()}
            )
        prepare(self.settings)

    def links(self):
        return {"prepared": self.folder / "prepared"}

    def is_whole(self, link):
        return prepared.is_whole(link)

    def check_made(self, number):
        made = prepared.read_stamp(self.folder / "prepared")
        assert made["rows_accepted"] == 2_000

    def left(self):
        """Hidden files and folders of no use, and what is half kept of the raw file."""
        kept = self.folder / ".prepared.staged"
        known = {(self.folder / "prepared").resolve(), kept}
        found = [p for p in self.folder.glob(".*") if p.name not in KEPT and p not in known]
        (staged,) = kept.iterdir()
        return found if staged.stem.endswith(f"-{read.digest(staged)}") else [*found, staged]


def digest(link):
    """Digests of all files of what a link points to; none if there is nothing."""
    folder = link.resolve()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def forked(work, seconds=None):
    """Do work in a process of its own; kill it after some seconds. Return how long it took."""
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setpgid(0, 0)
            work()
            code = 0
        finally:
            os._exit(code)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == 0 or (code == -signal.SIGKILL and seconds is not None), code
    return time.monotonic() - started


def kill(made, number, seed):
    """Kill attempts at random moments; count what was published when they died."""
    dice, seen = random.Random(seed), collections.Counter()
    manifest._libraries()  # once, not in every fork
    made.change(0)
    usual = forked(made.attempt)
    before = {key: digest(link) for key, link in made.links().items()}
    for attempt in range(1, number + 1):
        made.change(attempt)
        forked(made.attempt, dice.uniform(0, usual))
        after = {key: digest(link) for key, link in made.links().items()}
        for key, link in made.links().items():
            assert made.is_whole(link), f"{attempt}: half of {key}"
            seen["new" if after[key] != before[key] else "old"] += 1
        done = {key: made.links()[key].resolve() for key in after if after[key] != before[key]}
        usual = max(usual / 2, forked(made.attempt))
        made.check_made(attempt)
        assert {key: link.resolve() for key, link in made.links().items() if key in done} == done
        assert made.left() == [], f"{attempt}: left {made.left()}"
        assert all(made.is_whole(link) for link in made.links().values())
        before = {key: digest(link) for key, link in made.links().items()}
    return seen


def main(what, number, seed):
    """Kill and print what came of it."""
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        tempfile.tempdir = folder if len(folder) <= 40 else None
        path = Path(folder) / "business"
        path.mkdir()
        made = Prepares(path) if what == "prepare" else Runs(path, what == "kernels")
        seen = kill(made, number, seed)
        tempfile.tempdir = None
    print(f"{what}: {number} kills; published then: {dict(seen)}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
