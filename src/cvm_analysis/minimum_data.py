"""The minimum data of each part of the report, and what replaces a part below it."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import NamedTuple


class Note(NamedTuple):
    """A part of the report that is omitted or replaced, with a code and figures for the reason."""

    part: str
    code: str
    have: float | None = None
    need: float | None = None
    customer_type: str | None = None  # whom it concerns; None: everybody
    customer: str | None = None  # pseudonym, of a note on one
    day: str | None = None  # an ISO date


class Need(NamedTuple):
    """The minimum of one count for a part, and the code of the note below it."""

    counted: str
    at_least: int
    otherwise: str


NEEDS = MappingProxyType(
    {
        "purchase_model": (
            Need("buyers", 50, "own_rate_few_buyers"),
            Need("repeat_buyers", 30, "own_rate_few_repeat_buyers"),
        ),
        "own_histories": (Need("buyers", 1000, "borrowed_histories"),),
        "company_factor": (Need("periods", 3, "no_company_factor_few_periods"),),
        "spend_model": (Need("repeat_buyers", 30, "own_mean_few_repeat_buyers"),),
        "holdout": (Need("weeks", 4, "no_holdout_short_history"),),
        "pool": (Need("buyers", 500, "no_pool_few_buyers"),),
        "own_choice": (Need("buyers", 500, "company_choice_few_buyers"),),
        "churn_history": (Need("weeks", 13, "no_churn_trial_short_history"),),
        "churn_test": (Need("buyers", 500, "churn_tested_in_company"),),
        "churn_landmark": (
            Need("buyers", 30, "landmark_few_buyers"),
            Need("percent", 2, "landmark_small_share"),  # of the customers to forecast
        ),
        "churn_model": (
            Need("buyers", 50, "recency_few_buyers"),
            Need("returns", 30, "recency_few_returns"),
        ),
        "list_ranking": (Need("landmarks", 4, "list_ranking_not_compared"),),
        "lapse_threshold": (Need("spells", 30, "no_lapse_threshold"),),
        "clusters": (
            Need("buyers", 30, "one_cluster_few_buyers"),
            Need("distinct", 2, "one_cluster_alike"),
        ),
        "transitions": (Need("customers", 30, "moves_few_customers"),),
        "screening": (Need("customers", 30, "screening_few_customers"),),
        "tone": (
            Need("texts", 200, "no_tone_few_texts"),
            Need("of_each", 60, "no_tone_one_sided"),
        ),
        "tone_test": (
            Need("learned", 30, "no_tone_few_learned"),
            Need("tested", 30, "no_tone_few_tested"),
        ),
        "product_test": (
            Need("origins", 2, "no_product_test_short_history"),
            Need("customers", 30, "no_product_test_few_customers"),
        ),
        "mention_tone": (Need("labelled", 200, "no_mention_tone_few_labelled"),),
    }
)


def shortfalls(part: str, **counts: float) -> list[Note]:
    """Compare counts (buyers=..., weeks=...) with the minimum of a part; [] if all suffice.

    Notes have whole counts, rounded down, and 0 for weeks before the records start.
    """
    return [
        Note(
            part,
            need.otherwise,
            float(max(0, math.floor(counts[need.counted]))),
            float(need.at_least),
        )
        for need in NEEDS[part]
        if need.counted in counts and counts[need.counted] < need.at_least
    ]
