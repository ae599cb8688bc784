"""What looks odd in the config and the rule files, and is no error."""

from __future__ import annotations

from collections.abc import Iterator

from cvm_analysis.errors import find_nearest
from cvm_analysis.settings import Settings, action_checks, wording
from cvm_analysis.strategy import plan
from cvm_analysis.tables import TABLES

MISSPELT = 0.85  # as similar as an own column's name must be to one of ours for a warning


def warnings(settings: Settings) -> list[str]:
    """List own columns that look like misspelt ones of ours, actions at rest, unnamed codes, and
    that the plan does not add up.
    """
    unnamed = [
        f"{settings.where(code.file, *code.keys)}: {code.key} has no name in "
        f"{' and '.join(missing)}; reports show the code"
        for code, missing in wording.find_unnamed(settings)
    ]
    others = (_misspelt_columns, _resting_actions, _differing_budget)
    return [*(text for find in others for text in find(settings)), *unnamed]


def _misspelt_columns(settings: Settings) -> Iterator[str]:
    """Own columns of a source whose name is close to a column of ours that it does not map."""
    for table, (setting, sources) in settings.business.sources.by_table().items():
        known = TABLES[table].columns
        for i, source in enumerate(sources):
            at = ("sources", setting, str(i), "columns")
            unmapped = known.keys() - source.columns.keys()
            for name in sorted(source.columns.keys() - known.keys()):
                if close := find_nearest(name, unmapped, MISSPELT):
                    place = settings.where(settings.path, *at, name)
                    said = f"'{name}' is read as a column of your own; did you mean '{close}'?"
                    yield f"{place}: {said}"


def _resting_actions(settings: Settings) -> Iterator[str]:
    """Actions that wait for a column that the program knows and this business lacks."""
    file = settings.resolve(settings.business.strategies)
    for keys, text in action_checks.describe_resting(settings):
        yield f"{settings.where(file, *keys)}: {text}"


def _differing_budget(settings: Settings) -> Iterator[str]:
    """The plan's budget, if it is not the sum of its lines."""
    if settings.plan and (text := plan.find_difference(settings.plan)):
        file = settings.resolve(settings.business.plan or "")
        yield f"{settings.where(file, 'budget')}: {text}"
