"""Read a config and its rule files; everything wrong in one message, with file and line."""

from __future__ import annotations

import difflib
import os
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError

from cvm_analysis.churn.lapse import Churn
from cvm_analysis.clv.value import Value
from cvm_analysis.errors import ConfigError
from cvm_analysis.settings import wording
from cvm_analysis.settings.lines import Lines, line, parse, where
from cvm_analysis.settings.rule_files import Scorecards, Segments, Strategies
from cvm_analysis.settings.shape import TAGS, Business, Region, Source
from cvm_analysis.tables import TABLES

UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")  # pydantic's errors of a wrong name
WRITTEN = {"code": "", "customer_type": "", "by_quota": "quota"}  # else than a field is called
RULE_FILES = {"segments": Segments, "scorecards": Scorecards, "strategies": Strategies}


@dataclass(frozen=True)
class Settings:
    """All settings of a business, and where each was written."""

    path: Path
    business: Business
    segments: Segments
    scorecards: Scorecards
    strategies: Strategies
    lines: Mapping[Path, Lines]

    @property
    def value(self) -> Value:
        """How future value is counted."""
        return self.business.value

    @property
    def churn(self) -> Churn:
        """What counts as silence."""
        return self.business.churn

    @property
    def words(self) -> wording.Own:
        """The words of the business's own codes, for `texts.words`."""
        return wording.collect(self)

    @property
    def prepared(self) -> Path:
        """Where the prepared tables lie."""
        return self.resolve(self.business.prepared or f"../data/prepared/{self.path.stem}")

    @property
    def files(self) -> list[Path]:
        """The config and the rule files it names."""
        return list(self.lines)

    def resolve(self, path: str) -> Path:
        """Find a path relative to the config file."""
        return Path(os.path.normpath(self.path.parent / path))

    @property
    def raw_folders(self) -> list[Path]:
        """Where the raw files lie."""
        tables = self.business.sources.by_table().values()
        folders = {self.resolve(s.files).parent for _, sources in tables for s in sources}
        return sorted(folders)

    def found(self, files: str) -> list[Path]:
        """Find the files of a source, `*` standing for anything; the name itself if none."""
        path = self.resolve(files)
        matching = sorted(path.parent.glob(path.name)) if "*" in path.name else [path]
        return matching or [path]

    def where(self, file: Path, *keys: str) -> str:
        """Say where a setting was written: `config/mine.yaml line 14`."""
        return where(file, self.lines[file], keys)


def load(path: str | Path) -> Settings:
    """Read a config and the rule files it names; ConfigError says everything wrong at once."""
    path = Path(path)
    lines: dict[Path, dict[tuple[str, ...], int]] = {}
    business = _read(path, Business, lines)
    parts = {
        name: _read(Path(os.path.normpath(path.parent / getattr(business, name))), model, lines)
        for name, model in RULE_FILES.items()
    }
    settings = Settings(path=path, business=business, lines=lines, **parts)
    _check_names(settings)
    return settings


def _read(path: Path, model: type[Any], lines: dict[Path, dict[tuple[str, ...], int]]) -> Any:
    content, lines[path] = parse(path)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        found = sorted(_told(error.errors()), key=lambda each: _order(lines[path], each))
        said = [_describe(path, lines[path], model, each) for each in found]
        raise ConfigError("\n".join(dict.fromkeys(said))) from None


def _told(errors: Any) -> list[Any]:
    """Leave out that a list is too short where its items are wrong."""
    places = [error["loc"] for error in errors]
    above = {place[:n] for place in places for n in range(len(place))}
    return [each for each in errors if each["type"] != "too_short" or each["loc"] not in above]


def _order(lines: Lines, error: Any) -> tuple[int, bool]:
    """From the first line to the last; a misspelt setting before the one that it makes missing."""
    return line(lines, error["loc"]), error["type"] not in UNKNOWN


def _describe(path: Path, lines: Lines, model: type[Any], error: Any) -> str:
    place = where(path, lines, error["loc"])
    name = ".".join(str(key) for key in error["loc"] if key not in TAGS)
    if not name:
        return f"{path}: no settings; write `name: value` lines, as in config/sample.yaml"
    if error["type"] in UNKNOWN:
        *above, key = error["loc"]
        return f"{place}: unknown setting '{key}'{nearest(key, known_settings(model, above))}"
    if error["type"] == "missing":
        return f"{place}: the setting '{error['loc'][-1]}' is missing"
    said = error["msg"].removeprefix("Value error, ")
    return f"{place}: {name}: {said[0].lower() + said[1:]}, not {error['input']!r}"


def known_settings(model: Any, keys: Iterable[Any]) -> set[str]:
    """Name the settings that the group under these keys may have."""
    groups = list(_plain(model))
    for key in keys:
        groups = [kind for group in groups for kind in _below(group, key)]
    fields = [getattr(group, "__pydantic_fields__", {}) for group in groups]
    names = [field.alias or name for each in fields for name, field in each.items()]
    return {WRITTEN.get(name, name) for name in names} - {""}


def _below(group: Any, key: Any) -> Iterator[Any]:
    """Yield the types that a key of this group may have; a tag of pydantic's says which group."""
    fields = getattr(group, "__pydantic_fields__", None)
    if key in TAGS:
        yield from [group] if (key == "discovered") == (fields is not None) else []
    elif fields is not None:
        named = {field.alias or name: field for name, field in fields.items()}
        yield from _plain(named[key].annotation) if key in named else [group]
    else:  # dict[str, below], tuple[below, ...]
        yield from _plain([a for a in get_args(group) if a is not Ellipsis][-1])


def _plain(kind: Any) -> Iterator[Any]:
    """Yield the types of a union, without what they are annotated with."""
    if get_origin(kind) is Annotated:
        yield from _plain(get_args(kind)[0])
    elif get_origin(kind) in (Union, UnionType):
        for each in get_args(kind):
            yield from _plain(each)
    else:
        yield kind


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest what a misspelt name may have meant: `; did you mean 'x'?`, else what is known."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    if not known:
        return "; there are none"
    return f"; known are {', '.join(known[:20])}" + (", ..." if len(known) > 20 else "")


def _check_names(settings: Settings) -> None:
    """Names that must be known, and mean one thing: our columns, regions, the time zone."""
    business = settings.business
    named = business.regions if isinstance(business.regions, dict) else {}
    wrong = [
        problem
        for table, (setting, sources) in business.sources.by_table().items()
        for i, source in enumerate(sources)
        for problem in _check_source(settings, table, source, ("sources", setting, str(i)), named)
    ]
    wrong += _ambiguous(settings, named)
    zones = zoneinfo.available_timezones()
    if business.timezone not in zones:
        place = settings.where(settings.path, "timezone")
        hint = nearest(business.timezone, zones)
        wrong.append(f"{place}: no time zone '{business.timezone}'{hint}")
    if wrong:
        raise ConfigError("\n".join(dict.fromkeys(wrong)))


def _ambiguous(settings: Settings, named: Mapping[str, Region]) -> Iterator[str]:
    """Find raw words that two regions claim."""
    meant: dict[str, str] = {}
    for key, region in named.items():
        for word in dict.fromkeys((*region.match, key, region.en, region.zh)):
            if word in meant:
                place = settings.where(settings.path, "regions", key)
                yield f"{place}: '{word}' already means the region {meant[word]}; keep one"
            meant.setdefault(word, key)


def _check_source(
    settings: Settings, table: str, source: Source, at: tuple[str, ...], named: Iterable[str]
) -> Iterator[str]:
    known = TABLES[table].columns
    for key in source.columns:
        added = TABLES[table].others and re.fullmatch("[a-z][a-z0-9_]*", key)
        if key not in known and not added:
            place = settings.where(settings.path, *at, "columns", key)
            yield f"{place}: {table} have no column '{key}'{nearest(key, known)}"
    for key in source.formats:
        if key not in source.columns:
            place = settings.where(settings.path, *at, "formats", key)
            yield f"{place}: no column '{key}' is mapped{nearest(key, source.columns)}"
    required = {name for name, column in known.items() if not column.optional}
    if {"quantity", "unit_price"} <= set(source.columns):
        required -= {"amount"}
    for name in sorted(required - set(source.columns)):
        instead = " (or quantity and unit_price)" if name == "amount" else ""
        yield f"{settings.where(settings.path, *at, 'columns')}: {name}{instead} is not mapped"
    if source.region and source.region not in named:
        place = settings.where(settings.path, *at, "region")
        yield f"{place}: no region '{source.region}'{nearest(source.region, named)}"
