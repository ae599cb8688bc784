"""All regions of a run: the company's analysis, the regions in parallel, its report, the portal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cvm_analysis import atomic_folder
from cvm_analysis.run import (
    company,
    ledger,
    manifest,
    marker,
    notebook,
    pages,
    published,
    region,
    work_folders,
)
from cvm_analysis.run.plan import Event, Job, Part, Plan, Progress, Result, State
from cvm_analysis.tables import ALL

EARLIER = 3  # reports of earlier dates that the portal links


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
        return Outcome(tuple(results), write_portal(plan))
    except Exception as error:
        return Outcome(tuple(results), plan.out / "index.html", region.describe(error))


def check(plan: Plan) -> None:
    """Raise InputError where `run` would before anything runs; nothing is written."""
    plan.check()
    for step in region.steps(plan):
        path = plan.notebook(step.notebook)
        notebook.check(path, plan.parameters(ALL, plan.out, step.language))
    marker.check(plan)
    ledger.check_owner(plan)


def find_alerts(plan: Plan, language: str) -> dict[str, list[str]]:
    """Read the alerts of each region of a plan that is published: texts, worst first, by region."""
    made = {key: manifest.read(plan.link(key)) or {} for key in plan.regions}
    found = {key: each.get("alerts", ()) for key, each in made.items()}
    return {key: [each["text"][language] for each in alerts] for key, alerts in found.items()}


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


def write_portal(plan: Plan) -> Path:
    """Write the portal to all reports that this business has published in out/.

    It is out/index.<language>.html in each language, and in the first one also out/index.html.
    """
    from cvm_analysis.report import portal
    from cvm_analysis.texts import words

    with atomic_folder.lock(plan.out):
        names = {language: pages.portal_page(language) for language in _languages(plan)}
        for language, name in names.items():
            title = words(language)("portal.title", business=plan.business)
            others = {each: path for each, path in names.items() if each != language}
            found = entries(plan.out, language, plan.business)
            page = portal.render(found, title, language, others)
            atomic_folder.write(plan.out / name, page)
            if language == plan.languages[0]:
                atomic_folder.write(plan.out / "index.html", page)
        for name in set(marker.pages()) - {"index.html", *names.values()}:
            (plan.out / name).unlink(missing_ok=True)
    return plan.out / "index.html"


def _languages(plan: Plan) -> list[str]:
    """List the languages of this run, then those of published reports, which link to the portal."""
    from cvm_analysis.texts import languages

    folders = [path for path in plan.out.iterdir() if path.is_dir() and path.name[0] != "."]
    made = [each for folder in folders for _, each in published.reports(folder, plan.business)]
    others = {language for each in made for language in each["languages"]} & {*languages()}
    return list(dict.fromkeys([*plan.languages, *sorted(others)]))


def entries(out: Path, language: str, business: str | None = None) -> list[dict[str, Any]]:
    """One row per region in `out`, `all` first: its latest report and status.

    business : limits the regions to one business; None: all

    region, name, as_of (None without a report), status: `good`, `stale` (the last run failed and an
    earlier report stands, or `all` is older than a region) or `failed` (there is none), since: when
    it began to fail, or None, message: the notebook and cell that failed, damaged: the run.json
    that cannot be read where there is no report, else empty; of `all`, n_regions: how many make up
    the company, missing: names of those not in it, newer: names of those with another report now;
    reports (language -> link relative to `out`), earlier: as_of and reports of the newest earlier
    dates, alerts: see `portal.render`,
    figures: what its notebooks left for the portal, by name; currency: of those that are money;
    horizon_weeks: of those that are forecasts, or None.
    """
    keys = sorted(path.name for path in out.iterdir() if path.is_dir() and path.name[0] != ".")
    ordered = sorted(keys, key=lambda key: key != ALL)
    found = [_entry(out, key, language, business) for key in ordered]
    return [entry for entry in found if entry]


def _entry(out: Path, key: str, language: str, business: str | None) -> dict[str, Any] | None:
    failure = region.failure_of(out / key)
    if failure and business not in (None, failure["business"]):
        failure = None
    found = list(published.reports(out / key, business))
    damaged = "" if found else published.find_damaged(out / key)
    link, made = found[0] if found else (out / key, {})
    if not made and failure is None and not damaged:
        return None
    names = (made or failure or {}).get("names", {})
    left, parts = made.get("figures", {}), made.get("regions", {})
    newer = [each for each, part in parts.items() if _has_changed(out / each, part, business)]
    missing = [each for each, part in parts.items() if not part["is_included"]]
    say = {each: part["names"].get(language, each) for each, part in parts.items()}
    is_old = failure is not None or newer
    return {
        "region": key,
        "name": names.get(language, key),
        "as_of": made.get("as_of"),
        "status": "failed" if not made else "stale" if is_old else "good",
        "since": (failure or {}).get("since"),
        "message": _place(failure) if failure else damaged,
        "damaged": damaged,
        "n_regions": len(parts),
        "missing": [say[each] for each in missing],
        "newer": [say[each] for each in newer],
        "reports": _pages(key, link, made),
        "earlier": [
            {"as_of": before["as_of"], "reports": _pages(key, folder, before)}
            for folder, before in found[1 : EARLIER + 1]
        ],
        "alerts": made.get("alerts", []),
        "figures": left.get("values", {}),
        "currency": left.get("currency", ""),
        "horizon_weeks": left.get("horizon_weeks"),
    }


def _pages(key: str, link: Path, made: Mapping[str, Any]) -> dict[str, str]:
    """Find the pages of a report: language -> path relative to the portal."""
    return {each: f"{key}/{link.name}/{path}" for each, path in published.pages(made).items()}


def _has_changed(folder: Path, part: Part, business: str | None) -> bool:
    """Whether a region has another report than when `all` was made."""
    latest = next(published.reports(folder, business), None)
    return latest is not None and latest[1]["fingerprint"] != part["fingerprint"]


def _place(failure: Mapping[str, Any]) -> str:
    """Place of a failure; its message stays in failed.json, as it may contain data."""
    cell = "" if failure["cell"] is None else f" [{failure['cell']}]"
    return f"{failure['notebook']}.ipynb{cell}" if failure["notebook"] else ""


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
