"""The rule files beside a config as types: segments.yaml, scorecards.yaml, strategies.yaml."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from cvm_analysis.settings.shape import Strict

Letter = Literal["r", "f", "m"]
Range = Annotated[str | int, Field(description="4 or 4-5")]
Limit = float | Literal["auto"]


class Rfm(Strict):
    """RFM scores and the names of their combinations."""

    bins: int = Field(5, ge=2, le=10)
    monetary: Literal["total", "mean"] = "total"  # net spend in all, or per order
    rule: Literal["share_worse", "quantile_plus_one"] = "share_worse"  # how cut points are found
    cut_points: Literal["company", "region"] | dict[str, tuple[float, ...]] = "company"
    matching: Literal["exactly_one", "first"] = "exactly_one"  # what a combination's name may be
    written_for: int | None = Field(None, ge=2, le=10)  # bins the rules count in, if others
    segments: dict[str, dict[Letter, Range]]


class Levels(Strict):
    """High, mid, low: at least this much, or `auto` for the best 20 and 50 percent."""

    high: Limit = "auto"
    mid: Limit = "auto"


class Loyalty(Strict):
    """What counts as loyal: the weights of its signs, and the points a class begins at."""

    weights: dict[str, float] = Field(
        {"repeat": 0.3, "tenure": 0.25, "regularity": 0.15, "breadth": 0.15, "nps": 0.15}
    )
    loyal: Limit = "auto"
    potentially_loyal: Limit = "auto"


class LifeCycle(Strict):
    """Life-cycle classes, judged against each customer's own rhythm between purchases."""

    new_days: int = Field(90, gt=0)  # first purchase within so many days
    growing_weeks: float = Field(52, gt=0)  # customer for less than this, and buying again
    declining_gaps: float = Field(2, gt=0)  # silent longer than so many usual gaps
    lost_gaps: float = Field(4, gt=0)  # silent longer than so many usual gaps


class Clusters(Strict):
    """By what customers are put into groups, and how."""

    method: Literal["k_means", "gaussian_mixture"] = "k_means"
    most: int = Field(8, ge=2)  # groups that are tried
    measures: tuple[str, ...] = (
        "net_sales_per_order",
        "orders_per_year",
        "days_since_last",
    )  # numbers
    attributes: tuple[str, ...] = ()  # columns of the customer table, codes: channel, city
    shares_of: tuple[str, ...] = ()  # columns of order lines whose shares of spend count: category


class Segments(Strict):
    """The content of segments.yaml."""

    rfm: Rfm
    frequency: Levels = Levels()
    amount: Levels = Levels()
    loyalty: Loyalty = Loyalty()
    life_cycle: LifeCycle = LifeCycle()
    clusters: Clusters = Clusters()


class Reviews(Strict):
    """On which days customers are graded anew."""

    last: int = Field(8, ge=1)  # quarter ends
    dates: tuple[dt.date, ...] = ()  # instead of them


class Policy(Strict):
    """What keeps grades from flickering; counted in reviews, `margin` in points."""

    min_stay: int = Field(0, ge=0)
    protection: int = Field(0, ge=0)
    notice: int = Field(0, ge=0)
    margin: float = Field(0.0, ge=0)


class Indicator(Strict):
    """One figure of a scorecard: what it is read from, how it becomes points, what it weighs."""

    column: str  # of the customer table, or indicators.<name>
    per: str | None = None
    weight: float
    better: Literal["high", "low"] = "high"
    bands: tuple[tuple[float, float], ...] | None = None  # (value, points)
    scale: tuple[float, float] | None = None  # the values of 0 and of 100 points
    bins: int | None = None
    missing: float | Literal["leave_out"] = "leave_out"
    unit_cost: float | None = None
    step: float | None = None


class Scorecard(Strict):
    """One version of the scorecard of a type of customers."""

    valid_from: dt.date
    grades: dict[str, float] | None = None  # best first: least points
    quota: dict[str, float] | None = None  # best first: share of customers
    min_weight: float = 0.6
    indicators: dict[str, Indicator]


class Scorecards(Strict):
    """The content of scorecards.yaml."""

    reviews: Reviews = Reviews()
    policy: Policy = Policy()
    scorecards: dict[str, tuple[Scorecard, ...]] = Field(min_length=1)


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
