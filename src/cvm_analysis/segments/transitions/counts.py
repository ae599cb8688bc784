"""Transitions between two days, by the rules of the earlier one, with those expected by chance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd

from cvm_analysis.minimum_data import Note, shortfalls
from cvm_analysis.segments import class_table, classes
from cvm_analysis.segments.classification_rules import SCHEMES, ClassificationRules
from cvm_analysis.segments.grades.versions import order_grades
from cvm_analysis.segments.loyalty import Cards
from cvm_analysis.segments.transitions import transition_matrix

PART = "transitions"


class Records(class_table.Records, Protocol):
    """Records of a region, measured on a day; or with copies of past days added."""

    def with_copied_days(self, draws: Iterable[pd.DataFrame], before: dt.date) -> Iterator[Records]:
        """Yield the records with the purchases of each draw of `expected_by_chance` added."""
        ...


@dataclass(frozen=True)
class Transitions:
    """Classes on two days; tables have one row per customer and one column per scheme.

    before, after : classes on the earlier and the later day, both by the rules of the earlier
    drawn : classes on the later day by chance alone, one table per draw; none: no expectation
    largest_drop : per customer, the indicator that lost the most points; see `largest_drop`
    net_sales : one amount per customer, in the config's currency
    orders : scheme -> its classes, best first
    """

    before: pd.DataFrame = field(repr=False)
    after: pd.DataFrame = field(repr=False)
    drawn: Sequence[pd.DataFrame] = field(repr=False)
    largest_drop: pd.Series = field(repr=False)
    net_sales: pd.Series = field(repr=False)
    orders: Mapping[str, Sequence[str]]

    def matrix(self, scheme: str) -> pd.DataFrame:
        """One row per pair of classes, as `transition_matrix.with_expected`, with net_sales."""
        before, order = self.before[scheme], self.orders[scheme]
        observed = transition_matrix.count(before, self.after[scheme], self.net_sales, order)
        if not self.drawn:
            return observed.assign(expected=float("nan"))
        draws = [transition_matrix.count(before, each[scheme], None, order) for each in self.drawn]
        expected = transition_matrix.mean_counts(draws)
        compared = transition_matrix.with_expected(observed, expected)
        net_sales = observed.set_index(transition_matrix.PAIR)["net_sales"]
        return compared.join(net_sales, on=transition_matrix.PAIR).fillna({"net_sales": 0.0})

    def threshold_effect(self, by_later: pd.DataFrame, scheme: str) -> pd.DataFrame:
        """Count customers whose class differs by the thresholds alone.

        by_later : classes on the later day by the rules of that day
        """
        order = self.orders[scheme]
        return transition_matrix.threshold_effect(self.after[scheme], by_later[scheme], order)

    @property
    def notes(self) -> list[Note]:
        """Note too few customers on the earlier day to report transitions."""
        return shortfalls(PART, customers=len(self.before))


def remeasure(
    records: Records,
    draws: Iterable[pd.DataFrame],
    before: dt.date,
    day: dt.date,
    period_days: int,
    cards: Cards,
) -> list[pd.DataFrame]:
    """Measure all customers on a day as if they had not changed after `before`, once per draw.

    draws : as `expected_by_chance.draw_repeatedly`; period_days, cards : as `class_table.measure`
    """
    repeated = records.with_copied_days(draws, before)
    return [class_table.measure(each, day, period_days, cards) for each in repeated]


def compare(
    rules: ClassificationRules,
    before: pd.DataFrame,
    after: pd.DataFrame,
    drawn: Sequence[pd.DataFrame],
    net_sales: pd.Series,
) -> Transitions:
    """Class all customers on two days by the rules of the earlier one.

    rules : of the earlier day
    before, after, drawn : measures of all customers on the earlier day, on the later day, and on
        the later day by chance alone (`remeasure`); columns as `ClassificationRules.classes`
    net_sales : one amount per customer, in the config's currency
    """
    drop = largest_drop(rules.parts(before), rules.parts(after))
    by_chance = [rules.classes(each) for each in drawn]
    sides = rules.classes(before), rules.classes(after)
    return Transitions(*sides, by_chance, drop, net_sales, class_orders(rules))


def class_orders(rules: ClassificationRules) -> dict[str, list[str]]:
    """List the classes of each scheme, best first; RFM names in the order of their rules."""
    grades = order_grades({kind: [card] for kind, (card, _) in rules.cards.items()})
    names = list(rules.naming.rules.segments)
    return {"grade": grades, "rfm": names, "life_cycle": list(classes.ORDERS["life_cycle"])}


def largest_drop(before: pd.DataFrame, after: pd.DataFrame) -> pd.Series:
    """Find each customer's indicator whose part of the score fell the most.

    before, after : parts of the score on two days, as `ClassificationRules.parts`; customers who
        are not in both, or lost nothing, have no row
    """
    both = before.index.intersection(after.index)
    change = after.reindex(both, columns=before.columns) - before.loc[both]
    losing = change[(change < 0).any(axis=1)]
    return losing.idxmin(axis=1).astype(object).rename("largest_drop")


def transitions_table(transitions: Transitions) -> pd.DataFrame:
    """Make table `transitions`: one row per scheme and pair of classes.

    Pairs of classes that rank have a row even without customers, so that a chart has every class in
    its order; other pairs only if observed or expected.
    """
    table = pd.concat([transitions.matrix(scheme).assign(scheme=scheme) for scheme in SCHEMES])
    occurs = (table["n_customers"] > 0) | (table["expected"] > 0)
    occurs |= table["move"] != transition_matrix.OTHER
    columns = ["scheme", "before", "after", "move", "n_customers", "net_sales", "expected"]
    return table.loc[occurs, columns].set_index(["scheme", "before", "after"])


def select(table: pd.DataFrame, scheme: str, order: Sequence[str] = ()) -> pd.DataFrame:
    """Take the rows of one scheme from table `transitions` or `downgrades`; may be empty.

    order : classes, best first, by which the rows of `transitions` are sorted
    """
    rows = table[table.index.get_level_values("scheme") == scheme].droplevel("scheme")
    place = {code: at for at, code in enumerate(order)}
    by = {"key": lambda codes: codes.map(lambda code: place.get(code, len(place)))}
    return rows.sort_index(kind="stable", **by) if order else rows


def downgrades_table(transitions: Transitions) -> pd.DataFrame:
    """Make table `downgrades`: one row per scheme and customer, the largest net sales first."""
    parts = []
    for scheme in SCHEMES:
        sides = transitions.before[scheme], transitions.after[scheme]
        order, net_sales = transitions.orders[scheme], transitions.net_sales
        rows = transition_matrix.downgrades(*sides, order, net_sales).reset_index()
        drop = rows["customer_id"].map(transitions.largest_drop) if scheme == "grade" else None
        parts.append(rows.assign(scheme=scheme, largest_drop=drop))
    columns = ["scheme", "customer_id", "before", "after", "net_sales", "largest_drop"]
    return pd.concat(parts)[columns].set_index(["scheme", "customer_id"])
