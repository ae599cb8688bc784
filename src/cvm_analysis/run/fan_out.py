"""All regions of a run: the company's analysis, the regions in parallel, its report, the portal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cvm_analysis.run import (
    company,
    ledger,
    manifest,
    marker,
    notebook,
    portal,
    region,
    work_folders,
)
from cvm_analysis.run.plan import Event, Job, Plan, Progress, Result, State
from cvm_analysis.tables import ALL


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run: one result per region, and the portal with links to the reports.

    portal_failure : why the portal could not be written; empty if it was
    """

    results: tuple[Result, ...]
    portal: Path
    portal_failure: str = ""

    @property
    def failed(self) -> tuple[Result, ...]:
        """The regions that failed."""
        return tuple(result for result in self.results if result.state == "failed")


def run(plan: Plan, progress: Progress) -> Outcome:
    """Analyse `all`, run the other regions, report `all` on their tables; write the portal.

    `plan.jobs` notebooks run at a time. A failed region does not affect the others; the report of
    `all` names it. If the analysis of `all` fails, the regions use only their own data; if `all` is
    not part of this run, they use the thresholds of its published report of the same data and date.
    InputError, before anything runs, if plan or notebooks cannot be used, or if `out` or the ledger
    belongs to another business; OSError if they cannot be written. An exception in this thread, as
    Ctrl-C raises, ends all processes and removes unfinished files.

    `progress` is called from several threads; where it cannot write, the run goes on.
    """
    check(plan)
    plan.out.mkdir(parents=True, exist_ok=True)
    marker.claim(plan)
    ledger.claim(plan)
    work_folders.clean()

    def show(event: Event) -> None:
        with suppress(OSError):
            progress(event)

    with ExitStack() as kept, _Pool(plan, show) as pool:
        if ALL in plan.regions:
            results = _run_with_company(plan, pool, kept)
        else:
            results = pool.run(list(plan.regions), company.published_reference(plan))
    try:
        return Outcome(tuple(results), portal.write(plan.out, plan.business, plan.languages))
    except Exception as error:
        return Outcome(tuple(results), plan.out / "index.html", region.describe(error))


def publish(plan: Plan, progress: Progress) -> Outcome:
    """Report `all` on the regions that other runs published, and write the portal; as `run`.

    No notebook of a region runs: one whose published report is not of this plan has failed.
    """
    alone = replace(plan, regions={ALL: plan.regions[ALL]})
    outcome = run(alone, progress)
    missing = tuple(company.find_missing(alone))
    for each in missing:
        failure = each.failure
        with suppress(OSError):
            progress(Event(each.region, "failed", message=str(failure), failure=failure))
    return replace(outcome, results=(*outcome.results, *missing))


def check(plan: Plan) -> None:
    """Raise InputError where `run` would before anything runs; nothing is written."""
    plan.check()
    for step in region.steps(plan):
        path = plan.notebook(step.notebook)
        notebook.check(path, plan.parameters(ALL, plan.out, step.language))
    marker.check(plan)
    ledger.check_owner(plan)


def find_alerts(
    plan: Plan, language: str, form: Literal["text", "clause"] = "text"
) -> dict[str, list[str]]:
    """Read the alerts of each region of a plan that is published: texts, worst first, by region.

    form : `clause` names no customer
    """
    made = {key: manifest.read(plan.link(key)) or {} for key in plan.regions}
    found = {key: each.get("alerts", ()) for key, each in made.items()}
    return {
        key: [each[form][language] for each in alerts if form in each]
        for key, alerts in found.items()
    }


def _run_with_company(plan: Plan, pool: _Pool, kept: ExitStack) -> list[Result]:
    """Run the regions between the two halves of `all`, whose folder is `kept` until the end."""
    job, made = Job(plan, ALL, None), list[region.Build]()
    around = (pool.slots, pool.progress, pool.stops[ALL])

    def analyse() -> State:
        kept.enter_context(region.held(job, *around[1:]))
        made.append(kept.enter_context(region.build(job, *around)))
        return company.analyse(made[0])

    analysed = pool.attempt(job, analyse)
    reference = None if analysed.failure else company.find_reference(made[0])
    others = pool.run([key for key in plan.regions if key != ALL], reference)
    if analysed.failure:
        return [analysed, *others]
    done = {result.region for result in others if not result.failure}
    return [pool.attempt(job, lambda: company.report(made[0], done)), *others]


class _Pool:
    """Threads that wait for child processes; an exception ends these processes."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self.plan, self.progress = plan, progress
        self.stops = {key: threading.Event() for key in plan.regions}
        self.regions, self.slots = (ThreadPoolExecutor(max(1, plan.jobs)) for _ in range(2))

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            for stop in self.stops.values():
                stop.set()
        self.regions.shutdown(wait=True, cancel_futures=True)
        self.slots.shutdown()

    def attempt(self, job: Job, work: Callable[[], State]) -> Result:
        """Do a part of a region's work and wait for it."""
        return self.regions.submit(region.attempt, job, self.progress, work).result()

    def run(self, keys: list[str], reference: bytes | None) -> list[Result]:
        """Run these regions and wait for all of them."""
        tasks = [
            self.regions.submit(
                region.run,
                Job(self.plan, key, reference),
                self.slots,
                self.progress,
                self.stops[key],
            )
            for key in keys
        ]
        wait(tasks)
        return [task.result() for task in tasks]
