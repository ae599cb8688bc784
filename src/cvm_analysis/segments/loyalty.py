"""How loyal each customer is: an index from 0 to 100, and three classes.

The index is a scorecard, learned for each customer type: customers who come back often, over a long
time, at regular intervals, for many categories, and would recommend the business score high among
customers of their type; an unknown indicator is left out. A customer who bought on one day only is
not loyal.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd
from pydantic import Field

from cvm_analysis.errors import ConfigError
from cvm_analysis.segments import classes
from cvm_analysis.segments.classes import Threshold
from cvm_analysis.segments.grades import points, scorecard
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard
from cvm_analysis.tables import IMPORTED, MEASURES, SATISFACTION, TABLES, is_measure
from cvm_analysis.tables.shape import NUMERIC
from cvm_analysis.typed import settings

LOYAL, POTENTIALLY, NOT_LOYAL, _ = classes.ORDERS["loyalty"]
BINS = 20
COLUMNS = MappingProxyType(  # the measure of each indicator
    {"repeat": "repeat_rate", "tenure": "t_x", "regularity": "regularity"}
    | {"breadth": "n_categories", "nps": "nps", "satisfaction": "satisfaction"}
)
WEIGHTS = MappingProxyType(
    {"repeat": 0.3, "tenure": 0.25, "regularity": 0.15, "breadth": 0.15, "nps": 0.15}
)
Cards = Mapping[str, Scorecard]  # customer type -> fitted scorecard of the index


@settings
class Loyalty:
    """What counts as loyal.

    weights : share of the index of each indicator; see `card`
    weights_of : customer type -> its own weights, instead of these
    loyal, potentially_loyal : least index; `auto`: the best 20% and 50% of the customer's type
    """

    weights: Mapping[str, float] = Field(default_factory=WEIGHTS.copy)
    weights_of: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)
    loyal: Threshold = "auto"
    potentially_loyal: Threshold = "auto"

    @property
    def written(self) -> dict[tuple[str, ...], Mapping[str, float]]:
        """All weights, by the keys of their setting."""
        every: dict[tuple[str, ...], Mapping[str, float]] = {("weights",): self.weights}
        return every | {("weights_of", kind): own for kind, own in self.weights_of.items()}

    def card(self, customer_type: str) -> Scorecard:
        """Make the scorecard of a customer type; see `card`."""
        return card(self.weights_of.get(customer_type, self.weights), customer_type)


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


def card(weights: Mapping[str, float], customer_type: str = "retail") -> Scorecard:
    """Make the scorecard of the index: every indicator in twenty groups learned from customers.

    weights : indicator -> its share of the index; one left out does not count. Indicators are those
        of COLUMNS, other number columns of table `customers`, measures of the experience
        (`tables.is_measure`), and imported ones (`indicators.referrals`); more is better

    Raises ConfigError: an unknown indicator, no weight, or weights that do not sum to 1
    """
    if unknown := [code for code in weights if not _is_indicator(code)]:
        known = ", ".join(COLUMNS)
        raise ConfigError(
            f"weights: no indicator {', '.join(unknown)}; write some of {known}, a number column "
            f"of the customer table, {SATISFACTION}<dimension>, {', '.join(MEASURES)}, or "
            f"{IMPORTED}<name>"
        )
    written = Scorecard(
        customer_type=customer_type,
        valid_from=dt.date.min,
        indicators=tuple(
            Indicator(code, COLUMNS.get(code, code), weight, bins=BINS)
            for code, weight in weights.items()
        ),
        grades={LOYAL: 0.2, POTENTIALLY: 0.3, NOT_LOYAL: 0.5},
        by_quota=True,
        min_weight=min(weights.values(), default=1.0),  # one known indicator is enough
    )
    scorecard.check(written)
    return written


def fit_cards(customers: pd.DataFrame, rules: Loyalty, later: pd.DataFrame | None = None) -> Cards:
    """Learn the groups of the index from the customers who bought, for each customer type.

    customers : one row per customer, columns of table `customers`, and imported indicators
    later : customers of a later day, for types of which none had bought on the first
    """
    tables = [customers] if later is None else [customers, later]
    learned: dict[str, Scorecard] = {}
    for table in tables:
        for customer_type, rows in _by_type(table):
            if customer_type not in learned:
                learned[customer_type] = points.fit_bins(rules.card(customer_type), rows)
    return dict(sorted(learned.items()))


def scales(cards: Cards) -> dict[str, dict[str, Any]]:
    """List what `fit_cards` learned, as plain JSON: customer type -> bands of its indicators."""
    return {customer_type: scorecard.bands(card) for customer_type, card in cards.items()}


def with_scales(rules: Loyalty, scales: Mapping[str, Mapping[str, Any]]) -> Cards:
    """Make the fitted scorecards from what was learned, from `scales`."""
    return {kind: scorecard.with_bands(rules.card(kind), bands) for kind, bands in scales.items()}


def index(customers: pd.DataFrame, cards: Cards) -> pd.Series:
    """Compute the loyalty index, 0 to 100, of each customer among those of their type.

    cards : fitted to these customers, or to the company's

    Returns
    -------
    One number per customer; empty if they never bought, or their type has no scorecard.
    """
    found = [points.score(cards[kind], rows) for kind, rows in _by_type(customers) if kind in cards]
    scored = pd.concat(found) if found else pd.Series(dtype=float)
    return scored.reindex(customers.index).rename("loyalty_index")


def add_index(customers: pd.DataFrame, cards: Cards) -> pd.DataFrame:
    """Add the index as column `loyalty_index`, which scorecards may use."""
    return customers.assign(loyalty_index=index(customers, cards))


def add_own_index(customers: pd.DataFrame, rules: Loyalty) -> pd.DataFrame:
    """Add the index by scorecards fitted to these customers alone."""
    return add_index(customers, fit_cards(customers, rules))


def measure_with_index(
    measure: Callable[[dt.date], pd.DataFrame], cards: Cards
) -> Callable[[dt.date], pd.DataFrame]:
    """Wrap `measure`, which measures all customers on a day, so that it adds their index."""
    return lambda day: add_index(measure(day), cards)


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


def _by_type(customers: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each customer type with the measures of those who bought."""
    buyers = measures(customers[customers["n_orders"] > 0])
    for customer_type, rows in buyers.groupby("customer_type", sort=True):
        yield str(customer_type), rows


def _is_indicator(code: str) -> bool:
    column = TABLES["customers"].columns.get(code)
    is_number = column is not None and column.kind in NUMERIC
    return code in COLUMNS or code.startswith(IMPORTED) or is_measure(code) or is_number
