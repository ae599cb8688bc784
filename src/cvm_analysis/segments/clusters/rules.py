"""A short rule for every cluster, by which it can be named and its customers found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.segments.clusters.measures import is_attribute
from cvm_analysis.segments.clusters.names import cluster_number

MAX_CONDITIONS = 3
MIN_GAIN = 0.02  # in F1, of a further condition


class Condition(NamedTuple):
    """A threshold of a number (`<=` or `>`), or a level (`==` or `!=`)."""

    column: str
    comparison: str
    value: float | str


Conditions = tuple[Condition, ...]


class _Split(NamedTuple):
    """A column that a tree may split on, and the measure it comes from."""

    column: str
    level: str | None
    is_integer: bool


def rules(measured: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Find the rule of at most three conditions that describes each cluster best.

    A shallow tree separates the cluster from all others; the node with the largest F1 is taken,
    shorter rules first. Thresholds are rounded to three digits before they are rated.

    measured : one row per customer, as `measures.build` makes them; a missing number counts as the
        median, a missing level as none of the others
    labels : each customer's cluster

    Returns
    -------
    One row per cluster; conditions : tuple of Condition, all of which must hold, empty without a
    rule; accuracy : share of all customers for whom rule and cluster agree; precision : share of
    those the rule describes who are in the cluster; coverage : share of the cluster described.
    """
    filled = _fill_missing(measured.loc[labels.index])
    rows = {
        code: _rule(filled, labels == code) for code in sorted(labels.unique(), key=cluster_number)
    }
    columns = ["conditions", "accuracy", "precision", "coverage"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("cluster")


def holds(conditions: Sequence[Condition], measured: pd.DataFrame) -> pd.Series:
    """Whether all conditions hold, for every customer."""
    found = pd.Series(True, index=measured.index)
    for column, comparison, value in conditions:
        values = measured[column]
        first = values.astype(str) == value if isinstance(value, str) else values <= value
        found &= first if comparison in ("<=", "==") else ~first
    return found


def _fill_missing(measured: pd.DataFrame) -> pd.DataFrame:
    filled = {
        column: values if is_attribute(values) else values.fillna(values.median())
        for column, values in measured.dropna(axis=1, how="all").items()
    }
    usable = {c: v for c, v in filled.items() if is_attribute(v) or np.isfinite(v).all()}
    return pd.DataFrame(usable, index=measured.index)


def _rule(measured: pd.DataFrame, inside: pd.Series) -> dict[str, Any]:
    no_rule: list[Conditions] = [()]
    candidates = no_rule if inside.all() or measured.empty else _nodes(measured, inside)
    rated = [{"conditions": c, **_rate(holds(c, measured), inside)} for c in candidates]
    return max(rated, key=lambda row: row["f1"] - MIN_GAIN * len(row["conditions"]))


def _rate(described: pd.Series, inside: pd.Series) -> dict[str, float]:
    both = int((described & inside).sum())
    return {
        "accuracy": float((described == inside).mean()),
        "precision": both / max(int(described.sum()), 1),
        "coverage": both / max(int(inside.sum()), 1),
        "f1": 2 * both / max(int(described.sum() + inside.sum()), 1),
    }


def _nodes(measured: pd.DataFrame, inside: pd.Series) -> Iterator[Conditions]:
    """Yield the conditions that lead to each node of a shallow tree."""
    from sklearn.tree import DecisionTreeClassifier

    splits, points = _splits(measured)
    levels = {str(c): set(v.astype(str)) for c, v in measured.items() if is_attribute(v)}
    shape = {"max_depth": MAX_CONDITIONS, "class_weight": "balanced", "random_state": 0}
    tree = DecisionTreeClassifier(**shape).fit(points, inside).tree_
    reached: list[tuple[int, Conditions]] = [(0, ())]
    while reached:
        node, path = reached.pop()
        yield _simplify(path, levels)
        if tree.children_left[node] >= 0:
            split, threshold = splits[tree.feature[node]], float(tree.threshold[node])
            for child, lower in ((tree.children_left, True), (tree.children_right, False)):
                reached.append((int(child[node]), (*path, _condition(split, threshold, lower))))


def _splits(measured: pd.DataFrame) -> tuple[list[_Split], np.ndarray]:
    """One column per number and one per level of an attribute."""
    splits, points = [], []
    for column, values in measured.items():
        if is_attribute(values):
            codes = values.astype(str)
            for level in sorted(codes[values.notna()].unique()):
                splits.append(_Split(str(column), level, False))
                points.append((codes == level).to_numpy(float))
        else:
            splits.append(_Split(str(column), None, bool((values == values.round()).all())))
            points.append(values.to_numpy(float))
    return splits, np.column_stack(points)


def _condition(split: _Split, threshold: float, lower: bool) -> Condition:
    if split.level is not None:
        return Condition(split.column, "!=" if lower else "==", split.level)
    return Condition(split.column, "<=" if lower else ">", _round(threshold, split.is_integer))


def _simplify(path: Conditions, levels: Mapping[str, set[str]]) -> Conditions:
    """Keep the narrowest thresholds of each number, and name the one level left, if so."""
    narrowest: dict[tuple[str, str, str], Condition] = {}
    for each in path:
        if isinstance(each.value, str):
            narrowest[(each.column, each.comparison, each.value)] = each
            continue
        key, sign = (each.column, each.comparison, ""), -1 if each.comparison == "<=" else 1
        if key not in narrowest or sign * each.value > sign * float(narrowest[key].value):
            narrowest[key] = each
    found = tuple(narrowest.values())
    for column in dict.fromkeys(c.column for c in found if isinstance(c.value, str)):
        found = _name_level(found, column, levels[column])
    return found


def _name_level(found: Conditions, column: str, levels: set[str]) -> Conditions:
    """Replace `!=` by `==` if only one level of the column is left."""
    own = [c for c in found if c.column == column]
    is_it = {str(c.value) for c in own if c.comparison == "=="}
    left = is_it or levels - {str(c.value) for c in own}
    if len(left) != 1:
        return found
    at = found.index(own[0])
    rest = [c for c in found if c.column != column]
    return (*rest[:at], Condition(column, "==", left.pop()), *rest[at:])


def _round(threshold: float, is_integer: bool) -> float:
    return float(np.floor(threshold)) if is_integer else float(f"{threshold:.3g}")
