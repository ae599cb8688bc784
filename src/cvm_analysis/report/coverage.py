"""Which regions the report of the whole company holds, in words."""

from collections.abc import Sequence

from cvm_analysis.texts import Words


def describe(say: Words, n_regions: int, missing: Sequence[str]) -> str:
    """Say how many regions the company's report adds up, and name those it lacks.

    n_regions : that make up the company; missing : names of those without a report
    """
    figures = {"present": say.number(n_regions - len(missing)), "n": say.number(n_regions)}
    if not missing:
        return say("report.coverage.complete", **figures)
    if len(missing) == n_regions:
        return say("report.coverage.own")
    return say("report.coverage.partial", **figures, regions=say.listed(missing))
