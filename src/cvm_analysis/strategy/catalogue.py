"""The catalogue of actions: for whom, when, by whom, at what cost, with what expected effect."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from cvm_analysis.errors import nearest
from cvm_analysis.strategy import conditions
from cvm_analysis.strategy.conditions import Condition, Problem
from cvm_analysis.typed import settings

KINDS = ("recovery", "service", "marketing")  # the order in which they are done
RECOVERY, SERVICE, MARKETING = KINDS
PURCHASE = "purchase"  # as a measure: whether one came; as what an effect is on: its probability
ELSEWHERE = "elsewhere"  # evidence that needs a source
DEFAULT = "default"  # of all regions that a limit does not name
Amount = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0)]


def _by_region(given: Any) -> Any:
    return {DEFAULT: given} if isinstance(given, int | float) else given


Limit = Annotated[dict[str, Amount], BeforeValidator(_by_region)]  # a number: of every region


@settings
class Names:
    """What an action is called in one language, what is done first, and the idea of the message."""

    name: str
    first_step: str | None = None
    message: str | None = None


def _as_name(given: Any) -> Any:
    return {"name": given} if isinstance(given, str) else given


Called = Annotated[Names | None, BeforeValidator(_as_name)]  # a text alone is the name


@settings
class Owner:
    """Who does actions; capacity : contacts until the next run, of every region or by region."""

    capacity: Limit
    en: str | None = None
    zh: str | None = None


@settings
class ContactLimit:
    """The most marketing contacts of one customer within so many days."""

    contacts: Annotated[int, Field(ge=0)] = 3
    days: Annotated[int, Field(ge=1)] = 30


@settings
class Success:
    """How an action is measured: margin, or whether a purchase came, within so many days."""

    measure: Literal["margin", "purchase"] = "margin"
    within_days: Annotated[int, Field(ge=1)] = 90


@settings
class Effect:
    """The expected effect of an action.

    on : what it multiplies: expected_margin, margin_at_stake, renewal_value (the effect is a share
        of it), or purchase (points of probability, times the margin of an order)
    low, likely, high : the mean is likely; low to high hold 80 % of what is expected
    evidence : where it comes from; source : of one from elsewhere
    """

    on: Literal["expected_margin", "margin_at_stake", "renewal_value", "purchase"]
    low: float
    likely: float
    high: float
    evidence: Literal["assumed", "elsewhere", "measured_without", "measured_with_control"] = (
        "assumed"
    )
    source: str = ""


@settings
class Action:
    """An action of the catalogue.

    kind : recovery comes before any offer and blocks offers; service is owed to the customer;
        marketing needs consent and respects the contact limit
    scope : whether `when` is read on the customer, or on the figures of the segment for all members
    reason : column whose figure the lists show; empty: the first of `when` that is no class
    priority : 1 first; decides between actions of one kind
    channel : in order of preference
    consent : whether it needs consent; empty: marketing does
    control_share : the most that is left without contact, so that the effect can be measured
    pause_days : not again within so many days after it was done
    cost : per contact, in the config's currency
    """

    code: str
    when: Condition
    owner: str
    channel: Annotated[tuple[str, ...], Field(min_length=1)]
    cost: Amount
    effect: Effect
    kind: Literal["recovery", "service", "marketing"] = "marketing"
    scope: Literal["customer", "segment"] = "customer"
    reason: str = ""
    priority: Annotated[int, Field(ge=1)] = 5
    within_days: Days = 14
    consent: bool | None = None
    control_share: Share = 0.0
    pause_days: Days = 0
    success: Success = Success()
    en: Called = None
    zh: Called = None

    @property
    def needs_consent(self) -> bool:
        """Whether the customer must have agreed to be contacted."""
        return self.kind == MARKETING if self.consent is None else self.consent


def limit_in(limit: Mapping[str, float], region: str) -> float | None:
    """Read a limit of one region; None if it names neither the region nor `default`."""
    return limit.get(region, limit.get(DEFAULT))


def find_unnamed_regions(limit: Mapping[str, float], regions: Collection[str]) -> Iterator[Problem]:
    """Find regions of a limit that do not exist, and regions that have none.

    regions : all keys; none: they are only known from the data
    """
    if not regions:
        return
    for region in limit:
        if region not in (*regions, DEFAULT):
            yield (region,), f"no region '{region}'{nearest(region, regions)}"
    missing = [region for region in sorted(regions) if region not in limit]
    if missing and DEFAULT not in limit:
        yield (), f"no value for {', '.join(missing)}; add them, or `{DEFAULT}`"


def find_problems(
    action: Action,
    owners: Collection[str],
    kinds: Mapping[str, str],
    codes: Mapping[str, Collection[str]],
    ranges: Mapping[str, tuple[float, float]],
) -> Iterator[Problem]:
    """Find what is wrong with an action: the setting within it, and the message.

    owners : known codes; kinds, codes, ranges : of the columns that its `when` may use, as for
        `conditions.find_problems` - the customer's, or for scope segment those of segments
    """
    wrong = list(conditions.find_problems(action.when, kinds, codes, ranges))
    yield from ((("when", *keys), text) for keys, text in wrong)
    if not wrong and not conditions.can_hold(action.when):
        yield ("when",), "nobody can ever trigger this action: the conditions contradict each other"
    if action.reason and action.reason not in kinds:
        yield ("reason",), f"no column '{action.reason}'{nearest(action.reason, kinds)}"
    if action.owner not in owners:
        yield ("owner",), f"no owner '{action.owner}'{nearest(action.owner, owners)}"
    if action.kind != MARKETING and action.control_share > 0:
        said = f"{action.kind} is owed to every customer; delete it, or set it to 0"
        yield ("control_share",), said
    yield from _wrong_effect(action.effect, action.success)


def _wrong_effect(effect: Effect, success: Success) -> Iterator[Problem]:
    ends = [effect.low, effect.likely, effect.high]
    if ends != sorted(ends):
        yield ("effect",), f"low, likely and high must rise, not {ends}"
    if effect.on != PURCHASE and success.measure == PURCHASE:
        yield ("success", "measure"), f"an effect on {effect.on} is measured by margin"
    if effect.evidence == ELSEWHERE and not effect.source:
        yield ("effect", "evidence"), "set source: where the effect comes from"


def find_resting(
    actions: Sequence[Action], is_available: Callable[[str], bool]
) -> dict[str, list[str]]:
    """Find actions that rest since a business lacks columns they need: code -> these columns.

    Those for segments never do: every business has their figures.

    is_available : whether the business has a column of the customer
    """
    return {
        action.code: [c for c in conditions.columns(action.when, True) if not is_available(c)]
        for action in actions
        if action.scope == "customer"
        and conditions.can_hold(action.when)
        and not conditions.can_hold(action.when, is_available)
    }
