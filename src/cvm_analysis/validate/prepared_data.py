"""Settings that name what is found in the data: is it in the prepared tables?"""

from __future__ import annotations

from collections.abc import Iterator

from cvm_analysis import prepared
from cvm_analysis.errors import ConfigError, nearest
from cvm_analysis.segments.clusters import measures
from cvm_analysis.settings import Settings
from cvm_analysis.tables import IMPORTED, SATISFACTION
from cvm_analysis.validate.rules import imported_names


def check(settings: Settings) -> None:
    """Check settings that name what is found in the data; ConfigError if the tables lack it."""
    check_imported(settings)
    check_dimensions(settings)
    check_covariates(settings)
    check_service(settings)


def check_imported(settings: Settings) -> None:
    """Raise ConfigError if a scorecard, clusters or the loyalty index use an indicator nobody has.

    A business without imported indicators may keep such scorecards, as may one without customers of
    their type: they grade nobody.
    """
    names = prepared.imported(settings)
    uses = _uses_of_imported(settings) if names else ()
    unknown = [use for use in uses if use[1] not in names]
    there = prepared.customer_types(settings) | {""} if unknown else set()
    problems = [
        f"{place}: no imported indicator '{name}'{nearest(name, names)}"
        for place, name, kind in unknown
        if kind in there
    ]
    problems += _unknown_loyalty(settings, names)
    if problems:
        raise ConfigError("\n".join(problems))


def _unknown_loyalty(settings: Settings, names: list[str]) -> list[str]:
    """List imported indicators of the loyalty index that are not among `names`."""
    file, rules = settings.resolve(settings.business.segments), settings.segments.loyalty
    return [
        f"{settings.where(file, 'loyalty', *keys, code)}: no imported indicator '{name}'"
        + nearest(name, names)
        for keys, weights in rules.written.items()
        for code in weights
        if code.startswith(IMPORTED) and (name := code.removeprefix(IMPORTED)) not in names
    ]


def check_dimensions(settings: Settings) -> None:
    """Raise ConfigError if a scorecard or the loyalty index uses a dimension without any score.

    A business without scores of satisfaction may keep such scorecards.
    """
    known = prepared.dimensions(settings) if settings.measures else []
    problems = [
        f"{place}: nobody scored the dimension '{name}'{nearest(name, known)}"
        for place, column in _uses_of_measures(settings)
        if known and (name := column.removeprefix(SATISFACTION)) != column and name not in known
    ]
    if problems:
        raise ConfigError("\n".join(problems))


def check_covariates(settings: Settings) -> None:
    """Raise ConfigError if a covariate has too many values in the prepared tables."""
    place = settings.where(settings.path, "value", "covariates")
    if settings.value.covariates:
        counts = prepared.count_values(settings, settings.value.covariates)
        if crowded := measures.find_crowded(counts):
            raise ConfigError("\n".join(f"{place}: value.covariates: {each}" for each in crowded))


def check_service(settings: Settings) -> None:
    """Raise ConfigError if `service` names a product or category that no order line has."""
    problems = []
    for column, lives in settings.business.service.items():
        known = prepared.find_values(settings, column)
        for value in lives:
            if value not in known:
                place = settings.where(settings.path, "service", column, value)
                problems.append(
                    f"{place}: no order line has {column} '{value}'{nearest(value, known)}"
                )
    if problems:
        raise ConfigError("\n".join(problems))


def _uses_of_measures(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the place of each setting that names a measure of the experience, and its column."""
    file = settings.resolve(settings.business.scorecards)
    for kind, cards in settings.scorecards.scorecards.items():
        for i, card in enumerate(cards):
            for each in card.indicators:
                at = ("scorecards", kind, str(i), "indicators", each.code)
                for key, column in zip(("column", "per"), each.columns, strict=False):
                    if column in settings.measures:
                        yield settings.where(file, *at, key), column
    file = settings.resolve(settings.business.segments)
    for keys, weights in settings.segments.loyalty.written.items():
        for code in settings.measures.intersection(weights):
            yield settings.where(file, "loyalty", *keys, code), code


def _uses_of_imported(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield the place of each setting that names an imported indicator, the name, and the type.

    The type is that of the scorecard; empty for clusters.
    """
    file = settings.resolve(settings.business.scorecards)
    for kind, cards in settings.scorecards.scorecards.items():
        for i, card in enumerate(cards):
            for each in card.indicators:
                at = ("scorecards", kind, str(i), "indicators", each.code, "column")
                for name in imported_names(each):
                    yield settings.where(file, *at), name, kind
    file = settings.resolve(settings.business.segments)
    for i, column in enumerate(settings.segments.clusters.measures):
        if column.startswith(IMPORTED):
            place = settings.where(file, "clusters", "measures", str(i))
            yield place, column.removeprefix(IMPORTED), ""
