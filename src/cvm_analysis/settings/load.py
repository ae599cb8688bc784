"""Read a config and its rule files; one message lists all errors with file and line."""

from __future__ import annotations

import os
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from cvm_analysis.churn.lapse import Churn
from cvm_analysis.clv.value import Value
from cvm_analysis.errors import ConfigError, nearest
from cvm_analysis.segments import class_table, loyalty
from cvm_analysis.segments.clusters import measures
from cvm_analysis.settings import column_rules, contract_sources, row_checks, source_checks, wording
from cvm_analysis.settings.lines import Lines, line, parse, where
from cvm_analysis.settings.rule_files import Scorecards, Segments, Strategies
from cvm_analysis.settings.shape import (
    TAGS,
    Business,
    ContractSource,
    CustomerSource,
    Region,
    Source,
)
from cvm_analysis.strategy import conditions
from cvm_analysis.strategy.plan import ActionPlan
from cvm_analysis.tables import ALL, TABLES, is_measure

UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")  # of pydantic, for a wrong name
YAML_NAMES = {"code": "", "customer_type": "", "by_quota": "quota"}  # other than the field's
COMPUTED = {  # of each customer, from transactions; no attribute may have such a name
    *TABLES["customers"].columns,
    *class_table.BY_PERIOD.values(),
    *loyalty.COLUMNS.values(),
    *measures.DERIVED,
    "loyalty_index",
}
LOCAL = ("sqlite", "duckdb")  # databases that are files
NOT_WRITTEN = (*TAGS, *conditions.TAGS)  # parts of an error's place that are not in the file
RULE_FILES: dict[str, type[Any]] = {
    "segments": Segments,
    "scorecards": Scorecards,
    "strategies": Strategies,
    "plan": ActionPlan,  # if the config names one
}


@dataclass(frozen=True)
class Settings:
    """All settings of a business, and the line of each in its file."""

    path: Path
    business: Business
    segments: Segments
    scorecards: Scorecards
    strategies: Strategies
    lines: Mapping[Path, Lines]
    plan: ActionPlan | None = None
    pinned: Path | None = None  # the prepared tables of this run, whatever is prepared meanwhile

    @property
    def value(self) -> Value:
        """How future value is counted."""
        return self.business.value

    @property
    def churn(self) -> Churn:
        """When a customer counts as lapsed."""
        return self.business.churn

    @property
    def measures(self) -> frozenset[str]:
        """Measures of the experience that scorecards and the loyalty index use."""
        cards = [card for cards in self.scorecards.scorecards.values() for card in cards]
        used = {name for card in cards for each in card.indicators for name in each.columns}
        used |= {code for weights in self.segments.loyalty.written.values() for code in weights}
        return frozenset(filter(is_measure, used))

    @property
    def words(self) -> wording.OwnWords:
        """The business's names for its own codes, for `texts.words`."""
        return wording.collect(self)

    @property
    def prepared(self) -> Path:
        """The folder of the prepared tables."""
        place = self.business.prepared or f"../data/prepared/{self.path.stem}"
        return self.pinned or self.resolve(place)

    @property
    def ledger(self) -> Path:
        """The folder of what earlier reports recommended."""
        return self.resolve(self.business.ledger or f"../data/ledger/{self.path.stem}")

    @property
    def exports(self) -> Path:
        """The folder of exports to CRMs."""
        return self.resolve(self.business.exports or f"../data/exports/{self.path.stem}")

    @property
    def files(self) -> list[Path]:
        """The config and the rule files it names."""
        return list(self.lines)

    def resolve(self, path: str) -> Path:
        """Resolve a path relative to the config file."""
        return Path(os.path.normpath(self.path.parent / path))

    def resolve_url(self, url: str) -> str:
        """Resolve the path of a database that is a file; the URL of a server stays as it is."""
        scheme, _, path = url.partition(":///")
        return f"{scheme}:///{self.resolve(path)}" if path and scheme in LOCAL else url

    @property
    def raw_folders(self) -> list[Path]:
        """The folders of the raw files."""
        tables = self.business.sources.by_table().values()
        every = [place for _, sources in tables for s in sources for place in (s, *s.join)]
        return sorted({self.resolve(place.files).parent for place in every if place.files})

    def find_files(self, files: str) -> list[Path]:
        """List the files that match a source's pattern; the pattern itself if there are none."""
        path = self.resolve(files)
        matching = sorted(path.parent.glob(path.name)) if "*" in path.name else [path]
        return matching or [path]

    def where(self, file: Path, *keys: str) -> str:
        """Place of a setting: `config/mine.yaml line 14`."""
        return where(file, self.lines[file], keys)


def load(path: str | Path) -> Settings:
    """Read a config and the rule files it names; ConfigError lists all errors."""
    path = Path(path)
    lines: dict[Path, dict[tuple[str, ...], int]] = {}
    business = read(path, Business, lines)
    parts = {
        name: read(Path(os.path.normpath(path.parent / getattr(business, name))), model, lines)
        for name, model in RULE_FILES.items()
        if getattr(business, name)
    }
    settings = Settings(path=path, business=business, lines=lines, **parts)
    _check_names(settings)
    return settings


def read(path: Path, model: type[Any], lines: dict[Path, dict[tuple[str, ...], int]]) -> Any:
    """Read a file into its settings, and note their lines; ConfigError lists all errors."""
    content, lines[path] = parse(path)
    try:
        return TypeAdapter(model).validate_python(content)
    except ValidationError as error:
        errors = sorted(_reportable(error.errors()), key=lambda each: _order(lines[path], each))
        messages = [_describe(path, lines[path], model, each) for each in errors]
        raise ConfigError("\n".join(dict.fromkeys(messages))) from None


def _reportable(errors: Any) -> list[Any]:
    """Omit that a list is too short if its items are wrong."""
    places = [error["loc"] for error in errors]
    above = {place[:n] for place in places for n in range(len(place))}
    return [each for each in errors if each["type"] != "too_short" or each["loc"] not in above]


def _order(lines: Lines, error: Any) -> tuple[int, bool]:
    """Sort by line; a misspelt setting comes before the missing one it stands for."""
    return line(lines, error["loc"]), error["type"] not in UNKNOWN


def _describe(path: Path, lines: Lines, model: type[Any], error: Any) -> str:
    place = where(path, lines, error["loc"])
    name = ".".join(str(key) for key in error["loc"] if key not in NOT_WRITTEN)
    if not name:
        return f"{path}: no settings; write `name: value` lines, as in config/sample.yaml"
    if error["type"] in UNKNOWN:
        *above, key = error["loc"]
        return f"{place}: unknown setting '{key}'{nearest(key, _known_settings(model, above))}"
    if error["type"] == "missing":
        return f"{place}: the setting '{error['loc'][-1]}' is missing"
    return f"{place}: {name}: {_complain(error)}"


def _complain(error: Any) -> str:
    """Say what is wrong with a value, and what to write."""
    given, above = error["input"], [str(key) for key in error["loc"][-2:-1]]
    if given is None and above == ["columns"]:
        return f"no header; write that of the file, as in `{error['loc'][-1]}: Header`"
    if given is None:
        return "empty; write a value, or delete the line"
    if error["type"] == "string_type" and isinstance(given, bool | int | float):
        written = "Yes, No, True, False, On and Off" if isinstance(given, bool) else given
        return f"write {written} in quotes"
    text = error["msg"].removeprefix("Value error, ")
    return f"{text[0].lower() + text[1:]}, not {given!r}"


def _known_settings(model: Any, keys: Iterable[Any]) -> set[str]:
    """Names of the settings in the group under these keys; keys of mappings are skipped."""
    groups = [model]
    for key in keys:
        tagged = [group for group in groups if group.__name__ == key]
        below = [
            inner
            for group in groups
            for name, field in group.__pydantic_fields__.items()
            if key == (field.alias or name)
            for inner in _groups(field.annotation)
        ]
        groups = tagged or below or groups
    fields = [each for group in groups for each in group.__pydantic_fields__.items()]
    return {YAML_NAMES.get(name, field.alias or name) for name, field in fields} - {""}


def _groups(kind: Any) -> list[Any]:
    """Find the classes of settings in an annotation: within unions, tuples and mappings."""
    if hasattr(kind, "__pydantic_fields__"):
        return [kind]
    return [group for inner in get_args(kind) for group in _groups(inner)]


def _check_names(settings: Settings) -> None:
    """Check that columns, regions and the time zone exist and are unambiguous."""
    business = settings.business
    named = business.regions if isinstance(business.regions, dict) else {}
    wrong = [
        problem
        for table, (setting, sources) in business.sources.by_table().items()
        for i, source in enumerate(sources)
        for problem in _check_source(settings, table, source, ("sources", setting, str(i)), named)
    ]
    wrong += _ambiguous(settings, named)
    wrong += _wrong_column_rules(settings)
    wrong += _unknown_identifiers(settings)
    wrong += _unmapped_service(settings)
    if not business.sources.transactions and not business.sources.contracts:
        place = settings.where(settings.path, "sources")
        wrong.append(f"{place}: the setting 'transactions' (or 'contracts') is missing")
    zones = zoneinfo.available_timezones()
    if business.timezone not in zones:
        place = settings.where(settings.path, "timezone")
        hint = nearest(business.timezone, zones)
        wrong.append(f"{place}: no time zone '{business.timezone}'{hint}")
    if wrong:
        raise ConfigError("\n".join(dict.fromkeys(wrong)))


def _ambiguous(settings: Settings, named: Mapping[str, Region]) -> Iterator[str]:
    """Find raw values that two regions match, and a region called as the company."""
    meant: dict[str, str] = {}
    if ALL in named:
        place = settings.where(settings.path, "regions", ALL)
        yield f"{place}: '{ALL}' is the whole company; give the region another key"
    for key, region in named.items():
        for word in dict.fromkeys((*region.match, key, region.en, region.zh)):
            if word in meant:
                place = settings.where(settings.path, "regions", key)
                yield f"{place}: '{word}' already stands for region {meant[word]}; keep one"
            meant.setdefault(word, key)


def _wrong_column_rules(settings: Settings) -> Iterator[str]:
    """Find rules of columns that no file has, or that cannot be applied to them."""
    business = settings.business
    for keys, problem in column_rules.find_problems(business.rules.columns, business.sources):
        yield f"{settings.where(settings.path, 'rules', 'columns', *keys)}: {problem}"


def _unknown_identifiers(settings: Settings) -> Iterator[str]:
    """Find what rules of identity compare and no file of customers has."""
    customers = settings.business.sources.customers
    known = {name for source in customers for name in (*source.columns, *source.identifiers)}
    for i, rule in enumerate(settings.business.identity):
        for name in (name for name in rule if name not in known):
            place = settings.where(settings.path, "identity", str(i))
            cure = nearest(name, known, "name its column under identifiers of sources.customers")
            yield f"{place}: '{name}' is in no file of customers{cure}"


def _unmapped_service(settings: Settings) -> Iterator[str]:
    """Find columns under `service` that no order lines have."""
    known = {name for each in settings.business.sources.transactions for name in each.columns}
    for column in settings.business.service:
        if column not in known:
            place = settings.where(settings.path, "service", column)
            cure = "name its header under columns of sources.transactions"
            yield f"{place}: no order lines have '{column}'; {cure}"


def _check_source(
    settings: Settings, table: str, source: Source, at: tuple[str, ...], named: Iterable[str]
) -> Iterator[str]:
    place = partial(settings.where, settings.path, *at)
    known = TABLES[table].columns
    for keys, problem in row_checks.find_problems(source, table):
        yield f"{place(*keys)}: {problem}"
    for key in source.columns:
        added = TABLES[table].others and re.fullmatch("[a-z][a-z0-9_]*", key)
        if key not in known and not added:
            yield f"{place('columns', key)}: {table} has no column '{key}'{nearest(key, known)}"
        elif key not in known and table == "customers_raw" and key in COMPUTED:
            yield f"{place('columns', key)}: '{key}' is computed from transactions; rename yours"
    for name in ("formats", "codes"):
        for key in sorted(set(getattr(source, name)) - set(source.columns)):
            hint = nearest(key, source.columns)
            yield f"{place(name, key)}: no column '{key}' is mapped{hint}"
    for key in source.codes:
        if key in known and known[key].kind not in ("text", "yes_no"):
            yield f"{place('codes', key)}: '{key}' has no words; codes stand for words"
    for keys, problem in source_checks.find_problems(source):
        yield f"{place(*keys)}: {problem}"
    required = {name for name, column in known.items() if not column.optional}
    if isinstance(source, ContractSource):
        required -= {"started_on"}
        for keys, problem in contract_sources.find_problems(source, settings.business):
            yield f"{place(*keys)}: {problem}"
    if {"quantity", "unit_price"} <= set(source.columns):
        required -= {"amount"}
    for name in sorted(required - set(source.columns)):
        instead = " (or quantity and unit_price)" if name == "amount" else ""
        yield f"{place('columns')}: {name}{instead} is not mapped"
    hidden = source.mask if isinstance(source, CustomerSource) else ()
    for header in sorted({*hidden} & {*source.columns.values()}):
        yield f"{place('mask')}: '{header}' is also mapped as a column; masked ones are not written"
    if source.region and source.region not in named:
        yield f"{place('region')}: no region '{source.region}'{nearest(source.region, named)}"
