"""The segment of a customer in reports: an RFM name, or type and grade."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from cvm_analysis.segments.grades.grade import NOT_GRADED
from cvm_analysis.segments.grades.scorecard import Scorecard


def segment_code(customer_type: str, grade: str) -> str:
    """Code of the segment of a customer type and grade: `project_a`."""
    return f"{customer_type}_{grade}".lower()


def list_graded(
    cards: Mapping[str, Iterable[Scorecard]], by: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield type and grade of each segment named by them, in the scorecards' order.

    cards : customer type -> versions of its scorecard; by : as for `assign`
    """
    for kind, versions in cards.items():
        if by.get(kind) != "rfm":
            grades = dict.fromkeys(grade for card in versions for grade in card.grades)
            yield from ((kind, grade) for grade in grades)


def assign(
    customer_type: pd.Series, rfm: pd.Series, grade: pd.Series, by: Mapping[str, str]
) -> pd.Series:
    """One code per customer.

    customer_type, rfm, grade : of each customer, with the same index
    by : customer type -> `rfm` or `grade`; a type that is left out goes by grade
    """
    by_rfm = customer_type.map(by).eq("rfm")
    graded = [segment_code(k, g) for k, g in zip(customer_type, grade, strict=True)]
    return rfm.where(by_rfm, pd.Series(graded, index=rfm.index)).rename("segment")


def complete(classes: pd.DataFrame, grades: pd.DataFrame, by: Mapping[str, str]) -> pd.DataFrame:
    """Make table `segments`: classes, score, grade and report segment of all customers.

    classes : table `classes`; grades : table `grades`, of the customers who bought; by : as for
        `assign`
    """
    table = classes.join(grades[["score", "grade"]])
    table["grade"] = table["grade"].fillna(NOT_GRADED)
    table["segment"] = assign(table["customer_type"], table["rfm"], table["grade"], by)
    return table
