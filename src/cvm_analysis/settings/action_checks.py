"""What strategies.yaml must say: columns, codes, owners and regions that exist.

The meaning is checked by `strategy`; here the settings give it the columns and codes there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from cvm_analysis.segments import report_segment, rfm
from cvm_analysis.segments.classes import ORDERS
from cvm_analysis.segments.grades.scorecard import NOT_GRADED
from cvm_analysis.settings.shape import DiscoveredRegions
from cvm_analysis.strategy import catalogue, conditions, facts
from cvm_analysis.strategy.catalogue import Action
from cvm_analysis.tables import TABLES

if TYPE_CHECKING:
    from cvm_analysis.settings.load import Settings

Problem = tuple[tuple[str, ...], str]  # the setting within strategies.yaml, and what is wrong
TYPES = ("retail", "project", "dealer")
_LATER = "later"


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
        for at, text in catalogue.find_problems(action, strategies.owners, *columns):
            yield ("actions", action.code, *at), f"actions.{action.code}.{at[0]}: {text}"


def find_resting(settings: Settings) -> Iterator[Problem]:
    """Find actions that rest, and what they wait for."""
    setting = {table: key for table, (key, _) in settings.business.sources.by_table().items()}
    mapped = {
        f"{table}.{column}"
        for table, (_, sources) in settings.business.sources.by_table().items()
        for source in sources
        for column in source.columns
    }
    resting = catalogue.find_resting(
        settings.strategies.actions, lambda column: set(facts.needs(column)) <= mapped
    )
    for code, columns in resting.items():
        waits = [_wait(column, set(facts.needs(column)) - mapped, setting) for column in columns]
        text = f"action {code} rests; {'; '.join(waits)}"
        yield ("actions", code, "when"), text


def _wait(column: str, missing: set[str], setting: Mapping[str, str]) -> str:
    """Say what a column waits for: `birthday needs birth_date in sources.customers`."""
    if missing == {_LATER}:
        return f"no table has {column} yet"
    said = []
    for table, name in sorted(each.split(".") for each in missing):
        place = f"sources.{setting[table]}"
        said.append(place if name == "customer_id" else f"{name} in {place}")
    return f"{column} needs {' and '.join(said)}"


def codes(settings: Settings) -> dict[str, set[str]]:
    """Map each column with known codes to them."""
    cards, business = settings.scorecards.scorecards, settings.business
    every = [card for versions in cards.values() for card in versions]
    grades = {grade for card in every for grade in card.grades}
    indicators = {each.code for card in every for each in card.indicators}
    named = {*settings.scorecards.words.get("types", {}), *business.words.get("types", {})}
    types = {*TYPES, *cards, *business.report_segments, *named}
    names = {*settings.segments.rfm.segments, rfm.PROSPECT}
    graded = {
        report_segment.segment_code(kind, grade)
        for kind, grade in report_segment.list_graded(cards, business.report_segments)
    }
    ungraded = {report_segment.segment_code(kind, NOT_GRADED) for kind in types}
    found = {scheme: set(order) for scheme, order in ORDERS.items()}
    found["life_cycle"] |= types  # of customers who are not retail
    found |= {"rfm": names | types, "segment": names | graded | ungraded, "customer_type": types}
    found |= dict.fromkeys(("grade", "score_grade"), grades | {NOT_GRADED})
    found |= dict.fromkeys(("fell_from", "next_grade"), grades)
    found |= dict.fromkeys(("weakest_indicator", "largest_drop", "change"), indicators)
    if not isinstance(business.regions, DiscoveredRegions):
        found["region"] = set(business.regions)
    return found


def _kinds(settings: Settings, action: Action) -> dict[str, str]:
    """Kinds of the columns that an action may use: the customer's, or those of segments."""
    if action.scope == "segment":
        return {name: column.kind for name, column in TABLES["segment_summary"].columns.items()}
    own = {name for source in settings.business.sources.customers for name in source.columns}
    used = [*conditions.columns(action.when), action.reason]
    return facts.kinds(used, own - set(TABLES["customers_raw"].columns))
