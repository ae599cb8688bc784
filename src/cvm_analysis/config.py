"""The YAML files as typed settings: shape only (keys, types); meaning is checked by the core.

Paths are relative to the config file; `${NAME}` takes an environment variable and
`${NAME:-text}` falls back to a text. Every message names file and line.
"""

from __future__ import annotations

import datetime as dt
import difflib
import os
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from cvm_analysis.errors import ConfigError
from cvm_analysis.tables import TABLES

Share = Annotated[float, Field(ge=0, le=1)]
RegionKey = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
Range = Annotated[str | int, Field(description="4 or 4-5")]
TAGS = ("named", "discovered", "[key]")  # parts of a place that nobody wrote


class Strict(BaseModel):
    """A group of settings: frozen; an unknown key is an error with the nearest name."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            unknown = [key for key in given if key not in known]
            if unknown:
                raise PydanticCustomError("unknown", "{keys}|{known}", _unknown(unknown, known))
        return given


def _unknown(keys: Iterable[Any], known: Iterable[str]) -> dict[str, Any]:
    return {"keys": [str(key) for key in keys], "known": list(known)}


class Region(Strict):
    """A region: the raw values that mean it, and its name in each language."""

    match: tuple[str, ...] = ()
    en: str
    zh: str


class Names(Strict):
    """A name in each language."""

    en: str
    zh: str


class DiscoveredRegions(Strict):
    """Regions found in a raw column; those with few customers are pooled into one."""

    from_: str = Field(alias="from")
    pool_below: int = Field(0, ge=0)
    pooled: Names = Names(en="Other", zh="其他")


def _kind_of_regions(given: Any) -> str:
    found = isinstance(given, DiscoveredRegions) or (isinstance(given, dict) and "from" in given)
    return "discovered" if found else "named"


Regions = Annotated[
    Annotated[dict[RegionKey, Region], Tag("named")]
    | Annotated[DiscoveredRegions, Tag("discovered")],
    Discriminator(_kind_of_regions),
]


class Source(Strict):
    """One kind of raw file: where it lies and which of its columns is which of ours."""

    files: str
    region: RegionKey | None = None
    encoding: str | None = None
    delimiter: Literal["comma", "semicolon", "tab", "spaces"] | None = None
    columns: dict[str, str]
    formats: dict[str, str] = {}  # strptime patterns of dates that are not ISO


class Sources(Strict):
    """The raw tables."""

    transactions: tuple[Source, ...] = Field(min_length=1)
    customers: tuple[Source, ...] = ()
    feedback: tuple[Source, ...] = ()
    contracts: tuple[Source, ...] = ()
    indicators: tuple[Source, ...] = ()

    def by_table(self) -> dict[str, tuple[str, tuple[Source, ...]]]:
        """Name each raw table: our table -> its setting and its files' descriptions."""
        named = {"customers_raw" if k == "customers" else k: k for k in type(self).model_fields}
        return {table: (setting, getattr(self, setting)) for table, setting in named.items()}


class Rules(Strict):
    """What happens to odd rows, and which share of bad rows stops everything."""

    duplicates: Literal["keep", "quarantine"] = "keep"
    returns: Literal["net"] = "net"
    stop_above: dict[str, Share] = {"default": 0.02}


class Value(Strict):
    """How future value is counted."""

    horizon_weeks: int = Field(52, gt=0)  # how far ahead
    annual_discount_rate: float = Field(0.10, ge=0)  # 0.10 is ten percent a year
    margin: float = Field(1.0, gt=0, le=1)  # share of spend, where no cost is known
    holdout_weeks: int = Field(26, gt=0)  # how much of the past a forecast is tried on


class Churn(Strict):
    """What counts as silence."""

    silence_days: Annotated[int, Field(gt=0)] | Literal["auto"] = "auto"  # from when one has lapsed
    horizon_days: int = Field(180, gt=0)  # churn_risk: no purchase within so many days


class Rfm(Strict):
    """RFM scores and the names of their combinations."""

    bins: int = Field(5, ge=2, le=10)
    cut_points: Literal["company", "region"] = "company"
    segments: dict[str, dict[Literal["r", "f", "m"], Range]]


class Levels(Strict):
    """High, mid, low: at least this much, or `auto` for the best 20 and 50 percent."""

    high: float | Literal["auto"] = "auto"
    mid: float | Literal["auto"] = "auto"


class LifeCycle(Strict):
    """Life-cycle classes, judged against each customer's own rhythm between purchases."""

    new_days: int = Field(90, gt=0)  # first purchase within so many days
    growing_weeks: float = Field(52, gt=0)  # customer for less than this, and buying again
    declining_gaps: float = Field(2, gt=0)  # silent longer than so many usual gaps
    lost_gaps: float = Field(4, gt=0)  # silent longer than so many usual gaps


class Segments(Strict):
    """The content of segments.yaml."""

    rfm: Rfm
    frequency: Levels = Levels()
    amount: Levels = Levels()
    life_cycle: LifeCycle = LifeCycle()


class Trigger(Strict):
    """The figure of a segment that calls for an action."""

    column: str
    at_least: float | None = None
    at_most: float | None = None


class Action(Strict):
    """One action: what it costs a customer and how much value it is assumed to add."""

    segments: tuple[str, ...] = Field(min_length=1)
    when: Trigger
    cost_per_customer: float = Field(ge=0)
    effect: tuple[float, float, float]  # share of the value within the horizon: low, mid, high
    evidence: Literal["assumed", "measured"] = "assumed"


class Strategies(Strict):
    """The content of strategies.yaml."""

    min_group: int = Field(5, ge=1)
    actions: dict[str, Action]


class Business(Strict):
    """The content of a config file."""

    business: str
    currency: str = Field(pattern="^[A-Z]{3}$")
    timezone: str = "UTC"
    pseudonyms: bool = True
    extracted_on: dt.date | None = None
    prepared: str | None = None
    regions: Regions
    sources: Sources
    rules: Rules = Rules()
    segments: str = "segments.yaml"
    strategies: str = "strategies.yaml"
    value: Value = Value()
    churn: Churn = Churn()


@dataclass(frozen=True)
class Settings:
    """All settings of a business, and where each was written."""

    path: Path
    business: Business
    segments: Segments
    strategies: Strategies
    lines: Mapping[Path, Mapping[tuple[str, ...], int]]

    @property
    def value(self) -> Value:
        """How future value is counted."""
        return self.business.value

    @property
    def churn(self) -> Churn:
        """What counts as silence."""
        return self.business.churn

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
        return _where(file, self.lines[file], keys)


def load(path: str | Path) -> Settings:
    """Read a config and the rule files it names; ConfigError says everything wrong at once."""
    path = Path(path)
    lines: dict[Path, dict[tuple[str, ...], int]] = {}
    business = _read(path, Business, lines)
    parts = {
        name: _read(Path(os.path.normpath(path.parent / getattr(business, name))), model, lines)
        for name, model in (("segments", Segments), ("strategies", Strategies))
    }
    settings = Settings(path=path, business=business, lines=lines, **parts)
    _check_names(settings)
    return settings


class _Loader(yaml.SafeLoader):
    """YAML whose dates stay text, so that an impossible one is an error with a line."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _read(path: Path, model: type[Any], lines: dict[Path, dict[tuple[str, ...], int]]) -> Any:
    content, lines[path] = _parse(path)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        said = [line for each in error.errors() for line in _describe(path, lines[path], each)]
        raise ConfigError("\n".join(dict.fromkeys(said))) from None


def _parse(path: Path) -> tuple[Any, dict[tuple[str, ...], int]]:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    lines: dict[tuple[str, ...], int] = {}
    try:
        text = path.read_text("utf-8")
        root = yaml.compose(text, Loader=_Loader)
        content = yaml.load(text, Loader=_Loader)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start:,}); save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{place}: not YAML: {getattr(error, 'problem', error)}") from None
    _note_lines(path, root, (), lines)
    return _with_environment(path, content, (), lines), lines


def _note_lines(path: Path, node: Any, at: tuple[str, ...], lines: dict[Any, int]) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*at, str(key.value))
            if here in lines:
                raise ConfigError(
                    f"{path} line {key.start_mark.line + 1}: '{key.value}' is already set on "
                    f"line {lines[here]}; keep one"
                )
            lines[here] = key.start_mark.line + 1
            _note_lines(path, value, here, lines)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            lines[*at, str(i)] = value.start_mark.line + 1
            _note_lines(path, value, (*at, str(i)), lines)


def _with_environment(path: Path, value: Any, at: tuple[str, ...], lines: dict[Any, int]) -> Any:
    if isinstance(value, dict):
        return {k: _with_environment(path, v, (*at, str(k)), lines) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_environment(path, v, (*at, str(i)), lines) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replace(found: re.Match[str]) -> str:
        text = os.environ.get(found["name"]) or found["fallback"]
        if text is None:
            raise ConfigError(
                f"{_where(path, lines, at)}: the environment variable {found['name']} is not set; "
                f"set it, or write ${{{found['name']}:-a fallback}}"
            )
        return text

    return re.sub(r"\$\{(?P<name>\w+)(:-(?P<fallback>[^}]*))?\}", replace, value)


def _where(path: Path, lines: Mapping[tuple[str, ...], int], keys: Iterable[Any]) -> str:
    """Give the line of the deepest of `keys` that was written; others (tags) are passed over."""
    at: tuple[str, ...] = ()
    for key in keys:
        if (*at, str(key)) in lines:
            at = (*at, str(key))
    return f"{path} line {lines[at]}" if at else str(path)


def _describe(path: Path, lines: Mapping[tuple[str, ...], int], error: Any) -> list[str]:
    if error["type"] == "unknown":
        return [
            f"{_where(path, lines, (*error['loc'], key))}: unknown setting '{key}'"
            + nearest(key, error["ctx"]["known"])
            for key in error["ctx"]["keys"]
        ]
    place = _where(path, lines, error["loc"])
    name = ".".join(str(key) for key in error["loc"] if key not in TAGS)
    if not name:
        return [f"{path}: no settings; write `name: value` lines, as in config/sample.yaml"]
    if error["type"] == "missing":
        return [f"{place}: the setting '{error['loc'][-1]}' is missing"]
    said = error["msg"][0].lower() + error["msg"][1:]
    return [f"{place}: {name}: {said}, not {error['input']!r}"]


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
