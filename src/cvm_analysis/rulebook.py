"""The rule files as the core takes them: plain values instead of settings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cvm_analysis.segments import classes, rfm
from cvm_analysis.segments.classification_rules import RETAIL, ClassificationRules, Naming
from cvm_analysis.segments.clusters import measures
from cvm_analysis.segments.grades import reviews
from cvm_analysis.segments.grades.policy import Policy
from cvm_analysis.segments.grades.reviews import Graded
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard
from cvm_analysis.segments.report_segment import segment_code
from cvm_analysis.settings import Settings
from cvm_analysis.settings.rule_files import Scorecard as Written
from cvm_analysis.strategy.recommend import Action


def actions(settings: Settings) -> list[Action]:
    """The actions of strategies.yaml."""
    return [
        Action(
            code=code,
            segments=action.segments,
            column=action.when.column,
            at_least=action.when.at_least,
            at_most=action.when.at_most,
            cost_per_customer=action.cost_per_customer,
            effect=action.effect,
            evidence=action.evidence,
        )
        for code, action in settings.strategies.actions.items()
    ]


def scorecards(settings: Settings) -> dict[str, list[Scorecard]]:
    """The versions of the scorecard of each type of customers, of scorecards.yaml."""
    return {
        kind: [_scorecard(kind, each) for each in versions]
        for kind, versions in settings.scorecards.scorecards.items()
    }


def _scorecard(kind: str, written: Written) -> Scorecard:
    return Scorecard(
        customer_type=kind,
        valid_from=written.valid_from,
        indicators=tuple(
            Indicator(code=code, **each.model_dump()) for code, each in written.indicators.items()
        ),
        grades=written.quota or written.grades or {},
        by_quota=written.quota is not None,
        min_weight=written.min_weight,
    )


def naming(settings: Settings) -> Naming:
    """How RFM scores become names, of segments.yaml."""
    rules = settings.segments.rfm
    return Naming(rules.segments, rules.bins, rules.monetary, rules.matching, rules.written_for)


def cut_points(settings: Settings, customers: pd.DataFrame) -> dict[str, list[float]]:
    """Find the cut points of RFM scores by the rule of segments.yaml, or as they are given there.

    customers : one row per retail customer, columns of table `customers`
    """
    rules = settings.segments.rfm
    given = {} if isinstance(rules.cut_points, str) else rules.cut_points
    found = rfm.cut_points(customers, rules.bins, rules.rule, rules.monetary)
    return found | rfm.written_cut_points(given, rules.bins)


def compared(
    settings: Settings, customers: pd.DataFrame, shares: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Take the measures by which segments.yaml compares customers, as far as there are such.

    Parameters
    ----------
    customers : one row per customer; shares : columns such as `category:care`, or none

    Returns
    -------
    As segments.clusters.measures.of makes them, and `missing` for each that these data lack.
    """
    asked = settings.segments.clusters
    wholes = {measures.composition(str(column)) for column in shares}
    there = {
        "numbers": [c for c in asked.measures if c in customers or c == "orders_per_year"],
        "attributes": [c for c in asked.attributes if c in customers],
        "shares_of": [c for c in asked.shares_of if c in wholes],
    }
    every = (*asked.measures, *asked.attributes, *asked.shares_of)
    found = [name for names in there.values() for name in names]
    lacking = {name: "missing" for name in every if name not in found}
    return measures.build(customers, **there, shares=shares), lacking


def limits(settings: Settings, customers: pd.DataFrame) -> dict[str, Any]:
    """Learn what RFM and life cycle of one day need, from these customers' retail ones; JSON."""
    retail = customers[customers["customer_type"] == RETAIL]
    return {"cuts": cut_points(settings, retail), "usual_gap": classes.usual_gap(retail)}


def yardstick(
    settings: Settings, limits: Mapping[str, Any], graded: Mapping[str, Graded]
) -> ClassificationRules:
    """The limits of one day together: those of `limits`, and today's of a review of that day."""
    cards = {kind: (each.card, each.limits) for kind, each in graded.items()}
    life_cycle = settings.segments.life_cycle.model_dump()
    return ClassificationRules(
        naming(settings), limits["cuts"], limits["usual_gap"], life_cycle, cards
    )


def review_days(settings: Settings, as_of: dt.date, first_day: dt.date) -> Sequence[dt.date]:
    """On which days customers were graded: those of scorecards.yaml, else the last quarter ends."""
    asked = settings.scorecards.reviews
    return asked.dates or reviews.dates(as_of, first_day, asked.last)


def policy(settings: Settings) -> Policy:
    """What keeps grades from flickering, of scorecards.yaml."""
    return Policy(**settings.scorecards.policy.model_dump())


def graded_segments(settings: Settings) -> list[str]:
    """Codes of the segments that reports call by type and grade: project_a, dealer_b, ..."""
    return [
        segment_code(kind, grade)
        for kind, cards in scorecards(settings).items()
        if settings.business.report_segments.get(kind, "grade") == "grade"
        for grade in dict.fromkeys(grade for card in cards for grade in card.grades)
    ]
