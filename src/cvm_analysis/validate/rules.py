"""The meaning of the config and the rule files: names that exist, weights and limits that fit."""

from __future__ import annotations

from collections.abc import Iterator

from cvm_analysis import texts
from cvm_analysis.errors import CvmError, nearest
from cvm_analysis.experience.leads import KNOWN_ON
from cvm_analysis.intake import table_rules
from cvm_analysis.performance import alert_rules
from cvm_analysis.segments import loyalty
from cvm_analysis.segments.clusters import measures
from cvm_analysis.segments.grades import scorecard
from cvm_analysis.segments.grades.scorecard import Indicator
from cvm_analysis.settings import Settings, action_checks, wording
from cvm_analysis.strategy import plan
from cvm_analysis.tables import IMPORTED, MEASURES, SATISFACTION, TABLES


def find_problems(settings: Settings) -> list[str]:
    """Find what is wrong with the config and the rule files, each with file and line."""
    checks = (
        _wrong_rfm,
        _wrong_loyalty,
        _unknown_measures,
        _unknown_covariates,
        _wrong_actions,
        _wrong_plan,
        _wrong_alerts,
        _wrong_scorecards,
        _unknown_rules,
        _unknown_gates,
        _unknown_words,
    )
    return [problem for check in checks for problem in check(settings)]


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
    file = settings.resolve(settings.business.plan or "")
    for keys, problem in plan.find_problems(settings.plan, *known):
        yield f"{settings.where(file, *keys)}: {problem}"


def _wrong_alerts(settings: Settings) -> Iterator[str]:
    """Rules of alerts with an unknown figure, without a limit or with several."""
    for keys, problem in alert_rules.find_problems(settings.business.alerts):
        place = settings.where(settings.path, "alerts", *keys)
        yield f"{place}: alerts.{keys[0]}: {problem}"


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


def _columns(settings: Settings) -> list[str]:
    """Columns that rules may use: of customers, added ones, imported indicators in scorecards."""
    added = {name for source in settings.business.sources.customers for name in source.columns}
    imported = {
        f"{IMPORTED}{name}"
        for cards in settings.scorecards.scorecards.values()
        for card in cards
        for each in card.indicators
        for name in imported_names(each)
    }
    own = (*TABLES["customers"].columns, "loyalty_index")
    return sorted({*own, *added, *imported})


def imported_names(indicator: Indicator) -> Iterator[str]:
    """Names of the imported indicators that an indicator uses."""
    for column in indicator.columns:
        if column.startswith(IMPORTED):
            yield column.removeprefix(IMPORTED)
