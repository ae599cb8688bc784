"""Everything that can be wrong before a run begins: config, rule files, raw files, plain meaning.

`config` checks the shape; here the core's own checks see the plain values, and their messages get
the file and line where the values were written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from cvm_analysis.config import DiscoveredRegions, Settings, Source, load, nearest
from cvm_analysis.errors import ConfigError, CvmError, InputError
from cvm_analysis.segments import rfm
from cvm_analysis.strategy import recommend


def check(config: str | Path) -> Settings:
    """Load a config and check all that it says; ConfigError says all that is wrong."""
    settings = load(config)
    business, rules = settings.business, settings.segments.rfm
    segments = settings.resolve(business.segments)
    strategies = settings.resolve(business.strategies)
    problems = [
        _found(
            settings, segments, ("rfm", "segments"), lambda: rfm.prove(rules.segments, rules.bins)
        ),
        _found(settings, strategies, ("actions",), lambda: recommend.check(catalogue(settings))),
        *_unknown_segments(settings),
        *_unknown_rules(settings),
        *_unusable_files(settings),
    ]
    said = [problem for problem in problems if problem]
    if said:
        raise ConfigError("\n".join(said))
    return settings


def catalogue(settings: Settings) -> list[recommend.Action]:
    """The actions of strategies.yaml as the strategy room takes them."""
    return [
        recommend.Action(
            code=code,
            segments=action.segments,
            column=action.when.column,
            at_least=action.when.at_least,
            at_most=action.when.at_most,
            cost_per_customer=action.cost_per_customer,
            effect=action.effect,
            evidence=action.evidence,
        )
        for code, action in settings.strategies.actions.items()
    ]


def _found(
    settings: Settings, file: Path, keys: tuple[str, ...], checked: Callable[[], None]
) -> str:
    try:
        checked()
    except CvmError as error:
        return f"{settings.where(file, *keys)}: {error}"
    return ""


def _unknown_segments(settings: Settings) -> list[str]:
    known = {*settings.segments.rfm.segments, rfm.PROSPECT}
    file = settings.resolve(settings.business.strategies)
    return [
        f"{settings.where(file, 'actions', code, 'segments', str(i))}: no segment '{segment}'"
        + nearest(segment, known)
        for code, action in settings.strategies.actions.items()
        for i, segment in enumerate(action.segments)
        if segment not in known
    ]


def _unknown_rules(settings: Settings) -> list[str]:
    from cvm_analysis.intake import rules

    known = {"default", *rules.gates()}
    return [
        f"{settings.where(settings.path, 'rules', 'stop_above', name)}: no rule '{name}'"
        + nearest(name, known)
        for name in settings.business.rules.stop_above
        if name not in known
    ]


def _unusable_files(settings: Settings) -> Iterator[str]:
    """Files that are not there, cannot be opened, or lack a header that the config maps."""
    for setting, sources in settings.business.sources.by_table().values():
        for i, source in enumerate(sources):
            at = ("sources", setting, str(i))
            for path in settings.found(source.files):
                if path.is_file():
                    yield from _unusable_headers(settings, source, at, path)
                else:
                    place = settings.where(settings.path, *at, "files")
                    yield f"{place}: no file {path}; put it there, or name where it is"


def _unusable_headers(
    settings: Settings, source: Source, at: tuple[str, ...], path: Path
) -> Iterator[str]:
    from cvm_analysis.intake import formats

    try:
        headers = formats.header(path, source.encoding, source.delimiter)
    except InputError as error:
        yield f"{settings.where(settings.path, *at, 'files')}: {error}"
        return
    mapped = [((*at, "columns", ours), theirs) for ours, theirs in source.columns.items()]
    regions = settings.business.regions
    if isinstance(regions, DiscoveredRegions) and at[1] == "transactions":
        mapped.append((("regions", "from"), regions.from_))
    for keys, theirs in mapped:
        if theirs not in headers:
            place = settings.where(settings.path, *keys)
            yield f"{place}: {path} has no column '{theirs}'{nearest(theirs, headers)}"
