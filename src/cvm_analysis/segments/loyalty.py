"""How loyal each customer is: an index from 0 to 100, and three classes.

The index is a scorecard: customers who come back often, over a long time, at regular intervals, for
many categories, and would recommend the business score high; an unknown indicator is left out.
A customer who bought on one day only is not loyal.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from types import MappingProxyType

import pandas as pd
from pydantic import Field

from cvm_analysis.errors import ConfigError
from cvm_analysis.segments import classes
from cvm_analysis.segments.classes import Threshold
from cvm_analysis.segments.grades import points, scorecard
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard
from cvm_analysis.typed import settings

LOYAL, POTENTIALLY, NOT_LOYAL, _ = classes.ORDERS["loyalty"]
BINS = 20
COLUMNS = MappingProxyType(  # the measure of each indicator
    {"repeat": "repeat_rate", "tenure": "t_x", "regularity": "regularity"}
    | {"breadth": "n_categories", "nps": "nps"}
)
WEIGHTS = MappingProxyType(
    {"repeat": 0.3, "tenure": 0.25, "regularity": 0.15, "breadth": 0.15, "nps": 0.15}
)


@settings
class Loyalty:
    """What counts as loyal.

    weights : share of the index of each indicator; see `card`
    loyal, potentially_loyal : least index; `auto`: the best 20% and 50%
    """

    weights: Mapping[str, float] = Field(default_factory=WEIGHTS.copy)
    loyal: Threshold = "auto"
    potentially_loyal: Threshold = "auto"


def measures(customers: pd.DataFrame) -> pd.DataFrame:
    """Add what the index needs to table `customers`.

    repeat_rate : share of purchase days that were a return, x / n_purchase_days; empty if never
        bought
    regularity : 1 / (1 + gap_cv), 1 being perfectly regular; empty with less than two gaps
    """
    days = customers["n_purchase_days"].astype(float)
    return customers.assign(
        repeat_rate=customers["x"] / days.where(days > 0),
        regularity=1 / (1 + customers["gap_cv"]),
    )


def card(weights: Mapping[str, float]) -> Scorecard:
    """Make the scorecard of the index: every indicator in twenty groups learned from customers.

    weights : indicator (repeat, tenure, regularity, breadth, nps) -> its share of the index; one
        left out does not count

    Raises ConfigError: an unknown indicator, no weight, or weights that do not sum to 1
    """
    if unknown := [code for code in weights if code not in COLUMNS]:
        known = ", ".join(COLUMNS)
        raise ConfigError(f"weights: no indicator {', '.join(unknown)}; write some of {known}")
    written = Scorecard(
        customer_type="retail",
        valid_from=dt.date.min,
        indicators=tuple(Indicator(c, COLUMNS[c], w, bins=BINS) for c, w in weights.items()),
        grades={LOYAL: 0.2, POTENTIALLY: 0.3, NOT_LOYAL: 0.5},
        by_quota=True,
        min_weight=min(weights.values(), default=1.0),  # one known indicator is enough
    )
    scorecard.check(written)
    return written


def fit_card(customers: pd.DataFrame, weights: Mapping[str, float]) -> Scorecard:
    """Learn the groups of the index from these customers who bought; see `card`."""
    return points.fit_bins(card(weights), _measures_of_buyers(customers))


def index(customers: pd.DataFrame, card: Scorecard) -> pd.Series:
    """Compute the loyalty index, 0 to 100; empty if a customer never bought.

    card : fitted to these customers, or to the company's
    """
    scored = points.score(card, _measures_of_buyers(customers))
    return scored.reindex(customers.index).rename("loyalty_index")


def add_index(customers: pd.DataFrame, card: Scorecard) -> pd.DataFrame:
    """Add the index as column `loyalty_index`, which scorecards may use."""
    return customers.assign(loyalty_index=index(customers, card))


def add_own_index(customers: pd.DataFrame, weights: Mapping[str, float]) -> pd.DataFrame:
    """Add the index by a scorecard fitted to these customers alone."""
    return add_index(customers, fit_card(customers, weights))


def measure_with_index(
    measure: Callable[[dt.date], pd.DataFrame], card: Scorecard
) -> Callable[[dt.date], pd.DataFrame]:
    """Wrap `measure`, which measures all customers on a day, so that it adds their index."""
    return lambda day: add_index(measure(day), card)


def thresholds(
    index: pd.Series, loyal: Threshold, potentially_loyal: Threshold
) -> dict[str, float]:
    """Find the least index of potentially loyal and loyal customers; see `classes.thresholds`."""
    names = (POTENTIALLY, LOYAL)
    return classes.thresholds(index.dropna(), loyal, potentially_loyal, names)


def assign(customers: pd.DataFrame, index: pd.Series, thresholds: Mapping[str, float]) -> pd.Series:
    """Class each customer `loyal`, `potentially_loyal`, `not_loyal`, or `prospect`.

    customers : one row per customer, with n_orders and x (0: bought on one day, not loyal)
    index : their index; thresholds : level -> least index, as `thresholds` makes them
    """
    repeat, bought = index.where(customers["x"] > 0), customers["n_orders"] > 0
    return classes.assign_level(repeat, bought, thresholds, NOT_LOYAL).rename("loyalty")


def _measures_of_buyers(customers: pd.DataFrame) -> pd.DataFrame:
    needed = {"x", "n_purchase_days", "gap_cv", *COLUMNS.values()}
    columns = [column for column in customers if column in needed]
    return measures(customers.loc[customers["n_orders"] > 0, columns])
