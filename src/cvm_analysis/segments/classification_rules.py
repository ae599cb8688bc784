"""Classification rules of one day, applied to the customers of that or another day.

Customers of two days are comparable only if both are classed by the same rules: the earlier day's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cvm_analysis.segments import classes, rfm
from cvm_analysis.segments.grades import grade, points
from cvm_analysis.segments.grades.reviews import Graded
from cvm_analysis.segments.grades.scorecard import Scorecard

SCHEMES = ("grade", "rfm", "life_cycle")
RETAIL = "retail"


@dataclass(frozen=True)
class Naming:
    """What the segment of a customer depends on besides the customer.

    rules, cuts : of RFM; usual_gap : days, of the company; life_cycle : thresholds of its classes
    """

    rules: rfm.Rfm
    cuts: rfm.Cuts
    usual_gap: float
    life_cycle: classes.LifeCycle

    def score(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Score the customers who bought; see `rfm.score`."""
        return rfm.score(customers, self.rules.bins, self.cuts, self.rules.monetary)

    def activity(self, customers: pd.DataFrame) -> pd.Series:
        """Activity of each customer; see `classes.activity`."""
        return classes.activity(customers, self.usual_gap, self.life_cycle)

    def name_by_score(self, customers: pd.DataFrame) -> pd.Series:
        """Name the segment of each customer by the scores alone; see `rfm.name`."""
        return rfm.name(self.score(customers), customers, self.rules)

    def name(self, customers: pd.DataFrame) -> pd.Series:
        """Name the segment of each customer by scores and activity; see `rfm.check_activity`."""
        named = self.name_by_score(customers)
        return rfm.check_activity(named, self.activity(customers), self.rules)

    def name_all(self, customers: pd.DataFrame) -> pd.Series:
        """Name the segment of customers of every type; of others than retail it is the type."""
        is_retail = customers["customer_type"] == RETAIL
        names = self.name(customers[is_retail])
        return customers["customer_type"].where(~is_retail, names)

    def replaced(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Show which names activity replaces, and for how many; see `rfm.names_replaced`."""
        named = self.name_by_score(customers)
        return rfm.names_replaced(named, self.activity(customers), self.rules)


def find_thresholds(customers: pd.DataFrame, rules: rfm.Rfm) -> dict[str, Any]:
    """Learn from the retail customers of a day what RFM and life cycle need; plain JSON."""
    retail = customers[customers["customer_type"] == RETAIL]
    return {"cuts": rules.find_cut_points(retail), "usual_gap": classes.usual_gap(retail)}


def build(
    rules: rfm.Rfm,
    life_cycle: classes.LifeCycle,
    thresholds: Mapping[str, Any],
    graded: Mapping[str, Graded],
) -> ClassificationRules:
    """Combine the thresholds of one day: of `find_thresholds`, and of a review of that day."""
    cards = {kind: (each.card, each.thresholds) for kind, each in graded.items()}
    naming = Naming(rules, thresholds["cuts"], thresholds["usual_gap"], life_cycle)
    return ClassificationRules(naming, cards)


def add_segment(customers: pd.DataFrame, naming: Naming) -> pd.DataFrame:
    """Add every customer's segment as column `segment`: the type, except for retail customers."""
    return customers.assign(segment=naming.name_all(customers))


def name_on_days(
    days: Sequence[dt.date],
    customers: Sequence[pd.DataFrame],
    rules: rfm.Rfm,
    life_cycle: classes.LifeCycle,
) -> dict[dt.date, pd.Series]:
    """Name the segments of each of several days, by the thresholds of that day's customers.

    customers : those of each day; segments as `add_segment` makes them
    """
    found = {}
    for day, table in zip(days, customers, strict=True):
        own = find_thresholds(table, rules)
        naming = Naming(rules, own["cuts"], own["usual_gap"], life_cycle)
        found[day] = add_segment(table, naming)["segment"].rename("rfm")
    return found


@dataclass(frozen=True)
class ClassificationRules:
    """What a class depends on besides the customer.

    naming : of retail customers; cards : customer type -> fitted scorecard and least score of each
        grade
    """

    naming: Naming
    cards: Mapping[str, tuple[Scorecard, Mapping[str, float]]] = field(repr=False)

    def classes(self, measures: pd.DataFrame) -> pd.DataFrame:
        """Class customers as they are on a day.

        measures : one row per customer, columns of table `customers` and those of the scorecards

        Returns
        -------
        One row per customer who bought; columns of SCHEMES. The grade is the one by score; rfm and
        life_cycle are empty except for retail customers.
        """
        bought = measures[measures["n_orders"] > 0]
        retail = bought[bought["customer_type"] == RETAIL]
        lives = classes.life_cycle(retail, self.naming.usual_gap, self.naming.life_cycle)
        names = self.naming.name(retail)
        found = {"grade": self._grades(bought), "rfm": names, "life_cycle": lives}
        return pd.DataFrame(found, index=bought.index)[list(SCHEMES)]

    def parts(self, measures: pd.DataFrame) -> pd.DataFrame:
        """One row per graded customer, one column per indicator: its part of the score, in points.

        Empty where the scorecard of the customer's type lacks the indicator.
        """
        bought = measures[measures["n_orders"] > 0]
        found = []
        for customer_type, (card, _) in self.cards.items():
            rows = bought[bought["customer_type"] == customer_type]
            own = points.contributions(card, points.assign_points(card, rows))
            found.append(own.dropna(how="all"))
        return pd.concat(found) if found else pd.DataFrame(index=bought.index[:0])

    def _grades(self, bought: pd.DataFrame) -> pd.Series:
        found = pd.Series(grade.NOT_GRADED, index=bought.index, dtype=object)
        for customer_type, (card, thresholds) in self.cards.items():
            rows = bought[bought["customer_type"] == customer_type]
            found.update(grade.assign(points.score(card, rows), thresholds))
        return found
