"""`all`: analysed before the regions, reported after them on their tables.

Its building folder stays open in between, so that it is published once. The analysis is kept, too,
for a run that goes on from there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace

from cvm_analysis import union
from cvm_analysis.run import kept_analysis, manifest, region
from cvm_analysis.run.plan import Failure, Job, Part, Plan, Result, State
from cvm_analysis.run.region import Build
from cvm_analysis.tables import ALL


def analyse(whole: Build) -> State:
    """Execute the notebooks that the regions take their thresholds from.

    Nothing is executed if the published report of `all` rests on the same analysis.
    """
    if whole.job.plan.force or not _is_analysed(whole):
        _analyse(whole)
    return "running"


def find_reference(whole: Build) -> bytes | None:
    """Find what the analysis left for the regions, after `analyse`."""
    desk = whole.desk if whole.finished else whole.job.link / "desk"
    reference = desk / "reference.json"
    return reference.read_bytes() if reference.is_file() else None


def published_reference(plan: Plan) -> bytes | None:
    """Find what the published report of `all` left, if it is of the same data and date.

    Where `all` learns from a sample it has no report, and what it found is kept beside it.
    """
    link = plan.out / ALL / kept_analysis.LINK if plan.is_sampled else plan.link(ALL)
    made, name = manifest.read(link), "desk/reference.json"
    about = {"prepared": plan.prepared, "as_of": plan.as_of}
    is_of_these = made and all(made.get(key) == value for key, value in about.items())
    if made is None or not is_of_these or not manifest.is_as_published(link, made, name):
        return None
    return (link / name).read_bytes()


def report(whole: Build, done: Collection[str]) -> State:
    """Execute the other notebooks on the tables of all regions, and publish `all`.

    Where none is left (a business with contracts alone), its own analysis is its report. What was
    learned from a sample of the customers is no report: there is none.

    done : regions that this run published or found unchanged
    """
    plan = whole.job.plan
    if plan.is_sampled:
        return "learned"
    last = [step for step in region.steps(plan) if plan.is_last(step.notebook)]
    parts = _parts(plan, find_reference(whole), done) if last else {}
    made_from = manifest.add_parts(whole.made_from, parts)
    if not plan.force and region.is_published(whole.job.link, made_from):
        return "unchanged"
    if not whole.finished:
        _analyse(whole)
    present = {key: plan.link(key) / "desk" for key, p in parts.items() if p["is_included"]}
    union.unite(whole.desk, present)
    whole.execute(last)
    whole.publish(parts)
    return "published"


def find_missing(plan: Plan) -> Iterator[Result]:
    """Yield a failure for each region of the company without a current report, after `report`.

    plan : of `all` alone
    """
    for key, part in _parts(plan, published_reference(plan), ()).items():
        if not part["is_included"]:
            failure = Failure(
                "no_report",
                f"no report of this data, day, code and settings; run `cvm run {plan.config} "
                f"--prepared --region {key}` with the same --out",
            )
            yield Result(key, "failed", failure)


def _analyse(whole: Build) -> None:
    """Execute the notebooks, or take over what an earlier run of the same found."""
    job, made_from, plan = whole.job, whole.made_from, whole.job.plan
    wanted = [step for step in region.steps(plan) if plan.teaches(step.notebook)]
    kept = [] if plan.force else kept_analysis.restore(job, whole.desk, made_from)
    if kept:
        whole.finished |= dict(zip(wanted, kept, strict=True))
        return
    whole.execute(wanted)
    # without room the next run analyses again; of a sample, regions find the thresholds only here
    with nullcontext() if plan.is_sampled else suppress(OSError):
        kept_analysis.keep(job, whole.desk, made_from, [whole.finished[step] for step in wanted])


def _is_analysed(whole: Build) -> bool:
    """Whether the published report of `all` differs from this one in its regions at most."""
    link = whole.job.link
    parts = (manifest.read(link) or {}).get("regions", {})
    return region.is_published(link, manifest.add_parts(whole.made_from, parts))


def _parts(plan: Plan, reference: bytes | None, done: Collection[str]) -> dict[str, Part]:
    """Describe every region of the company: its published report, and whether that is current."""
    parts = {}
    for key, names in plan.company_regions.items():
        found = manifest.read(plan.link(key))
        is_included = key in done
        if found and key not in plan.regions:  # not part of this run
            same = replace(plan, regions=plan.company_regions, languages=tuple(found["languages"]))
            made_from = manifest.fingerprint(Job(same, key, reference))
            is_included = region.is_published(plan.link(key), made_from)
        made = found["fingerprint"] if found else None
        parts[key] = Part(names=dict(names), fingerprint=made, is_included=is_included)
    return parts
