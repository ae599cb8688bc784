"""The rule files of a config, each setting typed in the module that uses it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from cvm_analysis.segments.classes import Levels, LifeCycle
from cvm_analysis.segments.clusters.measures import Grouping
from cvm_analysis.segments.grades.policy import Policy
from cvm_analysis.segments.grades.reviews import Reviews
from cvm_analysis.segments.grades.scorecard import Scorecard
from cvm_analysis.segments.loyalty import Loyalty
from cvm_analysis.segments.rfm import Rfm
from cvm_analysis.settings.shape import Strict, Wording
from cvm_analysis.strategy.catalogue import Action, ContactLimit, Limit, Owner, Share
from cvm_analysis.typed import Cell, add_keys, by_code


def _add_types(given: Any) -> Any:
    """Add the customer type to each version of its scorecard."""
    if not isinstance(given, dict):
        return given
    return {
        kind: [add_keys({kind: each}, "customer_type")[kind] for each in versions]
        if isinstance(versions, list)
        else versions
        for kind, versions in given.items()
    }


def _add_lead(given: Any) -> Any:
    """Say of each version that it is for leads."""
    return _add_types({"lead": given})["lead"]


class Segments(Strict):
    """Content of segments.yaml."""

    rfm: Rfm
    period_days: int = Field(365, gt=0)  # in which frequency and amount are counted
    frequency: Levels = Levels()
    amount: Levels = Levels()
    loyalty: Loyalty = Loyalty()
    life_cycle: LifeCycle = LifeCycle()
    clusters: Grouping = Grouping()
    words: dict[str, dict[str, Wording]] = Field(default_factory=dict)


class Scorecards(Strict):
    """The content of scorecards.yaml; leads : versions of the scorecard of leads, if any."""

    reviews: Reviews = Reviews()
    policy: Policy = Policy()
    scorecards: Annotated[
        dict[str, tuple[Scorecard, ...]], BeforeValidator(_add_types), Field(min_length=1)
    ]
    leads: Annotated[tuple[Scorecard, ...], BeforeValidator(_add_lead)] = ()
    words: dict[str, dict[str, Wording]] = Field(default_factory=dict)


class Strategies(Strict):
    """The content of strategies.yaml.

    min_segment : actions of a segment need so many customers in it
    most_actions : of one customer; contact_limit : of marketing contacts
    consent_given : words of the customers' attribute consent that mean yes
    common_share : correlation of the errors of assumed effects
    lists_per_year : whose results are pooled to measure an effect, at most
    budget : until the next run, in the config's currency, of every region or by region; empty: none
    """

    min_segment: int = Field(5, ge=1)
    most_actions: int = Field(2, ge=1)
    contact_limit: ContactLimit = ContactLimit()
    consent_given: tuple[Cell, ...] = ("yes", "true", "1", "y", "是", "同意")
    common_share: Share = 0.5
    lists_per_year: float = Field(12, gt=0)
    budget: Limit | None = None
    owners: dict[str, Owner] = Field(default_factory=dict)
    actions: Annotated[tuple[Action, ...], by_code(Action)]
