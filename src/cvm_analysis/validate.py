"""Checks before a run: the meaning of config and rule files, and the headers of raw files.

`settings` checks keys and types. Here the core's own checks see the values, and their messages get
file and line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cvm_analysis import engine, prepared, prepared_copy, texts
from cvm_analysis.errors import ConfigError, CvmError, InputError, find_nearest, nearest
from cvm_analysis.experience.leads import KNOWN_ON
from cvm_analysis.intake import currencies, raw_files, status, table_rules
from cvm_analysis.performance import alert_rules
from cvm_analysis.segments import loyalty
from cvm_analysis.segments.clusters import measures
from cvm_analysis.segments.grades import scorecard
from cvm_analysis.segments.grades.scorecard import Indicator
from cvm_analysis.settings import (
    CustomerSource,
    DiscoveredRegions,
    Place,
    Settings,
    Source,
    action_checks,
    load,
    wording,
)
from cvm_analysis.sources import layout, read
from cvm_analysis.strategy import plan
from cvm_analysis.tables import IMPORTED, MEASURES, SATISFACTION, TABLES

MISSPELT = 0.85  # as similar as an own column's name must be to one of ours for a warning


def check(config: str | Path) -> Settings:
    """Load and check a config and the headers of its raw files; ConfigError lists all errors."""
    settings = load(config)
    _refuse(*_find_wrong(settings), *_unusable_files(settings), *_unusable_rates(settings))
    return settings


def check_without_files(config: str | Path) -> Settings:
    """As `check` on a machine that has prepared tables, and need not have the raw files."""
    settings = load(config)
    _refuse(*_find_wrong(settings))
    return settings


def _refuse(*problems: str) -> None:
    if problems:
        raise ConfigError("\n".join(problems))


def _find_wrong(settings: Settings) -> list[str]:
    """Find what is wrong with config, rule files and what is installed."""
    return [
        *_wrong_rfm(settings),
        *_wrong_loyalty(settings),
        *_unknown_measures(settings),
        *_unknown_covariates(settings),
        *_wrong_actions(settings),
        *_wrong_plan(settings),
        *_wrong_alerts(settings),
        *_wrong_scorecards(settings),
        *_unknown_rules(settings),
        *_unknown_gates(settings),
        *_unknown_words(settings),
        *_missing_engine(settings),
        *_missing_packages(settings),
    ]


def check_prepared(settings: Settings) -> None:
    """Check settings that name what is found in the data; ConfigError if the tables lack it."""
    check_imported(settings)
    check_dimensions(settings)
    check_covariates(settings)
    check_service(settings)


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


def _wrong_rfm(settings: Settings) -> Iterator[str]:
    """Segment rules with gaps or overlaps, cut points that do not fit the bins."""
    file = settings.resolve(settings.business.segments)
    for keys, problem in settings.segments.rfm.find_problems():
        yield f"{settings.where(file, 'rfm', *keys)}: rfm.{keys[0]}: {problem}"


def _wrong_loyalty(settings: Settings) -> Iterator[str]:
    """Weights of the loyalty index that cannot be used, of all types or of one."""
    file, rules = settings.resolve(settings.business.segments), settings.segments.loyalty
    for keys, weights in rules.written.items():
        try:
            loyalty.card(weights)
        except CvmError as error:
            yield f"{settings.where(file, 'loyalty', *keys)}: {error}"


def _wrong_actions(settings: Settings) -> Iterator[str]:
    """Actions with unknown columns, codes or owners, or that nobody can trigger; wrong limits."""
    file = settings.resolve(settings.business.strategies)
    for keys, problem in action_checks.find_problems(settings):
        yield f"{settings.where(file, *keys)}: {problem}"


def _wrong_plan(settings: Settings) -> Iterator[str]:
    """Lines of the plan with an unknown action, owner or region, or that stand twice."""
    if settings.plan is None:
        return
    strategies, regions = settings.strategies, action_checks.codes(settings).get("region", set())
    known = {action.code for action in strategies.actions}, set(strategies.owners), regions
    for keys, problem in plan.find_problems(settings.plan, *known):
        yield f"{settings.where(_plan_file(settings), *keys)}: {problem}"


def _wrong_alerts(settings: Settings) -> Iterator[str]:
    """Rules of alerts with an unknown figure, without a limit or with several."""
    for keys, problem in alert_rules.find_problems(settings.business.alerts):
        place = settings.where(settings.path, "alerts", *keys)
        yield f"{place}: alerts.{keys[0]}: {problem}"


def _differing_budget(settings: Settings) -> Iterator[str]:
    """The plan's budget, if it is not the sum of its lines."""
    if settings.plan and (text := plan.find_difference(settings.plan)):
        yield f"{settings.where(_plan_file(settings), 'budget')}: {text}"


def _plan_file(settings: Settings) -> Path:
    return settings.resolve(settings.business.plan or "")


def _resting_actions(settings: Settings) -> Iterator[str]:
    """Actions that wait for a column that the program knows and this business lacks."""
    file = settings.resolve(settings.business.strategies)
    for keys, text in action_checks.describe_resting(settings):
        yield f"{settings.where(file, *keys)}: {text}"


def _unknown_measures(settings: Settings) -> Iterator[str]:
    """Measures and attributes of clusters that no table has."""
    file, clusters = settings.resolve(settings.business.segments), settings.segments.clusters
    columns, shares = [*_columns(settings), *measures.DERIVED], TABLES["transactions"].columns
    known = {"measures": columns, "attributes": columns, "shares_of": shares}
    for setting, names in known.items():
        for i, name in enumerate(getattr(clusters, setting)):
            if name not in names and not name.startswith(IMPORTED):
                place = settings.where(file, "clusters", setting, str(i))
                yield f"{place}: no column '{name}'{nearest(name, names)}"


def _unknown_covariates(settings: Settings) -> Iterator[str]:
    """Covariates that are no attribute of customers: a text that is mapped, or first_channel."""
    sources = settings.business.sources
    mapped = {name for source in sources.customers for name in source.columns}
    known = TABLES["customers_raw"].columns
    names = {name for name in mapped if name not in known or known[name].kind == "text"}
    names -= {"customer_id"}
    if any("channel" in source.columns for source in sources.transactions):
        names.add("first_channel")
    for i, name in enumerate(settings.value.covariates):
        if name not in names:
            place = settings.where(settings.path, "value", "covariates", str(i))
            yield f"{place}: no attribute of customers '{name}'{nearest(name, names)}"


def check_covariates(settings: Settings) -> None:
    """Raise ConfigError if a covariate has too many values in the prepared tables."""
    place = settings.where(settings.path, "value", "covariates")
    if settings.value.covariates:
        counts = prepared.count_values(settings, settings.value.covariates)
        if crowded := measures.find_crowded(counts):
            raise ConfigError("\n".join(f"{place}: value.covariates: {each}" for each in crowded))


def _wrong_scorecards(settings: Settings) -> Iterator[str]:
    """Wrong weights, bands and grades of scorecards, and columns that do not exist."""
    file = settings.resolve(settings.business.scorecards)
    known = {*_columns(settings), *MEASURES, *settings.measures} - {SATISFACTION}
    every = [
        (("scorecards", kind), cards, known)
        for kind, cards in settings.scorecards.scorecards.items()
    ]
    for at, cards, columns in [*every, (("leads",), settings.scorecards.leads, set(KNOWN_ON))]:
        found = scorecard.find_version_problems(cards)
        for number, card in enumerate(cards):
            wrong = scorecard.find_problems(card, columns)
            found += [((str(number), *keys), problem) for keys, problem in wrong]
        for (i, *keys), problem in found:
            grades = "quota" if cards[int(i)].by_quota else "grades"
            written = [grades if key == "grades" else key for key in keys]
            place = settings.where(file, *at, i, *written)
            yield f"{place}: {'.'.join((at[-1], *written))}: {problem}"


def _columns(settings: Settings) -> list[str]:
    """Columns that rules may use: of customers, added ones, imported indicators in scorecards."""
    added = {name for source in settings.business.sources.customers for name in source.columns}
    imported = {
        f"{IMPORTED}{name}"
        for cards in settings.scorecards.scorecards.values()
        for card in cards
        for each in card.indicators
        for name in _imported(each)
    }
    own = (*TABLES["customers"].columns, "loyalty_index")
    return sorted({*own, *added, *imported})


def _imported(indicator: Indicator) -> Iterator[str]:
    """Names of the imported indicators that an indicator uses."""
    for column in indicator.columns:
        if column.startswith(IMPORTED):
            yield column.removeprefix(IMPORTED)


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
                for name in _imported(each):
                    yield settings.where(file, *at), name, kind
    file = settings.resolve(settings.business.segments)
    for i, column in enumerate(settings.segments.clusters.measures):
        if column.startswith(IMPORTED):
            place = settings.where(file, "clusters", "measures", str(i))
            yield place, column.removeprefix(IMPORTED), ""


def _unknown_rules(settings: Settings) -> list[str]:
    own = (rule.name for rule in settings.business.rules.columns if rule.level == "quarantine")
    known = {"default", *table_rules.gates(), *own}
    return [
        f"{settings.where(settings.path, 'rules', 'stop_above', name)}: no rule '{name}'"
        + nearest(name, known)
        for name in settings.business.rules.stop_above
        if name not in known
    ]


def _unknown_gates(settings: Settings) -> list[str]:
    """Columns under `gates.nulls` that no file has."""
    sources = settings.business.sources.by_table()
    named = {(t, name) for t, some in sources.values() for s in some for name in s.columns}
    return [
        f"{settings.where(settings.path, 'gates', 'nulls', table, name)}: no file has "
        f"{table}.{name}{nearest(f'{table}.{name}', (f'{t}.{n}' for t, n in named))}"
        for table, columns in settings.business.gates.nulls.items()
        for name in columns
        if (table, name) not in named
    ]


def _unknown_words(settings: Settings) -> list[str]:
    """Blocks of words for neither a section of the texts nor a column."""
    tables = ("transactions", "feedback", "leads", "mentions", "contact_log")
    columns = [name for table in tables for name in TABLES[table].columns]
    known = {*texts.REPLACED, *columns, *_columns(settings)}
    return [
        f"{settings.where(file, 'words', name)}: no section or column '{name}'"
        + nearest(name, known)
        for file, block in wording.blocks(settings).items()
        for name in block
        if name not in known
    ]


def _unusable_files(settings: Settings) -> Iterator[str]:
    """Files that are missing, cannot be read, or lack a header that the config maps."""
    for setting, sources in settings.business.sources.by_table().values():
        for i, source in enumerate(sources):
            at = ("sources", setting, str(i))
            places: list[tuple[tuple[str, ...], Place]] = [(at, source)]
            places += [((*at, "join", str(k)), join) for k, join in enumerate(source.join)]
            missing = [
                f"{settings.where(settings.path, *keys, 'files')}: no file {path}; "
                "add it or correct the path"
                for keys, place in places
                for path in (settings.find_files(place.files) if place.files else ())
                if not path.is_file()
            ]
            yield from missing
            if not missing and all(place.files for _, place in places):
                for path in settings.find_files(source.files):
                    yield from _unusable_headers(settings, source, at, path)


def _unusable_rates(settings: Settings) -> Iterator[str]:
    """A file of exchange rates that is missing or cannot be read."""
    try:
        if settings.business.rates:
            currencies.read_rates(settings.resolve(settings.business.rates))
    except ConfigError as error:
        yield f"{settings.where(settings.path, 'rates')}: {error}"


def _missing_engine(settings: Settings) -> Iterator[str]:
    """A Spark whose packages or Java are not installed."""
    try:
        engine.check(settings.business.engine)
    except InputError as error:
        yield f"{settings.where(settings.path, 'engine')}: {error}"


def _missing_packages(settings: Settings) -> Iterator[str]:
    """A URL for the prepared tables whose packages are not installed."""
    try:
        if url := settings.business.prepared_url:
            prepared_copy.check(url)
    except InputError as error:
        yield f"{settings.where(settings.path, 'prepared_url')}: {error}"


def _unusable_headers(
    settings: Settings, source: Source, at: tuple[str, ...], path: Path
) -> Iterator[str]:
    try:
        headers = raw_files.headers(settings, source, path)
    except InputError as error:
        yield f"{settings.where(settings.path, *at, 'files')}: {error}"
        return
    mapped = [((*at, "columns", ours), theirs) for ours, theirs in source.columns.items()]
    if isinstance(source, CustomerSource):
        mapped += [((*at, "mask"), theirs) for theirs in source.mask]
        mapped += [((*at, "identifiers", k), theirs) for k, theirs in source.identifiers.items()]
    mapped += [((*at, key), theirs) for key, theirs in status.deciding(source)]
    regions = settings.business.regions
    main = settings.business.sources.main_table
    if isinstance(regions, DiscoveredRegions) and at[1] == main:
        mapped.append((("regions", "from"), regions.from_))
    for keys, theirs in mapped:
        if theirs not in headers:
            place = settings.where(settings.path, *keys)
            hint = f"; {layout.describe_header(headers)}"
            hint = hint if layout.is_data(headers) else nearest(theirs, headers)
            yield f"{place}: {path} has no column '{theirs}'{hint}"
    repeated = read.find_repeated(headers, {str(i): theirs for i, (_, theirs) in enumerate(mapped)})
    for i, said in repeated.items():
        yield f"{settings.where(settings.path, *mapped[int(i)][0])}: {path}: {said}"
