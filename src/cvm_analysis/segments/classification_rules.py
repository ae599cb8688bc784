"""The limits of one day, and every customer's classes by them, on that day or any other.

Who moved between two days can only be told if both are measured alike: by the earlier one's limits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cvm_analysis.segments import classes, rfm
from cvm_analysis.segments.grades import grade, points
from cvm_analysis.segments.grades.scorecard import Scorecard
from cvm_analysis.segments.rfm_names import Matching, Rules

SCHEMES = ("grade", "rfm", "life_cycle")
RETAIL = "retail"


@dataclass(frozen=True)
class Naming:
    """How RFM scores become names; see `rfm.score` and `rfm.name`."""

    rules: Rules
    bins: int = 5
    monetary: rfm.Monetary = "total"
    matching: Matching = "exactly_one"
    written_for: int | None = None

    def assign(self, customers: pd.DataFrame, cuts: rfm.Cuts) -> tuple[pd.DataFrame, pd.Series]:
        """Score who bought, and name everybody."""
        scored = rfm.score(customers, self.bins, cuts, self.monetary)
        how = (self.rules, self.bins, self.matching, self.written_for)
        return scored, rfm.name(scored, customers, *how)

    def add_segment(self, customers: pd.DataFrame, cuts: rfm.Cuts) -> pd.DataFrame:
        """Add everybody's name as column `segment`; the same rows."""
        return customers.assign(segment=self.of(customers, cuts)[1])

    def name_on_days(
        self, days: Sequence[dt.date], customers: Sequence[pd.DataFrame], cuts: Sequence[rfm.Cuts]
    ) -> dict[dt.date, pd.Series]:
        """Name the customers of each of several days, by that day's cut points."""
        each_day = zip(days, customers, cuts, strict=True)
        return {day: self.of(people, those)[1] for day, people, those in each_day}


@dataclass(frozen=True)
class ClassificationRules:
    """Everything a class depends on besides the customer.

    naming, cuts : of RFM; usual_gap : days, of the company; life_cycle : settings of
    `schemes.life_cycle`; cards : customer type -> settled scorecard and least score of each grade
    """

    naming: Naming
    cuts: rfm.Cuts
    usual_gap: float
    life_cycle: Mapping[str, float]
    cards: Mapping[str, tuple[Scorecard, Mapping[str, float]]] = field(repr=False)

    def classes(self, measures: pd.DataFrame) -> pd.DataFrame:
        """Class customers as known on some day.

        Parameters
        ----------
        measures : one row per customer, columns of table `customers` and those of the scorecards

        Returns
        -------
        One row per customer who bought; columns of SCHEMES. Grades are those of the points alone;
        only retail customers have the other two, others are empty there.
        """
        bought = measures[measures["n_orders"] > 0]
        retail = bought[bought["customer_type"] == RETAIL]
        _, names = self.naming.assign(retail, self.cuts)
        lives = classes.life_cycle(retail, self.usual_gap, **self._life_cycle)
        found = {"grade": self._grades(bought), "rfm": names, "life_cycle": lives}
        return pd.DataFrame(found, index=bought.index)[list(SCHEMES)]

    def parts(self, measures: pd.DataFrame) -> pd.DataFrame:
        """What each indicator gives to the score, in points; empty where a type has it not.

        One row per customer who bought and is graded, one column per indicator of any scorecard.
        """
        bought = measures[measures["n_orders"] > 0]
        found = []
        for customer_type, (card, _) in self.cards.items():
            rows = bought[bought["customer_type"] == customer_type]
            given = points.contributions(card, points.assign_points(card, rows))
            found.append(given.dropna(how="all"))
        return pd.concat(found) if found else pd.DataFrame(index=bought.index[:0])

    @property
    def _life_cycle(self) -> dict[str, Any]:
        return dict(self.life_cycle)

    def _grades(self, bought: pd.DataFrame) -> pd.Series:
        found = pd.Series(grade.NOT_GRADED, index=bought.index, dtype=object)
        for customer_type, (card, limits) in self.cards.items():
            rows = bought[bought["customer_type"] == customer_type]
            found.update(grade.assign(points.score(card, rows), limits))
        return found
