"""Assign customers to clusters, and check whether these are distinct groups.

Any method divides any customers into tidy, repeatable clusters; so the result is compared with
clusters of a null distribution without groups (`structure`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.minimum_data import Note, shortfalls
from cvm_analysis.segments.clusters import structure
from cvm_analysis.segments.clusters.features import Features
from cvm_analysis.segments.clusters.measures import Grouping, Method

PART = "clusters"
DEFAULT = Grouping()
MOST_ROWS = 5000  # customers in the sample that k is chosen on
MARGIN = 0.02  # in silhouette, for data that the null distribution does not fit exactly
UNSTABLE, DOUBTFUL = 0.6, 0.75  # Jaccard overlap; thresholds of Hennig (2007), section 3


@dataclass(frozen=True)
class Clusters:
    """Customers in clusters, and how distinct these are; `choose` makes one.

    labels : code of each customer's cluster; c1 has the largest mean spend, then c2, ...
    k : how many clusters; 1 where the customers could not be divided
    table : one row per k tried: silhouette; null_silhouette, its mean without groups; smallest
        (customers)
    groups : one row per cluster: jaccard, the mean overlap with clusters of bootstrap samples, in
        [0, 1]; stability: unstable (below 0.6), doubtful (up to 0.75), stable
    null_excess : by how much the silhouettes of each null sample exceed their mean at most
    shortfalls : why there is only one cluster
    """

    labels: pd.Series
    k: int
    table: pd.DataFrame
    groups: pd.DataFrame
    null_excess: tuple[float, ...] = ()
    shortfalls: tuple[Note, ...] = ()

    @property
    def silhouette(self) -> float:
        """The silhouette of the clusters; NaN for one."""
        return float(self.table["silhouette"].get(self.k, np.nan))

    @property
    def threshold(self) -> float:
        """The silhouette above which the clusters are distinct groups."""
        mean = float(self.table["null_silhouette"].get(self.k, np.nan))
        return mean + max(self.null_excess, default=np.nan) + MARGIN

    @property
    def is_structure(self) -> bool:
        """Whether the clusters are distinct groups."""
        return self.silhouette > self.threshold

    @property
    def notes(self) -> list[Note]:
        """Notes: why there is one cluster, that groups are not distinct, or are unstable."""
        if self.shortfalls:
            return list(self.shortfalls)
        unstable = int((self.groups["stability"] == "unstable").sum())
        notes = [] if self.is_structure else [Note(PART, "no_distinct_groups")]
        return notes + ([Note(PART, "unstable_clusters", unstable, self.k)] if unstable else [])


def choose(
    features: Features,
    spend: pd.Series,
    method: Method = DEFAULT.method,
    ks: Iterable[int] = DEFAULT.ks,
    seed: int = 0,
) -> Clusters:
    """Assign customers to the number of clusters that exceeds the null distribution most.

    The largest silhouette less its null mean decides, because silhouettes depend on k. The result
    does not depend on the order of the customers.

    spend : of each customer; clusters are numbered by its mean, the largest first
    ks : numbers of clusters to try; those with a very small cluster are not chosen
    """
    index, features, ks = features.table.index, _sorted(features), list(dict.fromkeys(ks))
    distinct = _distinct(features)
    if short := shortfalls("clusters", buyers=len(features.table), distinct=distinct):
        return _one(index, short[0])
    with structure.quick_fits():
        sample = _sample(features, seed)
        points = sample.table.to_numpy()
        table, models = structure.scan_k(points, ks, method, seed, starts=5)
        fit = structure.feasible(table, len(points))
        if fit.empty:
            return _one(index, Note(PART, "one_cluster_alike", distinct))
        null = structure.null_silhouettes(sample, ks, method, seed)
        table.insert(1, "null_silhouette", null.mean())
        k = int((fit - null.mean()).idxmax())
        jaccard = structure.bootstrap_stability(points, models[k].predict(points), method, seed)
        labels = _predict(models[k], features, index)
    names = _names(labels, spend)
    excess = (null - null.mean()).max(axis=1)
    return Clusters(labels.map(names), k, table, _groups(jaccard, names), tuple(excess))


def assign(
    features: Features, spend: pd.Series, k: int, method: Method = DEFAULT.method, seed: int = 0
) -> pd.Series:
    """Assign customers to k clusters without a test of whether these are distinct.

    Returns
    -------
    Code of each customer's cluster as in `Clusters.labels`; c1 for all if they are too few for k.
    """
    index, features = features.table.index, _sorted(features)
    too_few = shortfalls("clusters", buyers=len(features.table))
    if k < 2 or _distinct(features) < k or too_few:
        return pd.Series("c1", index, name="cluster", dtype=object)
    with structure.quick_fits():
        points = _sample(features, seed).table.to_numpy()
        labels = _predict(structure.fit(points, k, method, seed, starts=5), features, index)
    return labels.map(_names(labels, spend))


def _predict(model: Any, features: Features, index: pd.Index) -> pd.Series:
    found = model.predict(features.table.to_numpy())
    return pd.Series(found, features.table.index, name="cluster").reindex(index)


def _distinct(features: Features) -> int:
    table = features.table
    return int((~table.duplicated()).sum()) if len(table.columns) else 1


def _sorted(features: Features) -> Features:
    """Sort customers by their values alone, not by rows or ids."""
    keys = [features.spend, features.purchases, *features.table.to_numpy().T[::-1]]
    return features.take(np.lexsort(keys))


def _sample(features: Features, seed: int) -> Features:
    n = len(features.table)
    if n <= MOST_ROWS:
        return features
    return features.take(np.sort(np.random.default_rng(seed).choice(n, MOST_ROWS, replace=False)))


def _one(index: pd.Index, note: Note) -> Clusters:
    table = pd.DataFrame(columns=["silhouette", "null_silhouette", "smallest"], dtype=float)
    labels = pd.Series("c1", index=index, name="cluster", dtype=object)
    groups = pd.DataFrame({"jaccard": 1.0, "stability": "stable"}, pd.Index(labels.unique()))
    return Clusters(labels, 1, table.rename_axis("k"), groups.rename_axis("cluster"), (), (note,))


def _names(labels: pd.Series, spend: pd.Series) -> dict[int, str]:
    """Name clusters c1, c2, ... by falling mean spend, then by size."""
    groups = spend.reindex(labels.index).astype(float).sort_values().groupby(labels)
    by = pd.DataFrame({"spend": groups.mean().fillna(0.0), "size": labels.value_counts()})
    order = by.sort_values(["spend", "size"], ascending=False, kind="stable").index
    return {label: f"c{i}" for i, label in enumerate(order, start=1)}


def _groups(jaccard: np.ndarray, names: dict[int, str]) -> pd.DataFrame:
    rows = {name: (jaccard[label], _stability(jaccard[label])) for label, name in names.items()}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["jaccard", "stability"])
    return table.rename_axis("cluster")


def _stability(jaccard: float) -> str:
    if jaccard > DOUBTFUL:
        return "stable"
    return "doubtful" if jaccard >= UNSTABLE else "unstable"
