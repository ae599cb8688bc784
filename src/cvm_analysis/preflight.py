"""Everything that can be wrong before a run begins: config, rule files, raw files, plain meaning.

`config` checks the shape; here the core's own checks see the plain values, and their messages get
the file and line where the values were written.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cvm_analysis.config import Settings, load, nearest
from cvm_analysis.errors import ConfigError, CvmError
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
        *_missing_files(settings),
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


def _missing_files(settings: Settings) -> list[str]:
    return [
        f"{settings.where(settings.path, 'sources', setting, str(i), 'files')}: no file "
        f"{settings.resolve(source.files)}; put it there, or name where it is"
        for setting, sources in settings.business.sources.by_table().values()
        for i, source in enumerate(sources)
        if not settings.found(source.files)[0].is_file()
    ]
