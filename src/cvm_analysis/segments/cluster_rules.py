"""A short rule for every cluster, so that a group found by a machine can be named and looked up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

DEEPEST = 3  # conditions of a rule
WORTH = 0.02  # what a further condition must add to the fit of a rule


class Condition(NamedTuple):
    """A limit on one measure: at most (`<=`) or above (`>`) a value, in the measure's unit."""

    column: str
    comparison: str
    value: float


def rules(measured: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Find the rule of at most three conditions that describes each cluster best.

    A shallow tree separates the cluster from all others; of its nodes the one with the largest F1
    is taken, shorter ones first. Limits are rounded to three digits before they are judged.

    Parameters
    ----------
    measured : one row per customer, in the units of `clusters.measures`; missing is the median
    labels : each customer's cluster

    Returns
    -------
    One row per cluster; conditions : tuple of Condition, all of which must hold, empty if everyone
    is in it; accuracy : share of all customers for whom rule and cluster agree; precision : share
    of those the rule describes who are in the cluster; coverage : share of the cluster described.
    """
    known = measured.loc[labels.index].dropna(axis=1, how="all")
    known = known.fillna(known.median())
    known = known.loc[:, np.isfinite(known).all()]
    rows = {code: _rule(known, labels == code) for code in sorted(labels.unique(), key=_number)}
    columns = ["conditions", "accuracy", "precision", "coverage"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("cluster")


def holds(conditions: Sequence[Condition], measured: pd.DataFrame) -> pd.Series:
    """Tell for every customer whether all conditions hold."""
    found = pd.Series(True, index=measured.index)
    for column, comparison, value in conditions:
        below = measured[column] <= value
        found &= below if comparison == "<=" else ~below
    return found


def _number(code: str) -> tuple[int, str]:
    return len(code), code


def _rule(measured: pd.DataFrame, inside: pd.Series) -> dict[str, Any]:
    everyone: list[tuple[Condition, ...]] = [()]
    alone = inside.all() or measured.empty
    judged = [
        {"conditions": found, **_judged(holds(found, measured), inside)}
        for found in (everyone if alone else _nodes(measured, inside))
    ]
    return max(judged, key=lambda row: row["f1"] - WORTH * len(row["conditions"]))


def _judged(said: pd.Series, inside: pd.Series) -> dict[str, float]:
    both = int((said & inside).sum())
    return {
        "accuracy": float((said == inside).mean()),
        "precision": both / max(int(said.sum()), 1),
        "coverage": both / max(int(inside.sum()), 1),
        "f1": 2 * both / max(int(said.sum() + inside.sum()), 1),
    }


def _nodes(measured: pd.DataFrame, inside: pd.Series) -> Iterator[tuple[Condition, ...]]:
    """Yield the conditions that lead to each node of a shallow tree."""
    from sklearn.tree import DecisionTreeClassifier

    shape = {"max_depth": DEEPEST, "class_weight": "balanced", "random_state": 0}
    tree = DecisionTreeClassifier(**shape).fit(measured.to_numpy(), inside).tree_
    whole = {c for c in measured if (measured[c] == measured[c].round()).all()}
    reached: list[tuple[int, tuple[Condition, ...]]] = [(0, ())]
    while reached:
        node, path = reached.pop()
        yield _tightest(path)
        if tree.children_left[node] >= 0:
            column = measured.columns[tree.feature[node]]
            limit = _rounded(float(tree.threshold[node]), column in whole)
            for child, sign in ((tree.children_left, "<="), (tree.children_right, ">")):
                reached.append((int(child[node]), (*path, Condition(column, sign, limit))))


def _tightest(path: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Keep one limit of each kind a measure, the narrowest."""
    kept: dict[tuple[str, str], Condition] = {}
    for each in path:
        key, sign = (each.column, each.comparison), -1 if each.comparison == "<=" else 1
        if key not in kept or sign * each.value > sign * kept[key].value:
            kept[key] = each
    return tuple(kept.values())


def _rounded(limit: float, whole: bool) -> float:
    return float(np.floor(limit)) if whole else float(f"{limit:.3g}")
