"""What strategies.yaml must say: columns, codes, owners and regions that exist.

The meaning is checked by `strategy`; here the settings give it the columns and codes there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from cvm_analysis.segments import report_segment, rfm
from cvm_analysis.segments.classes import ORDERS
from cvm_analysis.segments.grades.scorecard import NOT_GRADED
from cvm_analysis.settings.shape import DiscoveredRegions
from cvm_analysis.strategy import catalogue, conditions, facts, service
from cvm_analysis.strategy.catalogue import Action
from cvm_analysis.strategy.conditions import Condition
from cvm_analysis.tables import TABLES

if TYPE_CHECKING:
    from cvm_analysis.settings.load import Settings

Problem = tuple[tuple[str, ...], str]  # the setting within strategies.yaml, and what is wrong
TYPES = ("retail", "project", "dealer")
_SERVICE = "service"  # what the config says, and no raw table
FEW = 3  # actions at rest that are described one by one


def find_problems(settings: Settings) -> Iterator[Problem]:
    """Find what is wrong with owners, the budget and actions."""
    strategies, known = settings.strategies, codes(settings)
    regions = known.get("region", ())
    limits: list[tuple[tuple[str, ...], catalogue.Limit]]
    limits = [(("owners", k, "capacity"), each.capacity) for k, each in strategies.owners.items()]
    if strategies.budget is not None:
        limits.append((("budget",), strategies.budget))
    for keys, limit in limits:
        yield from (
            ((*keys, *at), f"{'.'.join(keys)}: {text}")
            for at, text in catalogue.find_unnamed_regions(limit, regions)
        )
    for action in strategies.actions:
        kinds = _kinds(settings, action)
        columns = kinds, known, facts.ranges(kinds)
        found = list(catalogue.find_problems(action, strategies.owners, *columns))
        if not found and action.scope == "customer" and not _fits_a_type(settings, action.when):
            said = "nobody can ever trigger this action: no type of customer has all these codes"
            found.append((("when",), said))
        for at, text in found:
            yield ("actions", action.code, *at), f"actions.{action.code}.{at[0]}: {text}"


def find_resting(settings: Settings) -> dict[str, dict[str, set[str]]]:
    """Find actions that rest: action -> column it uses -> columns of raw tables it waits for."""
    mapped = {
        f"{table}.{column}"
        for table, (_, sources) in settings.business.sources.by_table().items()
        for source in sources
        for column in source.columns
    }
    if mapped & {"transactions.product_id", "transactions.category"}:
        mapped.add("transactions.product")  # they stand for it
    mapped |= {f"{_SERVICE}.{field}" for field in service.written(settings.business.service)}
    resting = catalogue.find_resting(
        settings.strategies.actions, lambda column: set(facts.needs(column)) <= mapped
    )
    return {
        code: {column: set(facts.needs(column)) - mapped for column in columns}
        for code, columns in resting.items()
    }


def describe_resting(settings: Settings) -> Iterator[Problem]:
    """Say which actions rest and what they wait for: each, or in one sentence if they are many."""
    resting = find_resting(settings)
    setting = {table: key for table, (key, _) in settings.business.sources.by_table().items()}
    if len(resting) <= FEW:
        for code, waits in resting.items():
            said = [_wait(column, missing, setting) for column, missing in waits.items()]
            yield ("actions", code, "when"), f"action {code} rests; {'; '.join(said)}"
        return
    used = {table for table, (_, given) in settings.business.sources.by_table().items() if given}
    used.add(_SERVICE)
    needs = Counter[str]()
    for waits in resting.values():
        missing = set().union(*waits.values())
        whole = {each if each.split(".")[0] in used else _whole(each) for each in missing}
        needs.update(_place(each, setting) for each in sorted(whole))
    listed = ", ".join(
        f"{place} ({n})" for place, n in sorted(needs.items(), key=lambda pair: (-pair[1], pair[0]))
    )
    n_all = len(settings.strategies.actions)
    yield ("actions",), f"{len(resting)} of {n_all} actions rest; they wait for {listed}"


def _wait(column: str, missing: set[str], setting: Mapping[str, str]) -> str:
    """Say what a column waits for: `birthday needs birth_date in sources.customers`."""
    return f"{column} needs {' and '.join(_place(each, setting) for each in sorted(missing))}"


def _whole(needed: str) -> str:
    """The table of a column, as a need of its own."""
    return f"{needed.split('.')[0]}.customer_id"


def _place(needed: str, setting: Mapping[str, str]) -> str:
    """Where a column would be: `birth_date in sources.customers`, `sources.feedback`."""
    table, name = needed.split(".")
    if table == _SERVICE:
        return f"{name} under {_SERVICE}"
    place = f"sources.{setting[table]}"
    return place if name == "customer_id" else f"{name} in {place}"


def _fits_a_type(settings: Settings, when: Condition) -> bool:
    """Tell whether any type of customer has the codes that a condition asks for."""
    used = set(conditions.columns(when))
    return any(
        conditions.can_hold(
            conditions.AllOf((when, *_of_type(codes_of_type(settings, kind), used)))
        )
        for kind in _types(settings)
    )


def _of_type(found: Mapping[str, set[str]], used: set[str]) -> Iterator[Condition]:
    """Yield what holds for every customer of a type: its codes in the columns used, or none."""
    for column in sorted(used & set(found)):
        known = {"column": column, "is": sorted(found[column])}
        unknown = {"column": column, "is_known": False}
        yield conditions.read(known if column == "customer_type" else {"any": [known, unknown]})


def _types(settings: Settings) -> set[str]:
    """Types of customers: the program's own, and those that the business names."""
    cards, business = settings.scorecards.scorecards, settings.business
    named = {*settings.scorecards.words.get("types", {}), *business.words.get("types", {})}
    return {*TYPES, *cards, *business.report_segments, *named}


def codes_of_type(settings: Settings, kind: str) -> dict[str, set[str]]:
    """Map each column whose codes depend on the type of customer to those of one type."""
    cards = settings.scorecards.scorecards.get(kind, ())
    grades = {grade for card in cards for grade in card.grades}
    indicators = {each.code for card in cards for each in card.indicators}
    names = {*settings.segments.rfm.segments, rfm.PROSPECT}
    stages = set(ORDERS["life_cycle"])
    graded = {report_segment.segment_code(kind, grade) for grade in (*grades, NOT_GRADED)}
    by_rfm = settings.business.report_segments.get(kind) == "rfm"
    found = {"customer_type": {kind}, "segment": names if by_rfm else graded}
    found["rfm"] = names if kind == TYPES[0] else {kind, rfm.PROSPECT}
    found["life_cycle"] = stages if kind == TYPES[0] else {kind, rfm.PROSPECT}
    found |= dict.fromkeys(("grade", "score_grade"), grades | {NOT_GRADED})
    found |= dict.fromkeys(("fell_from", "next_grade"), grades)
    return found | dict.fromkeys(("weakest_indicator", "largest_drop", "change"), indicators)


def codes(settings: Settings) -> dict[str, set[str]]:
    """Map each column with known codes to them."""
    found: dict[str, set[str]] = {scheme: set(order) for scheme, order in ORDERS.items()}
    for kind in _types(settings):
        for column, known in codes_of_type(settings, kind).items():
            found[column] = found.get(column, set()) | known
    if not isinstance(settings.business.regions, DiscoveredRegions):
        found["region"] = set(settings.business.regions)
    return found


def _kinds(settings: Settings, action: Action) -> dict[str, str]:
    """Kinds of the columns that an action may use: the customer's, or those of segments."""
    if action.scope == "segment":
        return {name: column.kind for name, column in TABLES["segment_summary"].columns.items()}
    own = {name for source in settings.business.sources.customers for name in source.columns}
    used = [*conditions.columns(action.when), action.reason]
    return facts.kinds(used, own - set(TABLES["customers_raw"].columns))
