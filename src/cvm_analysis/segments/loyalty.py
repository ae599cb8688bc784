"""How loyal each customer is: an index from 0 to 100, and three classes.

The index is a scorecard. Who came back often, over a long time, at even intervals, for many
categories, and would recommend us, scores high; what is not known of a customer is left out.
Attachment shows only in coming back: who bought on one day is not loyal, whatever they answered.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from types import MappingProxyType

import pandas as pd
from pydantic import Field

from cvm_analysis.errors import ConfigError
from cvm_analysis.segments import classes
from cvm_analysis.segments.classes import Limit
from cvm_analysis.segments.grades import points, scorecard
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard
from cvm_analysis.typed import settings

LOYAL, POTENTIALLY, NOT_LOYAL, _ = classes.ORDERS["loyalty"]
BINS = 20
COLUMNS = MappingProxyType(  # what each indicator of the index measures
    {
        "repeat": "repeat_rate",
        "tenure": "t_x",
        "regularity": "regularity",
        "breadth": "n_categories",
        "nps": "nps",
    }
)


WEIGHTS = MappingProxyType(
    {"repeat": 0.3, "tenure": 0.25, "regularity": 0.15, "breadth": 0.15, "nps": 0.15}
)


@settings
class Loyalty:
    """What counts as loyal.

    weights : share of the index of each indicator; see `card`
    loyal, potentially_loyal : from which index on; `auto`: the best 20 and 50 percent
    """

    weights: Mapping[str, float] = Field(default_factory=WEIGHTS.copy)
    loyal: Limit = "auto"
    potentially_loyal: Limit = "auto"


def measures(customers: pd.DataFrame) -> pd.DataFrame:
    """Add what the index needs to the columns of table `customers`; the same rows.

    repeat_rate : share of purchase days that were a return, x / n_purchase_days; empty if never
        bought
    regularity : 1 / (1 + gap_cv), 1 being clockwork; empty with less than two gaps
    """
    days = customers["n_purchase_days"].astype(float)
    return customers.assign(
        repeat_rate=customers["x"] / days.where(days > 0),
        regularity=1 / (1 + customers["gap_cv"]),
    )


def card(weights: Mapping[str, float]) -> Scorecard:
    """Write the index as a scorecard: every indicator in twenty groups learned from customers.

    Parameters
    ----------
    weights : indicator (repeat, tenure, regularity, breadth, nps) -> its share of the index; one
        left out does not count

    Raises
    ------
    ConfigError : an unknown indicator, no weight, or weights that do not sum to 1
    """
    if unknown := [code for code in weights if code not in COLUMNS]:
        raise ConfigError(
            f"weights: no indicator {', '.join(unknown)}; write some of {', '.join(COLUMNS)}"
        )
    written = Scorecard(
        customer_type="retail",
        valid_from=dt.date.min,
        indicators=tuple(
            Indicator(code, COLUMNS[code], weight, bins=BINS) for code, weight in weights.items()
        ),
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
    """Give each customer the loyalty index, 0 to 100; empty for who never bought.

    card : settled, by these customers or the company's
    """
    scored = points.score(card, _measures_of_buyers(customers))
    return scored.reindex(customers.index).rename("loyalty_index")


def add_index(customers: pd.DataFrame, card: Scorecard) -> pd.DataFrame:
    """Add the index as column `loyalty_index`, which scorecards may look at; the same rows."""
    return customers.assign(loyalty_index=index(customers, card))


def add_own_index(customers: pd.DataFrame, weights: Mapping[str, float]) -> pd.DataFrame:
    """Add the index as these customers alone would settle it; the same rows."""
    return add_index(customers, fit_card(customers, weights))


def measure_with_index(
    measure: Callable[[dt.date], pd.DataFrame], card: Scorecard
) -> Callable[[dt.date], pd.DataFrame]:
    """Make of `measure`, which measures all customers on a day, one that adds their index."""
    return lambda day: add_index(measure(day), card)


def thresholds(found: pd.Series, loyal: Limit, potentially_loyal: Limit) -> dict[str, float]:
    """Settle from which index a customer is potentially loyal, loyal; see `schemes.thresholds`.

    found : the index of each customer; empty ones do not count
    """
    names = (POTENTIALLY, LOYAL)
    return classes.thresholds(found.dropna(), loyal, potentially_loyal, names)


def assign(customers: pd.DataFrame, found: pd.Series, limits: Mapping[str, float]) -> pd.Series:
    """Class each customer `loyal`, `potentially_loyal`, `not_loyal`; `prospect` never bought.

    Parameters
    ----------
    customers : one row per customer, with n_orders and x; who bought on one day is not loyal
    found : their index; limits : level -> least index, as from `thresholds`
    """
    came_back = found.where(customers["x"] > 0)
    return classes.assign_level(came_back, customers["n_orders"] > 0, limits, NOT_LOYAL).rename(
        "loyalty"
    )


def _measures_of_buyers(customers: pd.DataFrame) -> pd.DataFrame:
    needed = {"x", "n_purchase_days", "gap_cv", *COLUMNS.values()}
    columns = [column for column in customers if column in needed]
    return measures(customers.loc[customers["n_orders"] > 0, columns])
