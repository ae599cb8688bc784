"""Who moved between two days, by the limits of the earlier one, beside who was expected to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd

from cvm_analysis.minimum_data import Note, shortfalls
from cvm_analysis.segments import classes, loyalty
from cvm_analysis.segments.classification_rules import SCHEMES, ClassificationRules
from cvm_analysis.segments.grades.scorecard import Scorecard
from cvm_analysis.segments.grades.versions import order_grades
from cvm_analysis.segments.transitions import transition_matrix

PART = "transitions"


class Records(Protocol):
    """The records of a region: measured on a day, or as if days of the past had come again."""

    def measures(self, date: dt.date) -> pd.DataFrame:
        """One row per customer as of a day, columns of table `customers` and imported figures."""
        ...

    def with_copied_days(self, draws: Iterable[pd.DataFrame], before: dt.date) -> Iterator[Records]:
        """Give the records as if the days of each draw of `expected_by_chance` had followed."""
        ...


@dataclass(frozen=True)
class Transitions:
    """Everybody's classes on two days; one row per customer and one column per scheme each.

    before, after : classes at the earlier and the later day, both by the limits of the earlier
    drawn : classes at the later day had nobody changed, once for each draw; none: no expectation
    lost : each customer's indicator that lost the most points between the days; see `largest_drop`
    money : one amount a customer, in the config's currency
    orders : scheme -> its classes, best first
    """

    before: pd.DataFrame = field(repr=False)
    after: pd.DataFrame = field(repr=False)
    drawn: Sequence[pd.DataFrame] = field(repr=False)
    lost: pd.Series = field(repr=False)
    money: pd.Series = field(repr=False)
    orders: Mapping[str, Sequence[str]]

    def matrix(self, scheme: str) -> pd.DataFrame:
        """One row per pair of classes, as `transition_matrix.with_expected` gives it, and their
        money."""
        order = self.orders[scheme]
        observed = transition_matrix.count(
            self.before[scheme], self.after[scheme], self.money, order
        )
        if not self.drawn:
            return observed.assign(expected=float("nan"))
        unchanged = [
            transition_matrix.count(self.before[scheme], each[scheme], None, order)
            for each in self.drawn
        ]
        compared = transition_matrix.with_expected(
            observed, transition_matrix.mean_counts(unchanged)
        )
        known = observed.set_index(transition_matrix.PAIR)["money"]
        return compared.join(known, on=transition_matrix.PAIR).fillna({"money": 0.0})

    def recut(self, by_later: pd.DataFrame, scheme: str) -> pd.DataFrame:
        """Count who has another class only because the limits have moved; see
        `transition_matrix.threshold_effect`.

        by_later : classes at the later day by the limits of that day
        """
        order = self.orders[scheme]
        return transition_matrix.threshold_effect(self.after[scheme], by_later[scheme], order)

    @property
    def notes(self) -> list[Note]:
        """Whether too few customers were there at the earlier day to speak of movement."""
        return shortfalls(PART, customers=len(self.before))


def remeasure(
    records: Records, card: Scorecard, draws: Iterable[pd.DataFrame], before: dt.date, day: dt.date
) -> list[pd.DataFrame]:
    """Measure all customers on a day as if they had gone on unchanged after `before`.

    card : of the loyalty index; draws : purchases that might have followed
        (`expected_by_chance.draw_repeatedly`)

    Returns
    -------
    One table for each draw, one row per customer, with the index.
    """
    repeated = records.with_copied_days(draws, before)
    return [loyalty.measure_with_index(each.measures, card)(day) for each in repeated]


def compare(
    yardstick: ClassificationRules,
    before: pd.DataFrame,
    after: pd.DataFrame,
    drawn: Sequence[pd.DataFrame],
    money: pd.Series,
) -> Transitions:
    """Class everybody on two days by the limits of the earlier one.

    Parameters
    ----------
    yardstick : the limits of the earlier day
    before, after, drawn : measures of all customers at the earlier day, at the later day, and at
        the later day had nobody changed (`remeasure`); columns as Yardstick asks for
    money : one amount a customer, in the config's currency
    """
    lost = largest_drop(yardstick.parts(before), yardstick.parts(after))
    classes = [yardstick.classes(each) for each in drawn]
    sides = yardstick.classes(before), yardstick.classes(after)
    return Transitions(*sides, classes, lost, money, class_orders(yardstick))


def class_orders(yardstick: ClassificationRules) -> dict[str, list[str]]:
    """The classes of each scheme, best first: grades, names in the order of their rules, life."""
    grades = order_grades({kind: [card] for kind, (card, _) in yardstick.cards.items()})
    names = list(yardstick.rules.segments)
    return {"grade": grades, "rfm": names, "life_cycle": list(classes.ORDERS["life_cycle"])}


def largest_drop(then: pd.DataFrame, now: pd.DataFrame) -> pd.Series:
    """Name each customer's indicator that gives the most points less than it did.

    then, now : parts of the score on two days, as Yardstick.parts gives them. Who is not in both,
        or lost nothing, has none.
    """
    both = then.index.intersection(now.index)
    change = now.reindex(both, columns=then.columns) - then.loc[both]
    losing = change[(change < 0).any(axis=1)]
    return losing.idxmin(axis=1).astype(object).rename("largest_drop")


def transitions_table(movement: Transitions) -> pd.DataFrame:
    """Make table `transitions`: one row per scheme and pair of classes that has or expects
    customers."""
    parts = [movement.matrix(scheme).assign(scheme=scheme) for scheme in SCHEMES]
    table = pd.concat(parts).rename(columns={"money": "net_sales"})
    met = (table["n_customers"] > 0) | (table["expected"] > 0)
    columns = ["scheme", "before", "after", "move", "n_customers", "net_sales", "expected"]
    return table.loc[met, columns].set_index(["scheme", "before", "after"])


def select(table: pd.DataFrame, scheme: str, order: Sequence[str] = ()) -> pd.DataFrame:
    """Take the rows of one scheme from table `transitions` or `downgrades_table`; there may be
    none.

    order : classes, best first, in which the rows of `transitions_table` are wanted
    """
    rows = table[table.index.get_level_values("scheme") == scheme].droplevel("scheme")
    place = {code: at for at, code in enumerate(order)}
    by = {"key": lambda codes: codes.map(lambda code: place.get(code, len(place)))}
    return rows.sort_index(kind="stable", **by) if order else rows


def downgrades_table(movement: Transitions) -> pd.DataFrame:
    """Make table `downgrades`: one row per scheme and customer who fell, the most money first."""
    parts = []
    for scheme in SCHEMES:
        sides = movement.before[scheme], movement.after[scheme]
        every = len(movement.before)
        fell = transition_matrix.downgrades(*sides, movement.orders[scheme], movement.money, every)
        rows = fell.rename(columns={"money": "net_sales"}).reset_index().assign(scheme=scheme)
        why = rows["customer_id"].map(movement.lost) if scheme == "grade" else None
        parts.append(rows.assign(largest_drop=why))
    columns = ["scheme", "customer_id", "before", "after", "net_sales", "largest_drop"]
    return pd.concat(parts)[columns].set_index(["scheme", "customer_id"])
