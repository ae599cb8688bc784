"""A short rule for every cluster, so that a group found by a machine can be named and looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.segments.clusters.measures import is_attribute
from cvm_analysis.segments.clusters.names import number

DEEPEST = 3  # conditions of a rule
WORTH = 0.02  # what a further condition must add to the fit of a rule


class Condition(NamedTuple):
    """A limit on one number, at most (`<=`) or above (`>`), or a level that is (`==`) or is not."""

    column: str
    comparison: str
    value: float | str


class _Split(NamedTuple):
    """A column that a tree may part by, and the measure it comes from."""

    column: str
    level: str | None
    is_whole: bool


def rules(measured: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Find the rule of at most three conditions that describes each cluster best.

    A shallow tree separates the cluster from all others; of its nodes the one with the largest F1
    is taken, shorter ones first. Limits are rounded to three digits before they are judged.

    Parameters
    ----------
    measured : one row per customer, as `measures.build` makes them; a missing number is the
        median, a missing level is none of the others
    labels : each customer's cluster

    Returns
    -------
    One row per cluster; conditions : tuple of Condition, all of which must hold, empty if everyone
    is in it; accuracy : share of all customers for whom rule and cluster agree; precision : share
    of those the rule describes who are in the cluster; coverage : share of the cluster described.
    """
    known = _known(measured.loc[labels.index])
    rows = {code: _rule(known, labels == code) for code in sorted(labels.unique(), key=number)}
    columns = ["conditions", "accuracy", "precision", "coverage"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("cluster")


def holds(conditions: Sequence[Condition], measured: pd.DataFrame) -> pd.Series:
    """Tell for every customer whether all conditions hold."""
    found = pd.Series(True, index=measured.index)
    for column, comparison, value in conditions:
        values = measured[column]
        first = values.astype(str) == value if isinstance(value, str) else values <= value
        found &= first if comparison in ("<=", "==") else ~first
    return found


def _known(measured: pd.DataFrame) -> pd.DataFrame:
    kept = {}
    for column, values in measured.dropna(axis=1, how="all").items():
        if is_attribute(values):
            kept[column] = values
        elif np.isfinite(filled := values.fillna(values.median())).all():
            kept[column] = filled
    return pd.DataFrame(kept, index=measured.index)


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

    splits, points = _splits(measured)
    levels = {str(c): set(v.astype(str)) for c, v in measured.items() if is_attribute(v)}
    shape = {"max_depth": DEEPEST, "class_weight": "balanced", "random_state": 0}
    tree = DecisionTreeClassifier(**shape).fit(points, inside).tree_
    reached: list[tuple[int, tuple[Condition, ...]]] = [(0, ())]
    while reached:
        node, path = reached.pop()
        yield _tightest(path, levels)
        if tree.children_left[node] >= 0:
            split, limit = splits[tree.feature[node]], float(tree.threshold[node])
            for child, lower in ((tree.children_left, True), (tree.children_right, False)):
                reached.append((int(child[node]), (*path, _condition(split, limit, lower))))


def _splits(measured: pd.DataFrame) -> tuple[list[_Split], np.ndarray]:
    """One column per number and one per level of an attribute."""
    splits, points = [], []
    for column, values in measured.items():
        if is_attribute(values):
            said = values.astype(str)
            for level in sorted(values.dropna().astype(str).unique()):
                splits.append(_Split(str(column), level, False))
                points.append((said == level).to_numpy(float))
        else:
            splits.append(_Split(str(column), None, bool((values == values.round()).all())))
            points.append(values.to_numpy(float))
    return splits, np.column_stack(points)


def _condition(split: _Split, limit: float, lower: bool) -> Condition:
    if split.level is not None:
        return Condition(split.column, "!=" if lower else "==", split.level)
    return Condition(split.column, "<=" if lower else ">", _rounded(limit, split.is_whole))


def _tightest(path: tuple[Condition, ...], levels: Mapping[str, set[str]]) -> tuple[Condition, ...]:
    """Keep one limit of each kind a number, the narrowest, and say what a level is if it can be."""
    kept: dict[tuple[str, str, str], Condition] = {}
    for each in path:
        if isinstance(each.value, str):
            kept[(each.column, each.comparison, each.value)] = each
            continue
        key, sign = (each.column, each.comparison, ""), -1 if each.comparison == "<=" else 1
        if key not in kept or sign * each.value > sign * float(kept[key].value):
            kept[key] = each
    found = tuple(kept.values())
    for column in dict.fromkeys(c.column for c in found if isinstance(c.value, str)):
        found = _named(found, column, levels[column])
    return found


def _named(found: tuple[Condition, ...], column: str, levels: set[str]) -> tuple[Condition, ...]:
    """Replace what the level of a column is not by what it is, if only one is left."""
    own = [c for c in found if c.column == column]
    is_it = {str(c.value) for c in own if c.comparison == "=="}
    left = is_it or levels - {str(c.value) for c in own}
    if len(left) != 1:
        return found
    at = found.index(own[0])
    rest = [c for c in found if c.column != column]
    return (*rest[:at], Condition(column, "==", left.pop()), *rest[at:])


def _rounded(limit: float, is_whole: bool) -> float:
    return float(np.floor(limit)) if is_whole else float(f"{limit:.3g}")
