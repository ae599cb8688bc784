"""The effect of a new version of a scorecard, before it is adopted.

Both versions are fitted and applied to the same customers on the same day, so that only the
scorecard differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

import pandas as pd

from cvm_analysis.errors import InputError
from cvm_analysis.segments.grades import grade, points
from cvm_analysis.segments.grades.scorecard import Scorecard
from cvm_analysis.segments.transitions import transition_matrix

Applied: TypeAlias = tuple[pd.DataFrame, pd.Series, pd.Series]


@dataclass(frozen=True)
class Effect:
    """The effect of a new version; `compare` makes one.

    matrix : one row per pair of grades, as `transition_matrix.count`: before is by the old version,
        after by the new
    regraded : one row per customer whose grade differs, the largest net sales first: before, after,
        move, score_before, score_after (empty if not graded), net_sales
    indicators : one row per indicator of either version, the old one's order first:
        weight_before, weight_after : 0 if the version lacks it
        points_before, points_after : mean part of the score, in points, over customers graded by
            both; empty if there are none
        change : of the mean part; adds up to the change of the mean score
    n_customers : that both versions were applied to; n_graded : by both
    """

    matrix: pd.DataFrame
    regraded: pd.DataFrame
    indicators: pd.DataFrame
    n_customers: int
    n_graded: int


def compare(old: Scorecard, new: Scorecard, measures: pd.DataFrame, net_sales: pd.Series) -> Effect:
    """Grade the same customers by two versions and compare.

    old, new : versions for one customer type; each is fitted to these measures
    measures : one row per customer of that type, on one day
    net_sales : one amount per customer, in the config's currency; a missing one counts as zero

    Raises InputError: versions for different customer types, or customers listed twice
    """
    _check(old, new, measures, net_sales)
    (parts_old, scores_old, before), (parts_new, scores_new, after) = (
        _apply(card, measures) for card in (old, new)
    )
    order = merge_grades(list(old.grades), list(new.grades))
    matrix = transition_matrix.count(before, after, net_sales, order)
    both = scores_old.notna() & scores_new.notna()
    columns = {"before": before, "after": after}
    columns |= {"score_before": scores_old, "score_after": scores_new}
    return Effect(
        matrix,
        _regraded(pd.DataFrame(columns), matrix, net_sales),
        _indicators(old, new, parts_old[both], parts_new[both]),
        len(measures),
        int(both.sum()),
    )


def order_grades(cards: Mapping[str, Sequence[Scorecard]]) -> list[str]:
    """Merge the grades of all scorecards into one order, best first.

    cards : customer type -> versions of its scorecard
    """
    every = [list(card.grades) for versions in cards.values() for card in versions]
    return reduce(merge_grades, every, list[str]())


def merge_grades(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Merge the grades of two versions into one order, best first.

    The new order counts; a grade only of the old version goes before its next lower one there.
    """
    order, lower = list(new), len(new)
    for code in reversed(old):
        if code not in order:
            order.insert(lower, code)
        lower = order.index(code)
    return order


def _check(old: Scorecard, new: Scorecard, measures: pd.DataFrame, net_sales: pd.Series) -> None:
    wrong = []
    if old.customer_type != new.customer_type:
        wrong.append(f"one is for {old.customer_type} customers, one for {new.customer_type}")
    for name, index in (("measures", measures.index), ("net_sales", net_sales.index)):
        if not index.is_unique:
            wrong.append(f"{name}: {index.duplicated().sum():,} customers are listed twice")
    if wrong:
        raise InputError("versions cannot be compared: " + "; ".join(wrong))


def _apply(card: Scorecard, measures: pd.DataFrame) -> Applied:
    """Parts of the score, score and grade of each customer by one version."""
    fitted = points.fit_bins(card, measures)
    parts = points.contributions(fitted, points.assign_points(fitted, measures))
    scores = points.score(fitted, measures)
    return parts, scores, grade.assign(scores, grade.thresholds(fitted, scores))


def _regraded(customers: pd.DataFrame, matrix: pd.DataFrame, net_sales: pd.Series) -> pd.DataFrame:
    moves = matrix.set_index(transition_matrix.PAIR)["move"]
    table = customers.rename_axis("customer_id")[customers["before"] != customers["after"]]
    table = table.join(moves, transition_matrix.PAIR)
    columns = [*transition_matrix.PAIR, "move", "score_before", "score_after"]
    amounts = net_sales.reindex(table.index).fillna(0.0).astype(float)
    table = table[columns].assign(net_sales=amounts).sort_index()
    return table.sort_values("net_sales", ascending=False, kind="stable")


def _indicators(
    old: Scorecard, new: Scorecard, parts_old: pd.DataFrame, parts_new: pd.DataFrame
) -> pd.DataFrame:
    weights = [pd.Series({i.code: i.weight for i in card.indicators}) for card in (old, new)]
    codes = list(dict.fromkeys([*weights[0].index, *weights[1].index]))
    means = [parts.fillna(0.0).mean() for parts in (parts_old, parts_new)]
    nothing = 0.0 if len(parts_old) else float("nan")
    table = pd.DataFrame(
        {
            "weight_before": weights[0].reindex(codes, fill_value=0.0),
            "weight_after": weights[1].reindex(codes, fill_value=0.0),
            "points_before": means[0].reindex(codes, fill_value=nothing),
            "points_after": means[1].reindex(codes, fill_value=nothing),
        }
    ).rename_axis("indicator")
    return table.assign(change=table["points_after"] - table["points_before"])
