"""One region: its notebooks in order, its pages and manifest, published completely or not."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

from typing_extensions import TypedDict

from cvm_analysis import atomic_folder, notebooks
from cvm_analysis.errors import CvmError
from cvm_analysis.run import (
    exposure_gate,
    ledger,
    manifest,
    notebook,
    pages,
    redact_paths,
    region_lock,
)
from cvm_analysis.run.forks import Tables
from cvm_analysis.run.notebook import Finished, execute
from cvm_analysis.run.plan import (
    PRIVATE,
    Event,
    Failure,
    Job,
    Part,
    Plan,
    Progress,
    Result,
    State,
    Stopped,
)

FAILED = "failed.json"


class Failed(TypedDict):
    """What readers of failed.json rely on."""

    names: dict[str, str]
    business: str
    since: str
    notebook: str
    cell: int | None


class Step(NamedTuple):
    """One execution: a notebook in a language, and the name of its executed copy."""

    notebook: str
    language: str
    output: str


class NotebookFailed(Exception):
    """A notebook of this region failed; the region stops here."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


def run(job: Job, slots: Executor, progress: Progress, stop: threading.Event) -> Result:
    """Run a region and publish it, unless what is published is already just that.

    slots : where notebooks wait for their turn; shared by the regions
    stop : this region's own; set here, too, when a notebook fails, which ends those beside it
    """

    def work() -> State:
        with held(job, progress, stop):
            return _run(job, slots, progress, stop)

    return attempt(job, progress, work)


def attempt(job: Job, progress: Progress, work: Callable[[], State]) -> Result:
    """Do a part of a region's work, which returns its state afterwards.

    A failure is recorded beside the last good report, which stays: `failed.json`, and the
    notebook that failed as `failed.ipynb`. The next success removes both. When a run is stopped,
    processes are ended, nothing half-made stays, and Stopped is raised.
    """
    started = time.monotonic()
    failure = None
    try:
        state = work()
        if state != "running":
            _forget_failure(job)
    except Stopped:
        raise
    except Exception as error:
        failure = error.failure if isinstance(error, NotebookFailed) else _unpublished(job, error)
        state = "failed"
        with suppress(OSError):  # where nothing can be written, the result says it alone
            _remember_failure(job, failure)
    if state != "running":
        notebook, message = (failure.notebook, str(failure)) if failure else ("", "")
        seconds = time.monotonic() - started
        progress(Event(job.region, state, notebook, message, seconds, failure))
    return Result(job.region, state, failure)


def steps(plan: Plan) -> Iterator[Step]:
    """List the executions in order: one per notebook; for the report, one per language."""
    for stem in plan.notebooks:
        for language in plan.languages:
            first = language == plan.languages[0]
            if first:
                yield Step(stem, language, stem)
            elif plan.is_report(stem):
                yield Step(stem, language, f"{stem}.{language}")


@contextmanager
def held(job: Job, progress: Progress, stop: threading.Event) -> Iterator[None]:
    """Hold a region: one run at a time makes its reports, another waits for its end.

    InputError if the time of the run is over before; Stopped if it is asked to end.
    """
    is_said = False

    def wait() -> None:
        nonlocal is_said
        if stop.is_set():
            raise Stopped
        job.plan.limits()
        if not is_said:
            progress(Event(job.region, "waiting"))
        is_said = True

    with region_lock.hold(job.plan.out, job.region, wait):
        yield


def _run(job: Job, slots: Executor, progress: Progress, stop: threading.Event) -> State:
    if not job.plan.force and is_published(job.link, manifest.fingerprint(job)):
        ledger.restore(job)
        return "unchanged"
    with build(job, slots, progress, stop) as made:
        made.execute(list(steps(job.plan)))
        made.publish()
    return "published"


@dataclass
class Build:
    """A region's report in the making: its folder is hidden until it is published.

    made_from : the fingerprint, taken before the first notebook
    tables : the region's, opened once for all its notebooks
    """

    job: Job
    folder: Path
    made_from: str
    slots: Executor
    progress: Progress
    stop: threading.Event
    began: dt.datetime
    tables: Tables
    finished: dict[Step, Finished] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def desk(self) -> Path:
        """The run folder of its notebooks."""
        return self.folder / "desk"

    def execute(self, wanted: Sequence[Step]) -> None:
        """Execute each of these notebooks as soon as it can be; its page comes beside the next."""
        clock, todo = time.monotonic(), order(wanted)
        running: dict[Future[Finished], Step] = {}
        unwritten: list[Step] = []  # executed, and their pages are not written yet
        try:
            while todo.is_active() or unwritten or running:
                for step in todo.get_ready() if todo.is_active() else ():
                    running[self.slots.submit(self._execute, step)] = step
                for step in unwritten:
                    running[self.slots.submit(self._write_page, step)] = step
                unwritten = []
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for task in [task for task in running if task in done]:
                    step = running.pop(task)
                    is_new = step not in self.finished
                    self.finished[step] = task.result()
                    if is_new:
                        todo.done(step)
                        unwritten.append(step)
        except Exception:
            self.stop.set()
            wait([task for task in running if not task.cancel()])
            raise
        self.seconds += time.monotonic() - clock

    def publish(self, parts: Mapping[str, Part] | None = None) -> None:
        """Write the manifest, and replace the published report; Stopped if asked to end.

        InputError, and nothing is published, if an output shows a personal value.

        parts : of `all`: its regions
        """
        manifest.check(self.desk, self.job, self.made_from)
        job = replace(self.job, parts=parts or {})
        made_from = manifest.add_parts(self.made_from, job.parts)
        (self.desk / atomic_folder.LOCK).unlink(missing_ok=True)
        began = self.began.isoformat(timespec="seconds")
        timing = {"started": began, "seconds": round(self.seconds, 3)}
        finished = [self.finished[step] for step in steps(job.plan)]
        manifest.write(self.folder, job, made_from, finished, timing)
        if job.plan.personal:
            exposure_gate.check(self.folder, job.plan.personal, job.plan.config_files)
        _permit(self.folder)
        if self.stop.is_set():
            raise Stopped
        with ledger.record(job, self.desk, made_from):
            atomic_folder.publish(self.folder, job.link)

    def _execute(self, step: Step) -> Finished:
        if self.stop.is_set():
            raise Stopped
        self.progress(Event(self.job.region, "running", step.output))
        job, output = self.job, self._output(step)
        asked = job.parameters(self.desk, step.language)
        source = job.plan.notebook(step.notebook)
        finished = execute(source, asked, output, job.plan.limits(), self.stop, self.tables)
        if finished.failure:
            hide = redact_paths.path_redactor(job.plan, self.desk)
            raise _failed(job, output, finished.failure, hide)
        self.progress(Event(job.region, "executed", step.output, seconds=finished.seconds))
        return finished

    def _write_page(self, step: Step) -> Finished:
        """Remove paths of this machine from an executed notebook, and write its page."""
        if self.stop.is_set():
            raise Stopped
        job, output = self.job, self._output(step)
        asked = job.parameters(self.desk, step.language)
        hide = redact_paths.path_redactor(job.plan, self.desk)
        redact_paths.clean_notebook(output, asked, hide)
        signature = notebooks.signature(step.notebook, step.language)
        redact_paths.clean_sentinel(self.desk / "done" / signature, asked, hide)
        notes = pages.write(job, output, step.notebook, step.language, self.stop)
        finished, more = self.finished[step], tuple(note._asdict() for note in notes)
        return replace(finished, notes=(*finished.notes, *more))

    def _output(self, step: Step) -> Path:
        return self.desk / "notebooks" / f"{step.output}.ipynb"


@contextmanager
def build(job: Job, slots: Executor, progress: Progress, stop: threading.Event) -> Iterator[Build]:
    """Give a report to execute and publish; what is not published by the end is removed."""
    with atomic_folder.atomic_folder(job.folder, job.plan.as_of) as folder:
        (folder / "desk" / "notebooks").mkdir(parents=True)
        if job.company is not None:
            atomic_folder.write(folder / "desk" / "company.json", job.company, PRIVATE)
        manifest.pin(folder / "desk", job)
        made_from, began = manifest.fingerprint(job), dt.datetime.now(dt.UTC)
        ledger.hand_in(job, folder / "desk")
        with notebook.tables(job.parameters(folder / "desk", job.plan.languages[0])) as tables:
            yield Build(job, folder, made_from, slots, progress, stop, began, tables)


def order(wanted: Sequence[Step]) -> TopologicalSorter[Step]:
    """Arrange executions: each after those among them whose tables and thresholds it reads."""
    todo: TopologicalSorter[Step] = TopologicalSorter()
    for step in wanted:
        needed = notebooks.find_needed(step.notebook)
        todo.add(step, *(other for other in wanted if other.notebook in needed))
    todo.prepare()
    return todo


def _failed(job: Job, output: Path, failure: Failure, hide: redact_paths.Redact) -> NotebookFailed:
    """Keep the executed notebook beside the reports, and return what to raise."""
    with suppress(OSError):  # there may be none, or no room for it
        atomic_folder.write(job.folder / "failed.ipynb", output.read_bytes(), PRIVATE)
    return NotebookFailed(replace(failure, message=hide(failure.message)))


def _permit(folder: Path) -> None:
    """Give share/ the permissions of the region's folder; only the owner may read desk/."""
    shutil.copymode(folder.parent, folder)
    for path in (folder / "desk").rglob("*"):
        path.chmod(0o700 if path.is_dir() else PRIVATE)
    (folder / "desk").chmod(0o700)


def is_published(link: Path, made_from: str) -> bool:
    """Whether the published report has this fingerprint, and its files are as published."""
    found = manifest.read(link) or {"fingerprint": None}
    return found["fingerprint"] == made_from and manifest.is_whole(link, found)


def _unpublished(job: Job, error: Exception) -> Failure:
    message = redact_paths.path_redactor(job.plan, job.folder)(describe(error))
    return Failure("not_published", message)


def describe(error: Exception) -> str:
    """Describe an error; of one of ours the message says all."""
    return str(error) if isinstance(error, CvmError) else f"{type(error).__name__}: {error}"


def failure_of(folder: Path) -> dict[str, Any] | None:
    """Read the failure recorded in out/<region>; None if the last run was good."""
    found: dict[str, Any] | None = atomic_folder.read_json(folder / FAILED, Failed)
    return found


def _remember_failure(job: Job, failure: Failure) -> None:
    """Write failed.json; `since` is the first failure after the last success."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    content = {
        "region": job.region,
        "names": dict(job.names),
        "business": job.plan.business,
        "as_of": job.plan.as_of,
        "since": (failure_of(job.folder) or {}).get("since", now),
        "notebook": failure.notebook,
        "cell": failure.cell,
        "kind": failure.kind,
        "message": failure.message,
    }
    job.folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=1)
    atomic_folder.write(job.folder / FAILED, text, PRIVATE)


def _forget_failure(job: Job) -> None:
    for name in (FAILED, "failed.ipynb"):
        (job.folder / name).unlink(missing_ok=True)
